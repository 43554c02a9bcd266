"""Whether webhooks are signed and delivered; dead letters have a check of their own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from client.pipeline import Pipeline
from client.webhooks import webhook_receivers
from operations.doctor.findings import Finding, fail, ok, redeploy, warn

# The age that Security Hub's control SecretsManager.4 accepts by default.
OLDEST_KEY = timedelta(days=90)


def webhooks_are_delivered(pipeline: Pipeline) -> Iterator[Finding]:
    """The function consumes the queue, no receiver is disabled, and the signing key is not old."""
    if not pipeline.outputs.webhooks_queue_url:
        yield ok("the stack has no webhooks")
        return
    yield _queue_is_consumed(pipeline)
    yield from _receivers_are_enabled(pipeline)
    yield _signing_key_is_recent(pipeline)


def _queue_is_consumed(pipeline: Pipeline) -> Finding:
    queue = pipeline.queue(pipeline.outputs.webhooks_queue_url)
    mappings = pipeline.client("lambda").list_event_source_mappings(EventSourceArn=queue.arn)["EventSourceMappings"]
    if not mappings:
        return fail(f"no function consumes {queue.name}: webhooks are not delivered", redeploy(pipeline))
    mapping = mappings[0]
    if mapping["State"] == "Enabled":
        return ok(f"the function consumes {queue.name}")
    return fail(
        f"the event source mapping of {queue.name} is {mapping['State']}: webhooks are not delivered",
        f"aws lambda update-event-source-mapping --uuid {mapping['UUID']} --enabled",
    )


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
