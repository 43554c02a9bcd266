"""Webhooks: the function's configuration, the queue's messages, the retry schedule and the signing keys.

Deliveries follow the Standard Webhooks specification (standardwebhooks.com).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from contract.messages import MessageType, Outcome
from contract.orders import ORDER_ID

CALLBACK = "callbackUrl"
"""The endpoint name of deliveries to a job's callback URL; no configured endpoint can have this name."""

DELIVERY = "webhook"
"""The field that turns a result's message into its delivery to one endpoint."""

TEST = "WebhookTest"
"""The `type` of the deliveries of `img-pipeline webhooks test`."""

BACK_OFF_SECONDS = (5, 300, 1800, 2 * 3600, 5 * 3600, 10 * 3600, 12 * 3600, 12 * 3600, 12 * 3600)
"""Seconds between attempts: the schedule that Standard Webhooks proposes, limited to twelve hours, the longest
visibility timeout ("Amazon SQS visibility timeout")."""

MAX_ATTEMPTS = len(BACK_OFF_SECONDS) + 1
"""Attempts before a delivery moves to the dead-letter queue, after about two days."""

OUTCOME_OF: Mapping[str, Outcome] = {
    MessageType.ASSET_READY: Outcome.COMPLETED,
    MessageType.ASSET_REJECTED: Outcome.REJECTED,
    MessageType.ASSET_DELETED: Outcome.DELETED,
    MessageType.ORDER_FULFILLED: Outcome.FULFILLED,
}
"""The outcome of each `type` of result."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A configured endpoint.

    Args:
        url: the URL that deliveries are posted to.
        outcomes: the outcomes that it receives; empty for all.
    """

    url: str
    outcomes: tuple[str, ...] = ()

    def wants(self, result: Mapping[str, Any]) -> bool:
        """Whether the endpoint receives a result."""
        return not self.outcomes or OUTCOME_OF.get(result["type"]) in self.outcomes


@dataclass(frozen=True, kw_only=True)
class WebhookConfiguration:
    """The function's configuration, its environment variable `WEBHOOK_SETTINGS`.

    Args:
        endpoints: the configured endpoints by name.
        callback_hosts: hosts that a job's `callbackUrl` may name.
        allow_private_addresses: whether plain HTTP, any port and addresses that are not public are allowed.
    """

    endpoints: Mapping[str, Endpoint]
    callback_hosts: tuple[str, ...]
    allow_private_addresses: bool

    def to_json(self) -> str:
        """The value of the environment variable."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read the environment variable."""
        values = json.loads(text)
        endpoints = {
            name: Endpoint(url=each["url"], outcomes=tuple(each["outcomes"]))
            for name, each in values["endpoints"].items()
        }
        return cls(
            endpoints=endpoints,
            callback_hosts=tuple(values["callback_hosts"]),
            allow_private_addresses=values["allow_private_addresses"],
        )


@dataclass(frozen=True, kw_only=True)
class SigningKeys:
    """The value of the stack's secret: the current and the previous signing key.

    Args:
        current, previous: any text; `previous` is empty until the first rotation.
    """

    current: str
    previous: str = ""

    def to_json(self) -> str:
        """The secret's value."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read the secret's value."""
        return cls(**json.loads(text))

    def secrets_of(self, receiver: str) -> list[str]:
        """A receiver's own secrets in the form of Standard Webhooks, the current one first.

        Each receiver's secret is derived from the key, so that a receiver cannot sign deliveries for another one.

        Args:
            receiver: an endpoint's name, or the host of a `callbackUrl`.
        """
        return [_derived(key, receiver) for key in (self.current, self.previous) if key]


def disabled_row_id(receiver: str) -> str:
    """The `jobId` of the row in the jobs table that disables a receiver after a 410 Gone.

    Args:
        receiver: an endpoint's name, or the host of a `callbackUrl`.
    """
    return f"webhook/{receiver}"


def delivery_id(result: Mapping[str, Any], receiver: str) -> str:
    """The `webhook-id`, which is the same for every attempt and every duplicate of a result.

    Args:
        result: a message of the results topic, or of `img-pipeline webhooks test`.
        receiver: an endpoint's name, or `CALLBACK`.
    """
    identity = ("type", ORDER_ID) if ORDER_ID in result else ("type", "fileKey", "sequencer", "run")
    parts = (*(str(result.get(name, "")) for name in identity), receiver)
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    return f"msg_{digest[:32]}"


def delivery_of(result: Mapping[str, Any], endpoint: str, at: str) -> dict[str, Any]:
    """The queue's message of one delivery.

    Args:
        result: a message of the results topic.
        endpoint: the endpoint's name, or `CALLBACK`.
        at: the time of the result, ISO 8601.
    """
    return {**result, DELIVERY: {"endpoint": endpoint, "id": delivery_id(result, endpoint), "at": at}}


def payload_of(delivery: Mapping[str, Any]) -> str:
    """The request's body: type, timestamp and data, as Standard Webhooks proposes."""
    data = {name: value for name, value in delivery.items() if name != DELIVERY}
    return json.dumps({"type": delivery["type"], "timestamp": delivery[DELIVERY]["at"], "data": data})


def _derived(key: str, receiver: str) -> str:
    return f"whsec_{base64.b64encode(hmac.digest(key.encode(), receiver.encode(), hashlib.sha256)).decode()}"
