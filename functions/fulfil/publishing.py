"""Publishes that an order is fulfilled."""

from __future__ import annotations

import json
import os

from contract.messages import MessageAttribute, MessageType, Outcome
from contract.orders import ORDER_ID
from functions.shared.aws import client, failures_named
from functions.shared.rows import Row

_FIELDS = (ORDER_ID, "reference", "jobId", "bucket", "fileKey", "versionId", "sequencer", "mediaType", "fulfilledAt")


def publish(row: Row) -> None:
    """Publish the result of an order, with the attributes by which subscribers filter.

    Raises:
        TransientError, AccessError: SNS refused, see `aws.failures_named`.
    """
    message = {
        "type": MessageType.ORDER_FULFILLED,
        **{name: row[name] for name in _FIELDS},
        "renditions": row["results"],
    }
    values = {MessageAttribute.OUTCOME: Outcome.FULFILLED, MessageAttribute.MEDIA_TYPE: row["mediaType"]}
    with failures_named(f"publish the result of order {row[ORDER_ID]}"):
        client("sns").publish(
            TopicArn=os.environ["RESULTS_TOPIC_ARN"],
            Message=json.dumps(message),
            MessageAttributes={name: {"DataType": "String", "StringValue": value} for name, value in values.items()},
        )
