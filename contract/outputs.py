"""The outputs of a deployed stack: `__main__.py` exports `StackOutputs`, other packages read it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, Generic, Self, TypeVar

from contract.names import DELIVERY, ORDER, TRANSFORM, VALIDATE, dead_letter_queue

Text = TypeVar("Text")
"""`str` for readers of the outputs; in the Pulumi program also an `Output`."""

_ABSENT: Any = ""
"""The output of a stack that lacks the layer."""


class DeadLetterKind(StrEnum):
    """The kind of a dead-letter queue's messages."""

    EVENTS = "uploads that exceeded the maximum receives"
    REJECTIONS = "rejected files"
    UNDELIVERED = "events that EventBridge could not deliver"
    RESULTS = "results that a subscriber did not receive"
    WEBHOOKS = "webhooks that a receiver did not accept"
    ORDERS = "orders that could not be fulfilled"


@dataclass(frozen=True, kw_only=True)
class DeadLetterOutput(Generic[Text]):
    """One of a stack's dead-letter queues.

    Args:
        name: what operators call it: ``transform``, ``validate``, ``delivery``, ``webhooks``, ``order``,
            ``results-{subscriber}``.
        kind: what its messages are.
        url: the queue's URL.
        replays_to: URL of the queue to which its messages are replayed.
        is_redrive_target: whether it is another queue's dead-letter queue in SQS, so that SQS can redrive its messages.
    """

    name: str
    kind: DeadLetterKind
    url: Text
    replays_to: Text
    is_redrive_target: bool = False

    @property
    def role(self) -> str:
        """The part of its physical name after ``img-pipeline-{stack}-``."""
        return dead_letter_queue(self.name)


@dataclass(frozen=True, kw_only=True)
class QueueOutputs(Generic[Text]):
    """A stack's queues with dead letters.

    Args:
        transform_queue_url, transform_dlq_url, validate_dlq_url, delivery_dlq_url: URLs of the pipeline's own queues.
        results_queue_urls, results_dlq_urls: a queue, and its dead-letter queue, for each subscriber's name.
        webhooks_queue_url, webhooks_dlq_url: the webhooks' queue and its dead-letter queue; empty where the stack has
            no webhooks.
        order_queue_url, order_dlq_url: the orders' queue and its dead-letter queue; empty if the stack takes no orders.
    """

    transform_queue_url: Text
    transform_dlq_url: Text
    validate_dlq_url: Text
    delivery_dlq_url: Text
    results_queue_urls: Mapping[str, Text]
    results_dlq_urls: Mapping[str, Text]
    webhooks_queue_url: Text = _ABSENT
    webhooks_dlq_url: Text = _ABSENT
    order_queue_url: Text = _ABSENT
    order_dlq_url: Text = _ABSENT

    @classmethod
    def gathered(cls, values: Mapping[str, Any]) -> Self:
        """The outputs among the values that a stack's layers export, by the name of the field."""
        return cls(**{each.name: values[each.name] for each in fields(cls) if each.name in values})

    @property
    def queue_urls(self) -> tuple[Text, ...]:
        """Every queue that is no dead-letter queue."""
        optional = filter(None, (self.webhooks_queue_url, self.order_queue_url))
        return (self.transform_queue_url, *self.results_queue_urls.values(), *optional)

    @property
    def dead_letter_queues(self) -> tuple[DeadLetterOutput[Text], ...]:
        """Every dead-letter queue of the stack, the pipeline's own first."""
        transform = self.transform_queue_url
        return (
            DeadLetterOutput(
                name=TRANSFORM,
                kind=DeadLetterKind.EVENTS,
                url=self.transform_dlq_url,
                replays_to=transform,
                is_redrive_target=True,
            ),
            DeadLetterOutput(
                name=VALIDATE, kind=DeadLetterKind.REJECTIONS, url=self.validate_dlq_url, replays_to=transform
            ),
            DeadLetterOutput(
                name=DELIVERY, kind=DeadLetterKind.UNDELIVERED, url=self.delivery_dlq_url, replays_to=transform
            ),
            *self._optional_dead_letters(),
        )

    def _optional_dead_letters(self) -> Iterator[DeadLetterOutput[Text]]:
        for subscriber, url in self.results_dlq_urls.items():
            yield DeadLetterOutput(
                name=f"results-{subscriber}",
                kind=DeadLetterKind.RESULTS,
                url=url,
                replays_to=self.results_queue_urls[subscriber],
                is_redrive_target=True,
            )
        if self.webhooks_dlq_url:
            yield DeadLetterOutput(
                name="webhooks",
                kind=DeadLetterKind.WEBHOOKS,
                url=self.webhooks_dlq_url,
                replays_to=self.webhooks_queue_url,
                is_redrive_target=True,
            )
        if self.order_dlq_url:
            yield DeadLetterOutput(
                name=ORDER,
                kind=DeadLetterKind.ORDERS,
                url=self.order_dlq_url,
                replays_to=self.order_queue_url,
                is_redrive_target=True,
            )


