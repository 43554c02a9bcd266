"""Webhooks of a stack: its receivers and whether they are disabled, test deliveries, replays and the signing keys."""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from client.audit import audited
from client.dead_letters.stack_queues import find_queue
from client.errors import InvalidRequestError, NotFoundError, is_missing
from client.pipeline import Pipeline
from contract.clock import Clock
from contract.json_text import json_object
from contract.moving import Message, MoveResult, OutgoingMessage, move
from contract.queues import MAX_HELD
from contract.webhooks import CALLBACK, DELIVERY, TEST, SigningKeys, delivery_of, disabled_row_id

_KEY_BYTES = 32


@dataclass(frozen=True, kw_only=True)
class WebhookReceiver:
    """An endpoint of the settings, or a host that callbacks are sent to.

    Attributes:
        name: the endpoint's name, or the host.
        url: the endpoint's address; empty for a host, whose addresses are in the jobs' rows.
        disabled_at: when it answered 410 Gone, ISO 8601; empty while it is enabled.
    """

    name: str
    url: str
    disabled_at: str


def webhook_receivers(pipeline: Pipeline) -> list[WebhookReceiver]:
    """The stack's endpoints, then its callback hosts, each by name.

    Raises:
        InvalidRequestError: the stack has no webhooks.
    """
    _queue_url(pipeline)
    hosts = dict.fromkeys(sorted(pipeline.outputs.callback_hosts), "")
    urls = dict(sorted(pipeline.outputs.webhook_urls.items())) | hosts
    rows = pipeline.jobs(map(disabled_row_id, urls))
    return [
        WebhookReceiver(name=name, url=url, disabled_at=rows.get(disabled_row_id(name), {}).get("disabledAt", ""))
        for name, url in urls.items()
    ]


def webhook_receiver(pipeline: Pipeline, name: str) -> WebhookReceiver:
    """One of the stack's receivers.

    Raises:
        InvalidRequestError: the stack has no webhooks.
        NotFoundError: it has no receiver of that name.
    """
    receivers = {receiver.name: receiver for receiver in webhook_receivers(pipeline)}
    if name in receivers:
        return receivers[name]
    raise NotFoundError(
        f"{pipeline.stack} has no webhook receiver {name}, only {', '.join(receivers)}: "
        f"see `img-pipeline webhooks list --stack {pipeline.stack}`"
    )


def rotate_signing_keys(pipeline: Pipeline) -> SigningKeys:
    """Create a new signing key. Deliveries are signed with it and the previous one; older keys are no longer used.

    The function reads the keys every five minutes.

    Raises:
        InvalidRequestError: the stack has no webhooks.
    """
    before = _stored_keys(pipeline)
    keys = SigningKeys(current=secrets.token_urlsafe(_KEY_BYTES), previous=before.current if before else "")
    with audited(pipeline, "webhooks rotate"):
        pipeline.client("secretsmanager").put_secret_value(SecretId=_secret_arn(pipeline), SecretString=keys.to_json())
    return keys


def signing_keys(pipeline: Pipeline) -> SigningKeys:
    """The keys that deliveries are signed with.

    Raises:
        InvalidRequestError: the stack has no webhooks.
        NotFoundError: its secret has no value yet.
    """
    if keys := _stored_keys(pipeline):
        return keys
    raise NotFoundError(
        f"{pipeline.stack} has no signing keys yet: `img-pipeline webhooks rotate --stack {pipeline.stack}` makes one"
    )


