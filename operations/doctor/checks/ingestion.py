"""Whether an upload reaches the workflow: notifications, rule, queue, pipe."""

from __future__ import annotations

import json
from collections.abc import Iterator

from client.pipeline import Pipeline
from contract.names import DELETION_RULE, UPLOAD_RULE, physical_name
from operations.doctor.findings import Finding, fail, ok, redeploy, warn

_RULES = {UPLOAD_RULE: "uploads are not processed", DELETION_RULE: "renditions of deleted files are not removed"}
"""The rules by role, and what happens without them."""


def pipe_is_running(pipeline: Pipeline) -> Iterator[Finding]:
    """The pipe is running and waits for the result of each execution."""
    pipe = pipeline.client("pipes").describe_pipe(Name=pipeline.outputs.pipe_name)
    name, state = pipe["Name"], pipe["CurrentState"]
    if state == "RUNNING":
        yield ok(f"{name} is RUNNING")
    elif state in ("STOPPED", "STOPPING"):
        yield fail(
            f"{name} is {state}: uploads wait in the queue",
            f"if this is not intended: img-pipeline resume --stack {pipeline.stack} --yes",
        )
    elif state in ("STARTING", "CREATING", "UPDATING"):
        yield warn(f"{name} is {state}", "wait a minute, then run this again")
    else:
        yield fail(
            f"{name} is {state}: {pipe.get('StateReason') or 'no reason given'}",
            f"fix what the reason names, often the role or the target; then {redeploy(pipeline)}",
        )
    target = pipe.get("TargetParameters", {}).get("StepFunctionStateMachineParameters", {})
    if target.get("InvocationType") != "REQUEST_RESPONSE":
        yield fail(f"{name} does not wait for executions: a failed file would be lost", redeploy(pipeline))


def bucket_sends_events(pipeline: Pipeline) -> Iterator[Finding]:
    """The ingest bucket sends its events to EventBridge."""
    bucket = pipeline.outputs.ingest_bucket
    if "EventBridgeConfiguration" in pipeline.client("s3").get_bucket_notification_configuration(Bucket=bucket):
        yield ok(f"{bucket} sends events to EventBridge")
    else:
        yield fail(
            f"{bucket} sends no events to EventBridge: uploads are not processed",
            f"{redeploy(pipeline)}; then {_backfill_advice(pipeline)}",
        )


def rule_sends_to_queue(pipeline: Pipeline) -> Iterator[Finding]:
    """The rules on the bucket's events are enabled and send to the transform queue, with a dead-letter queue."""
    events = pipeline.client("events")
    queue_arn = _queue_attribute(pipeline, pipeline.outputs.transform_queue_url, "QueueArn")
    rules = events.list_rule_names_by_target(TargetArn=queue_arn)["RuleNames"]
    for role, consequence in _RULES.items():
        name = physical_name(pipeline.stack, role)
        if name not in rules:
            yield fail(f"the rule {name} does not send to the transform queue: {consequence}", redeploy(pipeline))
        elif events.describe_rule(Name=name)["State"] == "DISABLED":
            yield fail(
                f"the rule {name} is DISABLED: {consequence}",
                f"aws events enable-rule --name {name}; then {_backfill_advice(pipeline)}",
            )
        elif all(target.get("DeadLetterConfig") for target in events.list_targets_by_rule(Rule=name)["Targets"]):
            yield ok(f"{name} is enabled")
        else:
            yield fail(
                f"the rule {name} has no dead-letter queue: events it cannot deliver are lost", redeploy(pipeline)
            )


def queue_has_redrive_policy(pipeline: Pipeline) -> Iterator[Finding]:
    """The transform queue has a sufficient visibility timeout and a dead-letter queue."""
    machine = pipeline.client("stepfunctions").describe_state_machine(
        stateMachineArn=pipeline.outputs.state_machine_arn
    )
    timeout_seconds = json.loads(machine["definition"])["TimeoutSeconds"]
    visibility_seconds = int(_queue_attribute(pipeline, pipeline.outputs.transform_queue_url, "VisibilityTimeout"))
    # EventBridge Pipes, "Amazon SQS as a source": at least six times the run time, so that no message is delivered
    # again while it is processed.
    if visibility_seconds < 6 * timeout_seconds:
        yield fail(
            f"the visibility timeout is {visibility_seconds} s, less than six times the workflow's {timeout_seconds} s",
            redeploy(pipeline),
        )
    policy = json.loads(_queue_attribute(pipeline, pipeline.outputs.transform_queue_url, "RedrivePolicy") or "{}")
    if policy.get("deadLetterTargetArn") != _queue_attribute(pipeline, pipeline.outputs.transform_dlq_url, "QueueArn"):
        yield fail(
            "the transform queue has no dead-letter queue: failed files are retried until they expire",
            redeploy(pipeline),
        )
    elif int(policy["maxReceiveCount"]) < 2:
        yield warn("a file is tried once only", "set maxReceiveCount to 5, what AWS recommends")
    else:
        yield ok(f"{policy['maxReceiveCount']} tries, {visibility_seconds} s apart")


def _backfill_advice(pipeline: Pipeline) -> str:
    return (
        f"process what was uploaded meanwhile: img-pipeline backfill --prefix uploads/ --stack {pipeline.stack} --yes"
    )


def _queue_attribute(pipeline: Pipeline, url: str, attribute: str) -> str:
    attributes = pipeline.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[attribute])
    return attributes.get("Attributes", {}).get(attribute, "")