@dataclass(frozen=True, kw_only=True)
class StackOutputs(QueueOutputs[Text]):
    """A stack's outputs. A field ``ingest_bucket`` is exported as ``ingestBucket``.

    Args:
        region: where the stack is.
        api_url: the HTTP API's address, without a slash at the end; empty where the stack has none.
        console_url: the web console's address; empty where the stack has none.
        user_pool_id, console_client_id, machine_client_id: who may call the API: the Cognito user pool, its client for
            the console and its client for machines; empty where the stack makes no user pool.
        ingest_bucket, processed_bucket: the buckets' names.
        pipe_name: the pipe from the transform queue to the workflow.
        state_machine_arn: the workflow.
        malware_protection_plan: GuardDuty's plan; empty if the stack does not scan.
        backfill_arn: the backfill's state machine; empty if the stack has none.
        assets_table, jobs_table, denylist_table: the tables' names.
        results_topic_arn: the topic of results.
        webhooks_secret_arn: the secret that webhooks are signed with; empty where the stack has none.
        webhook_urls: the endpoints of the settings, by name.
        callback_hosts: hosts that a job's `callbackUrl` may name.
        order_state_machine_arn, orders_table, failed_orders_table: the workflow that takes orders, and their tables;
            empty if the stack takes none.
        alert_topic_arn: where alarms are published.
        alarm_names: physical names of every alarm but the paging one.
        paging_alarm_name: the composite alarm that pages; empty without full monitoring.
        budget_name: the monthly budget; empty if the stack has none.
        dashboard_url: the CloudWatch dashboard; empty without full monitoring.
        function_names: physical names by short name.
        log_groups: log groups by the function's short name, and of the workflow, the pipe, the audit trail and the
            API's requests.
        role_arns: roles by the function's short name, and of the workflow, the pipe and what the stack's options add.
    """

    region: Text
    api_url: Text = _ABSENT
    console_url: Text = _ABSENT
    user_pool_id: Text = _ABSENT
    console_client_id: Text = _ABSENT
    machine_client_id: Text = _ABSENT
    ingest_bucket: Text
    processed_bucket: Text
    pipe_name: Text
    state_machine_arn: Text
    malware_protection_plan: Text = _ABSENT
    backfill_arn: Text = _ABSENT
    assets_table: Text
    jobs_table: Text
    denylist_table: Text
    results_topic_arn: Text
    webhooks_secret_arn: Text = _ABSENT
    webhook_urls: Mapping[str, Text] = field(default_factory=dict)
    callback_hosts: Sequence[Text] = ()
    order_state_machine_arn: Text = _ABSENT
    orders_table: Text = _ABSENT
    failed_orders_table: Text = _ABSENT
    alert_topic_arn: Text
    alarm_names: Sequence[Text]
    paging_alarm_name: Text
    budget_name: Text
    dashboard_url: Text
    function_names: Mapping[str, Text]
    log_groups: Mapping[str, Text]
    role_arns: Mapping[str, Text]

    def exports(self) -> dict[str, Any]:
        """The outputs by their exported names."""
        return {_exported_name(each.name): getattr(self, each.name) for each in fields(self)}


def read_outputs(exported: Mapping[str, Any]) -> StackOutputs[str]:
    """A deployed stack's outputs.

    Args:
        exported: by exported name, as `pulumi stack output --json` prints them.

    Raises:
        MissingOutputsError: outputs are missing, for example if another version of the program deployed the stack.
    """
    names = {each.name: _exported_name(each.name) for each in fields(StackOutputs)}
    if missing := sorted(exported_name for exported_name in names.values() if exported_name not in exported):
        raise MissingOutputsError(
            f"the stack does not export {', '.join(missing)}: deploy it again with this version of the program"
        )
    return StackOutputs(**{name: exported[exported_name] for name, exported_name in names.items()})


class MissingOutputsError(ValueError):
    """A stack lacks outputs; the message names them."""


def _exported_name(field_name: str) -> str:
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), field_name)
