"""The signature headers of a delivery."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError
from standardwebhooks import Webhook

from contract.webhooks import SigningKeys
from functions.shared.aws import error_code
from functions.webhook.errors import MissingSecretError

CACHE_SECONDS = 300


class KeyCache:
    """The stack's signing keys, cached for five minutes, so that a rotation reaches every execution environment."""

    def __init__(self) -> None:
        self._keys: SigningKeys | None = None
        self._read_at = 0.0

    def get(self, secretsmanager: Any, secret_arn: str) -> SigningKeys:
        """The stack's signing keys.

        Args:
            secretsmanager: a Secrets Manager client.
            secret_arn: the stack's secret.

        Raises:
            MissingSecretError: the secret has no value.
        """
        if self._keys is None or time.monotonic() - self._read_at > CACHE_SECONDS:
            self._keys, self._read_at = _read(secretsmanager, secret_arn), time.monotonic()
        return self._keys


def signed_headers(secrets: list[str], delivery_id: str, payload: str, now: datetime | None = None) -> dict[str, str]:
    """The signature headers of one attempt.

    Args:
        secrets: the receiver's secrets; during a rotation, either of them verifies.
        delivery_id: the delivery's id, the same for every attempt.
        payload: the request's body.
        now: the time of the attempt, in UTC.
    """
    now = now or datetime.now(UTC)
    signatures = [Webhook(secret).sign(delivery_id, now, payload) for secret in secrets]
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _read(secretsmanager: Any, secret_arn: str) -> SigningKeys:
    try:
        text = secretsmanager.get_secret_value(SecretId=secret_arn).get("SecretString")
    except ClientError as error:
        if error_code(error) != "ResourceNotFoundException":
            raise
        text = None
    if not text:
        raise MissingSecretError("The secret has no value: run `img-pipeline webhooks rotate`.")
    return SigningKeys.from_json(text)
