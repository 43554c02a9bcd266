"""Lambda entry point: takes a batch of the webhooks queue, returns the messages to retry."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache
from typing import Any

from contract.webhooks import DELIVERY, WebhookConfiguration, delivery_of, payload_of
from functions.shared.aws import client
from functions.shared.runtime import logger, record
from functions.webhook.errors import UndeliveredError
from functions.webhook.posting import post
from functions.webhook.receivers import Receivers
from functions.webhook.retrying import wait_seconds
from functions.webhook.signing import KeyCache, signed_headers

Record = Mapping[str, Any]

GONE = 410
_HEADERS = {"content-type": "application/json", "user-agent": "img-pipeline-webhooks"}
_keys = KeyCache()


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Handle a batch of SQS messages in parallel, so that a slow receiver does not delay the others."""
    started = time.perf_counter()
    records = event["Records"]
    # Create the clients before threads share them: creating a botocore client is not thread-safe.
    receivers()
    for service in ("sqs", "secretsmanager"):
        client(service)
    with ThreadPoolExecutor(len(records)) as threads:
        done = list(threads.map(_is_done, records))
    failed = [each["messageId"] for each, is_done in zip(records, done, strict=True) if not is_done]
    record({"messages": len(records), "outcome": f"{len(failed)} to retry"}, started)
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


@cache
def receivers() -> Receivers:
    """The stack's receivers."""
    return Receivers(
        configuration=WebhookConfiguration.from_json(os.environ["WEBHOOK_SETTINGS"]),
        dynamodb=client("dynamodb"),
        jobs_table=os.environ["JOBS_TABLE"],
    )


def _is_done(message: Record) -> bool:
    """Handle a message; a failed one becomes visible again after its back-off."""
    try:
        body = json.loads(message["body"])
        if DELIVERY in body:
            _deliver(body)
        else:
            _expand(body)
    except Exception as error:  # a failed message must not fail the rest of the batch
        attempt = int(message["attributes"]["ApproximateReceiveCount"])
        about = {"messageId": message["messageId"], "attempt": attempt, "error": type(error).__name__}
        logger().warning("not delivered: %s", error, extra=about)
        client("sqs").change_message_visibility(
            QueueUrl=os.environ["QUEUE_URL"],
            ReceiptHandle=message["receiptHandle"],
            VisibilityTimeout=wait_seconds(attempt),
        )
        return False
    return True


def _expand(result: Mapping[str, Any]) -> None:
    """Queue one message per endpoint, so that each delivery is retried on its own."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    for endpoint in receivers().wanting(result):
        client("sqs").send_message(
            QueueUrl=os.environ["QUEUE_URL"], MessageBody=json.dumps(delivery_of(result, endpoint, at))
        )


def _deliver(delivery: Mapping[str, Any]) -> None:
    about, payload = delivery[DELIVERY], payload_of(delivery)
    receiver = receivers().find(about["endpoint"], delivery)
    if receiver is None:
        logger().info("skipped", extra={"endpoint": about["endpoint"], "webhookId": about["id"]})
        return
    keys = _keys.get(client("secretsmanager"), os.environ["SECRET_ARN"])
    status = post(
        receiver.url,
        payload.encode(),
        {**_HEADERS, **signed_headers(keys.secrets_of(receiver.name), about["id"], payload)},
        allow_private=receivers().configuration.allow_private_addresses,
    )
    logger().info("posted", extra={"endpoint": receiver.name, "webhookId": about["id"], "status": status})
    if status == GONE:
        receivers().disable(receiver)
    elif not 200 <= status < 300:
        raise UndeliveredError(f"{receiver.name} responded with status {status}")
