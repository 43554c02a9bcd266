"""The receivers of a result: the configured endpoints and the job's callback URL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from contract.webhooks import CALLBACK, WebhookConfiguration, disabled_row_id


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """The receiver of a delivery.

    Args:
        name: the endpoint's name, or the host of a callback.
        url: the URL that deliveries are posted to.
    """

    name: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Receivers:
    """The receivers of a stack.

    Args:
        configuration: the stack's settings.
        dynamodb: a DynamoDB client.
        jobs_table: holds callback URLs and disabled receivers.
    """

    configuration: WebhookConfiguration
    dynamodb: Any
    jobs_table: str

    def wanting(self, result: Mapping[str, Any]) -> Iterator[str]:
        """The names of the endpoints that receive a result; `CALLBACK` is the job's callback URL."""
        yield from (name for name, endpoint in self.configuration.endpoints.items() if endpoint.wants(result))
        if self._callback(result):
            yield CALLBACK

    def find(self, endpoint: str, result: Mapping[str, Any]) -> Receiver | None:
        """The receiver of a delivery; None if it was removed or is disabled.

        Args:
            endpoint: an endpoint's name, or `CALLBACK`.
            result: the delivered result.
        """
        receiver = self._callback(result) if endpoint == CALLBACK else self._named(endpoint)
        return receiver if receiver and not self._row(disabled_row_id(receiver.name), "jobId") else None

    def disable(self, receiver: Receiver) -> None:
        """Stop deliveries to a receiver until `img-pipeline webhooks replay` enables it."""
        row = {"jobId": {"S": disabled_row_id(receiver.name)}, "disabledAt": {"S": datetime.now(UTC).isoformat()}}
        self.dynamodb.put_item(TableName=self.jobs_table, Item=row)

    def _named(self, endpoint: str) -> Receiver | None:
        found = self.configuration.endpoints.get(endpoint)
        return Receiver(name=endpoint, url=found.url) if found else None

    def _callback(self, result: Mapping[str, Any]) -> Receiver | None:
        """The callback URL in the job's row, if its host is allowed. Deleting the file removes it from the row."""
        if not self.configuration.callback_hosts or "jobId" not in result:
            return None
        url = self._row(result["jobId"], "callbackUrl").get("callbackUrl", {}).get("S", "")
        host = urlsplit(url).hostname or ""
        return Receiver(name=host, url=url) if host in self.configuration.callback_hosts else None

    def _row(self, job_id: str, attribute: str) -> Mapping[str, Any]:
        found = self.dynamodb.get_item(
            TableName=self.jobs_table,
            Key={"jobId": {"S": job_id}},
            ProjectionExpression=attribute,
            ConsistentRead=True,
        )
        return found.get("Item", {})
