"""EventBridge: rules respect queue policies and dead-letter queues."""

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
    _enforce_queue_policies(record_metric)


def publish_service_event(source: str, detail_type: str, resources: list[str], detail: Mapping[str, Any]) -> None:
    """Publish an event of an AWS service on the default bus; PutEvents refuses the `aws.` sources."""
    # AWS services use TLS, which the queue policies require.
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


def _enforce_queue_policies(record: RecordMetric) -> None:
    """Gap: rules send to queues whose policy does not allow it, and a target's dead-letter queue is never used.

    An event without permission for its target is sent to the dead-letter queue at once, without retries ("Amazon
    EventBridge User Guide", Using dead-letter queues to process undelivered events).
    """
    invoke = eventbridge._invoke_target

    @functools.wraps(invoke)
    def invoke_target(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None) -> None:
        queue_arn = target["Arn"]
        if ":sqs:" not in queue_arn or _is_rule_allowed(rule, queue_arn):
            invoke(target, event, rule, view)
            return
        dimensions = {"RuleName": rule["Name"]}
        record("AWS/Events", "FailedInvocations", 1, "Count", dimensions)
        dlq_arn = target.get("DeadLetterConfig", {}).get("Arn")
        if not dlq_arn:
            return
        if _is_rule_allowed(rule, dlq_arn):
            invoke({"Id": target["Id"], "Arn": dlq_arn}, event, rule, view)
            record("AWS/Events", "InvocationsSentToDlq", 1, "Count", dimensions)
        else:
            record("AWS/Events", "InvocationsFailedToBeSentToDlq", 1, "Count", dimensions)

    eventbridge._invoke_target = invoke_target


def _is_rule_allowed(rule: dict[str, Any], queue_arn: str) -> bool:
    return sqs.queue_policy_allows(queue_arn, "events.amazonaws.com", rule["Arn"], responses.get_account_id())