def send_test(pipeline: Pipeline, name: str) -> str:
    """Queue a test delivery for an endpoint; it is signed, posted and tried again as any other.

    Returns:
        The delivery's `webhook-id`.

    Raises:
        InvalidRequestError: the stack has no webhooks, or the endpoint is disabled, or it is a callback host.
        NotFoundError: there is no endpoint of that name, or no signing key.
    """
    receiver = webhook_receiver(pipeline, name)
    if not receiver.url:
        raise InvalidRequestError(f"{name} is a host of callbacks: upload a file with a callbackUrl to test it")
    if receiver.disabled_at:
        raise InvalidRequestError(f"{name} is disabled: `img-pipeline webhooks replay {name}` enables it again")
    signing_keys(pipeline)
    result = {"type": TEST, "fileKey": "webhook-test", "sequencer": "", "run": uuid.uuid4().hex}
    delivery = delivery_of(result, name, datetime.now(UTC).isoformat(timespec="milliseconds"))
    pipeline.client("sqs").send_message(QueueUrl=_queue_url(pipeline), MessageBody=json.dumps(delivery))
    return delivery[DELIVERY]["id"]


def replay_webhooks(
    pipeline: Pipeline,
    name: str,
    *,
    rate: int,
    clock: Clock,
    on_progress: Callable[[MoveResult], None] = lambda _: None,
) -> MoveResult:
    """Enable a receiver again, and send its dead letters back to the webhooks' queue.

    Args:
        name: the endpoint's name, or the callback host.
        rate: the most messages sent within any second.
        on_progress: called with the result so far.

    Raises:
        InvalidRequestError: the stack has no webhooks.
        NotFoundError: there is no receiver of that name.
    """
    webhook_receiver(pipeline, name)
    dead_letters = find_queue(pipeline, "webhooks")

    def choose(messages: Sequence[Message]) -> list[OutgoingMessage | None]:
        return [
            OutgoingMessage(body=message.body, message_attributes=message.message_attributes)
            if receiver == name
            else None
            for message, receiver in zip(messages, _receivers_of(pipeline, messages), strict=True)
        ]

    with audited(pipeline, "webhooks replay", endpoint=name, rate=rate) as action:
        pipeline.client("dynamodb").delete_item(
            TableName=pipeline.outputs.jobs_table, Key={"jobId": {"S": disabled_row_id(name)}}
        )
        source, destination = pipeline.queue(dead_letters.url), pipeline.queue(dead_letters.replays_to)
        result = move(source, destination, choose, rate=rate, clock=clock, max_held=MAX_HELD, on_progress=on_progress)
        action.counts = {"moved": result.sent}
        action.interrupted = result.interrupted
    return result


def _receivers_of(pipeline: Pipeline, messages: Sequence[Message]) -> list[str]:
    """The receiver of each delivery; "" for a callback whose job has expired or was deleted, and for other messages."""
    deliveries = [json_object(message.body) for message in messages]
    endpoints = [delivery.get(DELIVERY, {}).get("endpoint", "") for delivery in deliveries]
    job_ids = [each["jobId"] for each, endpoint in zip(deliveries, endpoints, strict=True) if endpoint == CALLBACK]
    hosts = {
        job_id: urlsplit(row.get("callbackUrl", "")).hostname or "" for job_id, row in pipeline.jobs(job_ids).items()
    }
    return [
        hosts.get(delivery["jobId"], "") if endpoint == CALLBACK else endpoint
        for delivery, endpoint in zip(deliveries, endpoints, strict=True)
    ]


def _stored_keys(pipeline: Pipeline) -> SigningKeys | None:
    try:
        answer = pipeline.client("secretsmanager").get_secret_value(SecretId=_secret_arn(pipeline))
    except ClientError as error:
        if not is_missing(error):
            raise
        return None
    text = answer.get("SecretString")
    return SigningKeys.from_json(text) if text else None


def _queue_url(pipeline: Pipeline) -> str:
    return _needed(pipeline, pipeline.outputs.webhooks_queue_url)


def _secret_arn(pipeline: Pipeline) -> str:
    return _needed(pipeline, pipeline.outputs.webhooks_secret_arn)


def _needed(pipeline: Pipeline, output: str) -> str:
    if not output:
        raise InvalidRequestError(f"{pipeline.stack} has no webhooks: set webhooks.endpoints or api.callbackHosts")
    return output
