"""Deliveries: what stays the same over attempts, when they are tried again, and what they are signed with."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from standardwebhooks import Webhook

from contract.webhooks import (
    BACK_OFF_SECONDS,
    DELIVERY,
    MAX_ATTEMPTS,
    SigningKeys,
    delivery_id,
    delivery_of,
    payload_of,
)
from functions.webhook.errors import MissingSecretError
from functions.webhook.retrying import wait_seconds
from functions.webhook.signing import CACHE_SECONDS, KeyCache, signed_headers

RESULT = {"type": "AssetReady", "fileKey": "uploads/a.jpg", "sequencer": "01", "run": "", "jobId": "1"}
RETENTION_SECONDS = 4 * 24 * 3600


@pytest.mark.parametrize("changed", ["type", "fileKey", "sequencer", "run"])
def test_id_differs_with_each_part_of_what_a_result_is_about(changed: str) -> None:
    assert delivery_id(RESULT | {changed: "other"}, "all") != delivery_id(RESULT, "all")


def test_id_differs_by_endpoint_and_not_by_attempt() -> None:
    first, again = delivery_of(RESULT, "all", "2026-01-01"), delivery_of(dict(RESULT), "all", "2026-01-02")
    assert first[DELIVERY]["id"] == again[DELIVERY]["id"]
    assert delivery_id(RESULT, "others") != delivery_id(RESULT, "all")


def test_payload_is_the_result_and_says_nothing_of_the_endpoint() -> None:
    payload = json.loads(payload_of(delivery_of(RESULT, "all", "2026-01-01")))
    assert payload == {"type": "AssetReady", "timestamp": "2026-01-01", "data": RESULT}


def test_waits_grow_and_end_before_the_queue_forgets_the_message() -> None:
    waits = [wait_seconds(attempt) for attempt in range(1, MAX_ATTEMPTS)]
    assert all(0.8 * most - 1 <= wait <= most for wait, most in zip(waits, BACK_OFF_SECONDS, strict=True))
    assert max(BACK_OFF_SECONDS) <= 12 * 3600, "SQS hides a message for no longer"
    assert sum(BACK_OFF_SECONDS) < RETENTION_SECONDS
    assert wait_seconds(MAX_ATTEMPTS) == 0


def test_either_secret_of_a_rotation_verifies_and_each_receiver_has_its_own() -> None:
    keys = SigningKeys(current="new", previous="old")
    payload = payload_of(delivery_of(RESULT, "all", "2026-01-01"))
    headers = signed_headers(keys.secrets_of("all"), "msg_1", payload, datetime.now(UTC))
    for key in ("new", "old"):
        (secret,) = SigningKeys(current=key).secrets_of("all")
        assert Webhook(secret).verify(payload, headers)["data"] == RESULT
    assert set(keys.secrets_of("all")).isdisjoint(keys.secrets_of("others"))


class SecretsManager:
    """Holds one secret, which may have no value."""

    def __init__(self, text: str | None) -> None:
        self.text, self.reads = text, 0

    def get_secret_value(self, **_: Any) -> dict[str, str]:
        self.reads += 1
        if self.text is None:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "GetSecretValue")
        return {"SecretString": self.text}


def test_secret_without_a_value_says_which_command_gives_it_one() -> None:
    with pytest.raises(MissingSecretError, match="img-pipeline webhooks rotate"):
        KeyCache().get(SecretsManager(None), "arn")


def test_keys_are_read_again_after_five_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("functions.webhook.signing.time.monotonic", lambda: now)
    cache, stored = KeyCache(), SecretsManager(SigningKeys(current="a").to_json())
    assert [cache.get(stored, "arn").current for _ in range(2)] == ["a", "a"]
    assert stored.reads == 1
    stored.text = SigningKeys(current="b", previous="a").to_json()
    now += CACHE_SECONDS + 1
    assert cache.get(stored, "arn").current == "b"
