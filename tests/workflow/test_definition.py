"""Properties of the definition as a document."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from components.workflow.file_workflow import TransformSpec, WorkflowSpec, workflow_definition
from tests.workflow.branches import states_of

SPEC = WorkflowSpec(
    erase_function_arn="arn:aws:lambda:us-east-1:123456789012:function:erase:live",
    validate_function_arn="arn:aws:lambda:us-east-1:000000000000:function:validate:live",
    validate_timeout_seconds=60,
    transforms=(
        TransformSpec(name="thumbnail", media_types=("image/png",), function_arn="arn:thumbnail", timeout_seconds=90),
        TransformSpec(
            name="metadata", media_types=("image/png", "text/csv"), function_arn="arn:metadata", timeout_seconds=30
        ),
    ),
    assets_table="assets",
    jobs_table="jobs",
    validate_dlq_url="https://sqs/validate-dlq",
    results_topic_arn="arn:results",
    map_concurrency=7,
    timeout_seconds=180,
    job_retention_days=30,
)
DEFINITION = workflow_definition(SPEC)
DEFINITIONS = (DEFINITION, workflow_definition(replace(SPEC, malware_scan=True, skips_identical=("text/csv",))))
STATES = states_of(DEFINITION)
TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}

# Errors of AWS for throttling, internal errors and broken connections.
PASSING_ERROR = re.compile(
    r"TransientError|Lambda\.(TooManyRequests|Service|AWSLambda|ClientExecutionTimeout)Exception"
    r"|\w+\.(SdkClient|\w*Throttl\w+|ProvisionedThroughputExceeded|InternalError|InternalServerError)Exception"
    r"|\w+\.RequestLimitExceeded"
    r"|S3\.S3Exception"  # S3 has no exception of its own for "503 Slow Down"
)

# Functions of JSONata 2.0.6 (docs.jsonata.org, "Function library") and of Step Functions, which does not support $eval
# (Step Functions Developer Guide, "Transforming data with JSONata").
FUNCTION_LIBRARY = """
string length substring substringBefore substringAfter uppercase lowercase trim pad contains split join match replace
base64encode base64decode encodeUrlComponent encodeUrl decodeUrlComponent decodeUrl
number abs floor ceil round power sqrt random formatNumber formatBase formatInteger parseInteger
sum max min average boolean not exists count append sort reverse shuffle distinct zip
keys lookup spread merge sift each error assert type now millis fromMillis toMillis map filter single reduce
partition range hash uuid parse
"""


def expressions(node: Any) -> Iterator[str]:
    """Generate every JSONata expression in a part of the definition."""
    if isinstance(node, str) and node.startswith("{%"):
        yield node
    elif isinstance(node, dict | list):
        for child in node.values() if isinstance(node, dict) else node:
            yield from expressions(child)


def test_definition_is_json_and_the_same_every_time() -> None:
    assert json.loads(json.dumps(DEFINITION)) == workflow_definition(SPEC)


def test_items_are_read_consistently() -> None:
    """Otherwise a version that has just been written could be compared with the one before it."""
    reads = [state["Arguments"] for state in TASKS.values() if state["Resource"].endswith(":dynamodb:getItem")]
    assert reads
    assert all(arguments["ConsistentRead"] is True for arguments in reads)


def test_service_calls_time_out_after_ten_seconds() -> None:
    for definition in DEFINITIONS:
        for name, state in states_of(definition).items():
            if state["Type"] == "Task" and not state["Resource"].endswith(":lambda:invoke"):
                assert state["TimeoutSeconds"] == 10, name


def test_limits_of_the_state_machine_are_those_of_the_spec() -> None:
    assert DEFINITION["TimeoutSeconds"] == 180
    assert DEFINITION["States"]["Transform"]["MaxConcurrency"] == 7


def test_transforms_are_looked_up_by_media_type() -> None:
    thumbnail = {"name": "thumbnail", "functionArn": "arn:thumbnail"}
    metadata = {"name": "metadata", "functionArn": "arn:metadata"}
    table = json.dumps({"image/png": [thumbnail, metadata], "text/csv": [metadata]})
    assert DEFINITION["States"]["Transform"]["Items"] == f"{{% $lookup({table}, $verdict.mediaType) %}}"


def test_function_timeouts_are_shorter_than_state_timeouts() -> None:
    assert STATES["Validate"]["TimeoutSeconds"] == 60 + 10
    assert STATES["RunTransform"]["TimeoutSeconds"] == 90 + 10


def test_one_full_run_of_every_function_fits_into_the_machines_timeout() -> None:
    functions = STATES["Validate"]["TimeoutSeconds"] + STATES["RunTransform"]["TimeoutSeconds"]
    assert functions < DEFINITION["TimeoutSeconds"]


@pytest.mark.parametrize("name", TASKS)
def test_every_task_has_a_timeout_retries_and_a_catch_all(name: str) -> None:
    task = TASKS[name]
    assert 0 < task["TimeoutSeconds"] <= 300
    assert task["Retry"]
    assert task["Catch"][-1]["ErrorEquals"] == ["States.ALL"]


@pytest.mark.parametrize("name", TASKS)
def test_only_transient_errors_are_retried_with_bounded_backoff_and_full_jitter(name: str) -> None:
    for retrier in TASKS[name]["Retry"]:
        assert all(PASSING_ERROR.fullmatch(error) for error in retrier["ErrorEquals"]), retrier["ErrorEquals"]
        assert retrier["JitterStrategy"] == "FULL"
        assert retrier["BackoffRate"] == 2
        assert 1 <= retrier["MaxAttempts"] <= 6
        assert retrier["IntervalSeconds"] < retrier["MaxDelaySeconds"] <= 20


def test_a_failing_transform_does_not_repeat_the_others() -> None:
    assert "Retry" not in DEFINITION["States"]["Transform"]


def test_states_inside_the_map_assign_nothing() -> None:
    """Their scope is the item, and a variable of the outer scope cannot be assigned there."""
    assert not [name for name in STATES.keys() - DEFINITION["States"].keys() if "Assign" in json.dumps(STATES[name])]


@pytest.mark.parametrize("definition", DEFINITIONS, ids=["", "scanning"])
def test_no_assignment_uses_a_variable_assigned_in_the_same_state(definition: dict[str, Any]) -> None:
    """Step Functions evaluates them all with the values before the state; the embedded one evaluates them in order."""
    blocks = [
        part["Assign"]
        for state in states_of(definition).values()
        for part in (state, *state.get("Choices", []), *state.get("Catch", []))
        if "Assign" in part
    ]
    assert blocks
    for block in blocks:
        for name, value in block.items():
            others = block.keys() - {name}
            assert not [each for each in others if re.search(rf"\${each}\b", json.dumps(value))], name


@pytest.mark.parametrize("definition", DEFINITIONS, ids=["", "scanning"])
def test_expressions_use_only_functions_of_step_functions(definition: dict[str, Any]) -> None:
    for expression in expressions(definition):
        own = set(re.findall(r"\$(\w+) := function", expression))
        assert set(re.findall(r"\$(\w+)\(", expression)) <= {*FUNCTION_LIBRARY.split(), *own}, expression


@pytest.mark.parametrize("definition", DEFINITIONS, ids=["", "scanning"])
def test_no_expression_uses_an_implicit_input(definition: dict[str, Any]) -> None:
    """In Step Functions a bare `$` has no value outside a path or function."""
    without_ends_of_patterns = [each.replace("$/)", "/)") for each in expressions(definition)]
    assert not [each for each in without_ends_of_patterns if re.search(r"\$(?![A-Za-z])", each)]
