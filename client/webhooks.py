"""Webhooks of a stack: who is told, who has refused for good, tests, and the secret that deliveries are signed with."""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from botocore.exceptions import ClientError

from client.audit import audited
from client.clock import Clock
from client.dead_letters.stack_queues import find_queue
from client.errors import InvalidRequestError, NotFoundError, is_missing
from client.moving import Message, MoveResult, OutgoingMessage, move
from client.pipeline import Pipeline
from client.queues import MAX_HELD
from contract.webhooks import DELIVERY, TEST, SigningKeys, delivery_of, disabled_row_id

_KEY_BYTES = 32


@dataclass(frozen=True, kw_only=True)
class WebhookEndpoint:
    """An endpoint of the settings.

    Attributes:
        disabled_at: when it answered 410 Gone, ISO 8601; empty while it is told of results.
    """

    name: str
    url: str
    disabled_at: str


def webhook_endpoints(pipeline: Pipeline) -> list[WebhookEndpoint]:
    """The stack's endpoints, by name."""
    urls = pipeline.outputs.webhook_urls
    rows = pipeline.jobs(map(disabled_row_id, urls))
    return [
        WebhookEndpoint(name=name, url=url, disabled_at=rows.get(disabled_row_id(name), {}).get("disabledAt", ""))
        for name, url in sorted(urls.items())
    ]


def rotate_signing_keys(pipeline: Pipeline) -> SigningKeys:
    """Sign with a new key from now on, and with the one before it beside; a key that was older is no longer used.

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
    """The keys that the stack signs with.

    Raises:
        InvalidRequestError: the stack has no webhooks.
        NotFoundError: its secret has no value yet.
    """
    if keys := _stored_keys(pipeline):
        return keys
    raise NotFoundError(f"{pipeline.stack} has no signing keys yet: img-pipeline webhooks rotate")


def send_test(pipeline: Pipeline, name: str) -> str:
    """Have a made-up result delivered to an endpoint, through the queue as any other.

    Returns:
        The delivery's `webhook-id`.

    Raises:
        InvalidRequestError: the stack has no webhooks, or the endpoint is disabled.
        NotFoundError: there is no endpoint of that name.
    """
    if _endpoint(pipeline, name).disabled_at:
        raise InvalidRequestError(f"{name} is disabled: img-pipeline webhooks replay {name} enables it again")
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
    """Enable an endpoint again, and send its dead letters back to the webhooks' queue.

    Args:
        name: the endpoint's name.
        rate: the most messages sent within any second.
        on_progress: called with the result so far.

    Raises:
        NotFoundError: there is no endpoint of that name.
    """
    _endpoint(pipeline, name)
    dead_letters = find_queue(pipeline, "webhooks")

    def choose(messages: Sequence[Message]) -> list[OutgoingMessage | None]:
        return [
            OutgoingMessage(body=message.body, message_attributes=message.message_attributes)
            if json.loads(message.body).get(DELIVERY, {}).get("endpoint") == name
            else None
            for message in messages
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


def _endpoint(pipeline: Pipeline, name: str) -> WebhookEndpoint:
    endpoints = {endpoint.name: endpoint for endpoint in webhook_endpoints(pipeline)}
    if name in endpoints:
        return endpoints[name]
    known = ", ".join(endpoints) or "none; set webhooks.endpoints"
    raise NotFoundError(f"{pipeline.stack} has no webhook endpoint {name}: there are {known}")


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
