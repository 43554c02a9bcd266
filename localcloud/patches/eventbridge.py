"""EventBridge: delivery to queues under their policies."""

from __future__ import annotations

import functools
import json
import time
import uuid
from collections.abc import Mapping
from typing import Any

from ministack.core import iam_evaluator, responses
from ministack.services import (
    eventbridge,
    sqs,
)

from localcloud.patches.observers import RecordMetric


def install(record_metric: RecordMetric) -> None:
    """Apply this service's patches."""
    _deliver_events_as_queues_allow(record_metric)


def publish_as_aws(source: str, detail_type: str, resources: list[str], detail: Mapping[str, Any]) -> None:
    """Put an event of an AWS service on the default bus, which PutEvents leaves to nobody else."""
    # Services speak TLS to each other, and the queues' policies ask for it.
    iam_evaluator.pin_request_origin("127.0.0.1", secure_transport=True)
    eventbridge._dispatch_event(
        {
            "EventId": str(uuid.uuid4()),
            "Source": source,
            "DetailType": detail_type,
            "Detail": json.dumps(detail),
            "EventBusName": "default",
            "Time": int(time.time()),
            "Resources": resources,
            "Account": responses.get_account_id(),
            "Region": responses.get_region(),
        }
    )


def _deliver_events_as_queues_allow(record: RecordMetric) -> None:
    """Gap: rules send to queues whose policy does not allow it, and a target's dead-letter queue is never used.

    An event that may not be delivered goes to the dead-letter queue at once ("Amazon EventBridge User Guide", Using
    dead-letter queues to process undelivered events).
    """
    invoke = eventbridge._invoke_target

    @functools.wraps(invoke)
    def invoke_target(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None) -> None:
        queue_arn = target["Arn"]
        if ":sqs:" not in queue_arn or _rule_may_send(rule, queue_arn):
            invoke(target, event, rule, view)
            return
        dimensions = {"RuleName": rule["Name"]}
        record("AWS/Events", "FailedInvocations", 1, "Count", dimensions)
        dlq_arn = target.get("DeadLetterConfig", {}).get("Arn")
        if not dlq_arn:
            return
        if _rule_may_send(rule, dlq_arn):
            invoke({"Id": target["Id"], "Arn": dlq_arn}, event, rule, view)
            record("AWS/Events", "InvocationsSentToDlq", 1, "Count", dimensions)
        else:
            record("AWS/Events", "InvocationsFailedToBeSentToDlq", 1, "Count", dimensions)

    eventbridge._invoke_target = invoke_target


def _rule_may_send(rule: dict[str, Any], queue_arn: str) -> bool:
    return sqs.queue_policy_allows(queue_arn, "events.amazonaws.com", rule["Arn"], responses.get_account_id())
