"""What the workflows do for one accepted file and for one order, counted from their definitions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from components.settings import Settings
from components.workflow.file_workflow import TransformSpec, WorkflowSpec, workflow_definition
from components.workflow.order_workflow import OrderWorkflowSpec, order_workflow_definition

# Names of usual length: what they are does not matter, how long they are shows in the size of the log.
_ARN = "arn:aws:lambda:us-east-1:123456789012:function:img-pipeline-prod-thumbnail:live"
ASSETS, JOBS, ORDERS = "img-pipeline-prod-assets", "img-pipeline-prod-jobs", "img-pipeline-prod-orders"

# Events that Step Functions logs for a state ("HistoryEvent", AWS Step Functions API Reference).
_EVENTS = {
    "Pass": 2,  # entered, exited
    "Choice": 2,
    "Succeed": 2,
    "Task": 5,  # entered, scheduled, started, succeeded, exited
    "Map": 4,  # entered, started, succeeded, exited
}
# Choices whose first way is not that of most files: the key of an upload by this project's tools carries no job id.
_DEFAULT_WAYS = frozenset({"IsDeletion", "CarriesJobId"})
# The way of a file that is not processed again if its content is the recorded one's, and which is new.
_WAYS_OF_SKIPPED_TYPES = {"Verdict": "KeepRecord", "KeepRecord": "MarkTransforming"}
_EVENTS_PER_ITERATION = 2  # started, succeeded
_EVENTS_PER_EXECUTION = 2


@dataclass(frozen=True, kw_only=True)
class WorkflowRun:
    """The way of an accepted file, or of an order that is queued, that needs no retry.

    Attributes:
        transitions: states entered.
        calls: calls of other services and of functions.
        log_events: what level ALL writes.
        argument_bytes: the arguments of all calls together, about as long as the expressions that make them.
        job_writes, asset_writes: writes to each table.
    """

    transitions: int
    calls: int
    log_events: int
    argument_bytes: int
    job_writes: int
    asset_writes: int


def workflow_run(settings: Settings, media_type: str) -> WorkflowRun:
    """Walk through the definition that these settings make, with a file of a type."""
    ways = _WAYS_OF_SKIPPED_TYPES if media_type in settings.skips_identical else {}
    return _run(workflow_definition(_spec(settings)), len(settings.transforms_of(media_type)), ways)


def order_workflow_run(settings: Settings) -> WorkflowRun:
    """Walk through the definition of the orders' workflow that these settings make."""
    spec = OrderWorkflowSpec(
        assets_table=ASSETS,
        orders_table=ORDERS,
        order_queue_url="https://sqs.us-east-1.amazonaws.com/123456789012/img-pipeline-prod-order-queue",
        presets=tuple(settings.order_presets),
        daily_orders_per_caller=settings.orders.daily_orders_per_caller,
        retention_days=settings.job_retention_days,
    )
    return _run(order_workflow_definition(spec), 0, {})


def _run(definition: Mapping[str, Any], iterations: int, ways: Mapping[str, str]) -> WorkflowRun:
    visits = list(_visited_states(definition, iterations, ways))
    writes = [
        state["Arguments"]["TableName"]
        for state in visits
        if state.get("Resource", "").endswith(("dynamodb:putItem", "dynamodb:updateItem"))
    ]
    return WorkflowRun(
        transitions=len(visits),
        calls=sum(state["Type"] == "Task" for state in visits),
        log_events=_EVENTS_PER_EXECUTION
        + _EVENTS_PER_ITERATION * iterations
        + sum(_EVENTS[state["Type"]] for state in visits),
        argument_bytes=sum(len(json.dumps(state.get("Arguments", ""))) for state in visits),
        job_writes=writes.count(JOBS),
        asset_writes=writes.count(ASSETS),
    )


def _spec(settings: Settings) -> WorkflowSpec:
    return WorkflowSpec(
        validate_function_arn=_ARN,
        validate_timeout_seconds=settings.validate_.timeout_seconds,
        erase_function_arn=_ARN,
        transforms=tuple(
            TransformSpec(
                name=name,
                media_types=settings.types_of(name),
                function_arn=_ARN,
                timeout_seconds=transform.timeout_seconds,
            )
            for name, transform in settings.transforms.items()
        ),
        assets_table=ASSETS,
        jobs_table=JOBS,
        validate_dlq_url="https://sqs.us-east-1.amazonaws.com/123456789012/img-pipeline-prod-validate-dlq",
        results_topic_arn="arn:aws:sns:us-east-1:123456789012:img-pipeline-prod-results",
        map_concurrency=settings.map_concurrency,
        timeout_seconds=settings.workflow_timeout_seconds,
        job_retention_days=settings.job_retention_days,
        malware_scan=settings.malware_scan,
        skips_identical=settings.skips_identical,
    )


def _visited_states(
    machine: Mapping[str, Any], iterations: int, ways: Mapping[str, str]
) -> Iterator[Mapping[str, Any]]:
    """The states entered one after the other; of a choice, its first way but for `ways` and `_DEFAULT_WAYS`."""
    name: str | None = machine["StartAt"]
    while name:
        state = machine["States"][name]
        yield state
        if state["Type"] == "Map":
            for _ in range(iterations):
                yield from _visited_states(state["ItemProcessor"], iterations, {})
        if name in ways:
            name = ways[name]
        elif state["Type"] == "Choice" and name not in _DEFAULT_WAYS:
            name = state["Choices"][0]["Next"]
        else:
            name = state.get("Default") or state.get("Next")
