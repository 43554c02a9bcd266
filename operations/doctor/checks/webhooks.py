"""Whether webhooks are signed and delivered; dead letters have a check of their own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from client.pipeline import Pipeline
from client.webhooks import webhook_receivers
from operations.doctor.checks.consumers import queue_is_consumed
from operations.doctor.findings import Finding, fail, ok, warn

# The age that Security Hub's control SecretsManager.4 accepts by default.
OLDEST_KEY = timedelta(days=90)


def webhooks_are_delivered(pipeline: Pipeline) -> Iterator[Finding]:
    """The function consumes the queue, no receiver is disabled, and the signing key is not old."""
    if not pipeline.outputs.webhooks_queue_url:
        yield ok("the stack has no webhooks")
        return
    yield queue_is_consumed(pipeline, pipeline.outputs.webhooks_queue_url, "webhooks are not delivered")
    yield from _receivers_are_enabled(pipeline)
    yield _signing_key_is_recent(pipeline)


def _receivers_are_enabled(pipeline: Pipeline) -> Iterator[Finding]:
    receivers = webhook_receivers(pipeline)
    for receiver in receivers:
        if receiver.disabled_at:
            yield warn(
                f"{receiver.name} answered 410 Gone and is disabled since {receiver.disabled_at}",
                "once it accepts deliveries again: "
                f"img-pipeline webhooks replay {receiver.name} --stack {pipeline.stack}",
            )
    yield ok(f"{len(receivers)} receivers")


def _signing_key_is_recent(pipeline: Pipeline) -> Finding:
    rotate = f"img-pipeline webhooks rotate --stack {pipeline.stack}"
    versions = pipeline.client("secretsmanager").list_secret_version_ids(SecretId=pipeline.outputs.webhooks_secret_arn)
    current = [each for each in versions["Versions"] if "AWSCURRENT" in each["VersionStages"]]
    if not current:
        return fail("there is no signing key: webhooks are not delivered", rotate)
    age = datetime.now(UTC) - current[0]["CreatedDate"]
    if age > OLDEST_KEY:
        return warn(
            f"the signing key is {age.days} days old, more than {OLDEST_KEY.days}",
            f"{rotate}; then give each receiver its new secret",
        )
    return ok(f"the signing key is {age.days} days old")
