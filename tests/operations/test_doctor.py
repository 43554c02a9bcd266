"""A healthy stack passes every check; each problem is found and reported with advice."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import Any

import boto3
import pytest
import typer
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from typer.testing import CliRunner

from client.pipeline import Pipeline
from contract.outputs import read_outputs
from localcloud.deployer import deploy
from operations import cli
from operations.commands import doctor as doctor_command
from operations.doctor.checks import alerts, budget, existence, functions, ingestion, queues, quotas, state
from operations.doctor.diagnosis import CHECKS, SMOKE_TEST, diagnose
from operations.doctor.findings import Check, Finding, Status, ok, run_check
from operations.doctor.smoke_test import PREFIX, files_are_processed, record_is_complete
from testing.outputs import outputs_with
from testing.stack import Stack, deployed_stack
from testing.waiting import eventually


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A stack of its own: what other tests leave behind, alarms for one, is what a doctor finds."""
    with deployed_stack() as deployed:
        yield deployed


@pytest.fixture(scope="module")
def connection(stack: Stack) -> Pipeline:
    return Pipeline(
        stack="local", outputs=stack.pipeline.outputs, client=stack.cloud.client, endpoint_url=stack.cloud.endpoint_url
    )


def problems(check: Check, connection: Pipeline) -> list[Finding]:
    """What the check finds wrong; commands of ours that it advises have to be commands that there are."""
    found = [finding for finding in run_check(check, connection) if finding.status is not Status.OK]
    for finding in found:
        for advised in re.findall(r"img-pipeline ([^;,]+)", finding.advice):
            understand(advised.split())
    return found


def understand(arguments: list[str]) -> None:
    """Read a command line as the program would, without running it; raises what the program would say of it."""
    command: Any = typer.main.get_command(cli.app)
    while hasattr(command, "commands"):
        name, *arguments = arguments
        command = command.commands[name]
    command.make_context(command.name, arguments)


def failure(check: Check, connection: Pipeline) -> Finding:
    """The one failure that the check finds."""
    (finding,) = problems(check, connection)
    assert finding.status is Status.FAIL, finding
    return finding


# Each breaks one thing, and mends it at the end.


@contextmanager
def stopped_pipe(stack: Stack) -> Iterator[str]:
    with stack.paused():
        yield stack.outputs["pipeName"]


@contextmanager
def disabled_rule(stack: Stack) -> Iterator[str]:
    events, name = stack.cloud.client("events"), "img-pipeline-local-object-created"
    events.disable_rule(Name=name)
    try:
        yield name
    finally:
        events.enable_rule(Name=name)


@contextmanager
def silent_bucket(stack: Stack) -> Iterator[str]:
    s3, bucket = stack.cloud.client("s3"), stack.outputs["ingestBucket"]
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    try:
        yield bucket
    finally:
        s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
        )


@contextmanager
def queue_attribute(stack: Stack, output: str, name: str, value: str) -> Iterator[None]:
    sqs, url = stack.cloud.client("sqs"), stack.outputs[output]
    before = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={name: value})
    try:
        yield
    finally:
        sqs.set_queue_attributes(QueueUrl=url, Attributes={name: before})


@contextmanager
def dead_letter(stack: Stack, output: str) -> Iterator[None]:
    sqs, url = stack.cloud.client("sqs"), stack.outputs[output]
    url = url["inspector"] if isinstance(url, dict) else url
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    try:
        yield
    finally:
        stack.pipeline.take_messages(url)


@contextmanager
def changed_alarm(stack: Stack, name: str, **changes: Any) -> Iterator[None]:
    cloudwatch = stack.cloud.client("cloudwatch")
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    taken = cloudwatch.meta.service_model.operation_model("PutMetricAlarm").input_shape.members
    before = {key: value for key, value in alarm.items() if key in taken}
    cloudwatch.put_metric_alarm(**before | changes)
    try:
        yield
    finally:
        cloudwatch.put_metric_alarm(**before)


@contextmanager
def deleted_alarm(stack: Stack, name: str) -> Iterator[None]:
    with changed_alarm(stack, name):
        stack.cloud.client("cloudwatch").delete_alarms(AlarmNames=[name])
        yield


@pytest.fixture(scope="module")
def without_smoke_test(stack: Stack, connection: Pipeline) -> dict[str, list[Finding]]:
    """What the doctor says of the stack as it was deployed."""
    del stack
    return {result.check: result.findings for result in diagnose(connection, smoke_test=False)}


def test_only_warning_of_a_new_stack_is_that_alerts_have_no_subscriber(
    without_smoke_test: dict[str, list[Finding]],
) -> None:
    assert list(without_smoke_test) == list(CHECKS)
    found = {
        check: [finding for finding in findings if finding.status is not Status.OK]
        for check, findings in without_smoke_test.items()
        # Alarms have no data in their first minutes.
        if check != "alarm states"
    }
    assert [finding.found for finding in found.pop("alert recipients")] == ["the alert topic has no subscription"]
    assert not any(found.values()), found


def test_every_check_has_findings(without_smoke_test: dict[str, list[Finding]]) -> None:
    for check, findings in without_smoke_test.items():
        assert findings, check
        assert all(finding.found for finding in findings), check


@pytest.fixture
def run_doctor(connection: Pipeline, monkeypatch: pytest.MonkeyPatch):
    """Run the command against the stack."""
    monkeypatch.setattr(doctor_command, "connect", lambda *_, **__: connection)
    return lambda *arguments: CliRunner().invoke(doctor_command.app, list(arguments))


def test_command_succeeds_on_a_healthy_stack_and_prints_json(run_doctor) -> None:
    result = run_doctor("--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert [entry["check"] for entry in report] == [*CHECKS, SMOKE_TEST]
    assert {entry["status"] for entry in report} <= {"ok", "warn"}


def test_command_fails_when_a_check_fails_and_prints_advice(run_doctor, stack: Stack) -> None:
    with disabled_rule(stack) as name:
        result = run_doctor("--no-smoke")
    assert result.exit_code == 1
    assert f"FAIL  event rule          the rule {name} is DISABLED" in result.stdout
    assert f"events enable-rule --name {name}" in result.stdout
    assert result.stdout.endswith("1 failed\n")


def test_a_stopped_pipe_is_found_with_the_command_to_resume(stack: Stack, connection: Pipeline) -> None:
    with stopped_pipe(stack) as name:
        finding = failure(ingestion.pipe_is_running, connection)
    assert f"{name} is STOP" in finding.found  # STOPPING until its last batch is done
    assert "img-pipeline resume --stack local" in finding.advice


@pytest.mark.parametrize(
    ("state", "status", "advice"),
    [
        ("STARTING", Status.WARN, "wait a minute"),
        ("CREATE_FAILED", Status.FAIL, "fix what the reason names"),
    ],
)
def test_changing_pipe_is_a_warning_and_a_failed_pipe_has_its_reason(
    connection: Pipeline, monkeypatch: pytest.MonkeyPatch, state: str, status: Status, advice: str
) -> None:
    pipes = connection.client("pipes")
    pipe = pipes.describe_pipe(Name=connection.outputs.pipe_name)
    monkeypatch.setattr(
        pipes, "describe_pipe", lambda **_: pipe | {"CurrentState": state, "StateReason": "the role may not"}
    )
    (finding,) = problems(ingestion.pipe_is_running, connection)
    assert finding.status is status
    assert state in finding.found
    assert ("the role may not" in finding.found) == (status is Status.FAIL)
    assert advice in finding.advice


def test_a_pipe_that_does_not_wait_for_executions_is_found(
    connection: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipes = connection.client("pipes")
    pipe = pipes.describe_pipe(Name=connection.outputs.pipe_name)
    parameters = {"StepFunctionStateMachineParameters": {"InvocationType": "FIRE_AND_FORGET"}}
    monkeypatch.setattr(pipes, "describe_pipe", lambda **_: pipe | {"TargetParameters": parameters})
    assert "does not wait for executions" in failure(ingestion.pipe_is_running, connection).found


def test_a_bucket_that_sends_no_events_is_found(stack: Stack, connection: Pipeline) -> None:
    with silent_bucket(stack) as bucket:
        finding = failure(ingestion.bucket_sends_events, connection)
    assert bucket in finding.found
    assert "img-pipeline backfill --prefix uploads/ --stack local" in finding.advice


def test_a_disabled_rule_is_found_with_the_command_to_enable_it(stack: Stack, connection: Pipeline) -> None:
    with disabled_rule(stack) as name:
        finding = failure(ingestion.rule_sends_to_queue, connection)
    assert f"events enable-rule --name {name}" in finding.advice


@pytest.mark.parametrize("role", ["object-created", "object-deleted"])
def test_a_rule_without_target_is_found(stack: Stack, connection: Pipeline, role: str) -> None:
    events, rule = stack.cloud.client("events"), f"img-pipeline-local-{role}"
    targets = events.list_targets_by_rule(Rule=rule)["Targets"]
    events.remove_targets(Rule=rule, Ids=[target["Id"] for target in targets])
    try:
        found = failure(ingestion.rule_sends_to_queue, connection).found
        assert found.startswith(f"the rule {rule} does not send to the transform queue")
    finally:
        events.put_targets(Rule=rule, Targets=targets)


def test_a_target_without_dead_letter_queue_is_found(stack: Stack, connection: Pipeline) -> None:
    events, rule = stack.cloud.client("events"), "img-pipeline-local-object-created"
    (target,) = events.list_targets_by_rule(Rule=rule)["Targets"]
    events.put_targets(Rule=rule, Targets=[{key: target[key] for key in target if key != "DeadLetterConfig"}])
    try:
        assert "no dead-letter queue" in failure(ingestion.rule_sends_to_queue, connection).found
    finally:
        events.put_targets(Rule=rule, Targets=[target])


def test_a_visibility_timeout_below_six_times_the_workflows_is_found(stack: Stack, connection: Pipeline) -> None:
    with queue_attribute(stack, "transformQueueUrl", "VisibilityTimeout", "30"):
        assert "visibility timeout is 30 s" in failure(ingestion.queue_has_redrive_policy, connection).found


def test_queue_with_another_dead_letter_queue_is_found(stack: Stack, connection: Pipeline) -> None:
    validate_dlq = "arn:aws:sqs:us-east-1:000000000000:img-pipeline-local-validate-dlq"
    elsewhere = {"deadLetterTargetArn": validate_dlq, "maxReceiveCount": 5}
    with queue_attribute(stack, "transformQueueUrl", "RedrivePolicy", json.dumps(elsewhere)):
        assert "no dead-letter queue" in failure(ingestion.queue_has_redrive_policy, connection).found


def test_a_failed_file_in_its_dead_letter_queue_is_a_failure(stack: Stack, connection: Pipeline) -> None:
    with dead_letter(stack, "transformDlqUrl"):
        finding = failure(queues.dead_letter_queues_are_empty, connection)
        # Its age is what CloudWatch heard last.
        eventually(lambda: "old" in failure(queues.dead_letter_queues_are_empty, connection).found, "the message's age")
    assert finding.found.startswith("transform holds 1 (uploads that exceeded the maximum receives)")
    assert finding.advice == "see the causes: img-pipeline dlq show transform --stack local"


@pytest.mark.parametrize(
    ("output", "name", "status"),
    [
        ("transformDlqUrl", "transform", Status.FAIL),
        ("deliveryDlqUrl", "delivery", Status.FAIL),
        ("validateDlqUrl", "validate", Status.WARN),
        ("resultsDlqUrls", "results-inspector", Status.WARN),
    ],
)
def test_uploads_that_were_not_processed_are_a_failure_and_other_dead_letters_a_warning(
    stack: Stack, connection: Pipeline, output: str, name: str, status: Status
) -> None:
    with dead_letter(stack, output):
        (finding,) = problems(queues.dead_letter_queues_are_empty, connection)
    assert (finding.status, finding.found.partition(" holds ")[0]) == (status, name)


def test_a_rejected_file_is_only_a_warning(stack: Stack, connection: Pipeline) -> None:
    with dead_letter(stack, "validateDlqUrl"):
        (finding,) = problems(queues.dead_letter_queues_are_empty, connection)
    assert finding.status is Status.WARN
    assert finding.found.startswith("validate holds 1 (rejected files)")


def test_dead_letter_queue_with_a_short_retention_period_is_found(stack: Stack, connection: Pipeline) -> None:
    with queue_attribute(stack, "validateDlqUrl", "MessageRetentionPeriod", "172800"):
        assert "validate keeps messages for 2 days only" in failure(queues.dead_letters_are_retained, connection).found


def test_a_missing_alarm_is_found(stack: Stack, connection: Pipeline) -> None:
    with deleted_alarm(stack, "img-pipeline-local-workflow-throttled"):
        finding = failure(alerts.alarms_notify_alert_topic, connection)
    assert finding.found == "img-pipeline-local-workflow-throttled does not exist"
    assert finding.advice == "deploy again: img-pipeline deploy --stack local"


def test_alarm_with_disabled_actions_is_found_with_the_command_to_enable_them(
    stack: Stack, connection: Pipeline
) -> None:
    name = "img-pipeline-local-workflow-failed"
    with changed_alarm(stack, name, ActionsEnabled=False):
        finding = failure(alerts.alarms_notify_alert_topic, connection)
    assert "its actions are disabled" in finding.found
    assert finding.advice.endswith(f" cloudwatch enable-alarm-actions --alarm-names {name}")


def test_alarm_without_a_subscriber_is_found(stack: Stack, connection: Pipeline) -> None:
    with changed_alarm(stack, "img-pipeline-local-workflow-failed", AlarmActions=[]):
        assert "does not notify the alert topic" in failure(alerts.alarms_notify_alert_topic, connection).found


def test_alarm_in_alarm_state_is_reported_with_description_and_next_command(stack: Stack, connection: Pipeline) -> None:
    with dead_letter(stack, "transformDlqUrl"):

        def in_alarm() -> list[Finding]:
            found = problems(alerts.alarms_are_ok, connection)
            return [each for each in found if each.status is Status.FAIL and "transform-dlq-depth" in each.found]

        (finding,) = eventually(in_alarm, "the alarm")
    assert "Files failed every attempt" in finding.found
    assert finding.advice.startswith("aws ")


@pytest.mark.parametrize(
    ("state", "status"), [("OK", None), ("INSUFFICIENT_DATA", Status.WARN), ("ALARM", Status.FAIL)]
)
def test_an_alarm_without_data_is_a_warning_and_one_in_alarm_a_failure(state: str, status: Status | None) -> None:
    names = ("img-pipeline-prod-workflow-failed", "img-pipeline-prod-paging")
    alarms = [{"AlarmName": name, "StateValue": state if name == names[0] else "OK"} for name in names]
    cloudwatch = boto3.client("cloudwatch", "us-east-1", aws_access_key_id="test", aws_secret_access_key="test")  # noqa: S106
    outputs = outputs_with(alarm_names=names[:1], paging_alarm_name=names[1], results_dlq_urls={})
    prod = Pipeline(stack="prod", outputs=outputs, client=lambda _: cloudwatch)
    with Stubber(cloudwatch) as stub:
        stub.add_response("describe_alarms", {"MetricAlarms": alarms})
        found = problems(alerts.alarms_are_ok, prod)
    assert [finding.status for finding in found] == ([status] if status else [])


def test_a_stack_without_a_paging_alarm_lacks_none() -> None:
    """With essential monitoring there is no composite alarm."""
    name, topic = "img-pipeline-dev-transform-dlq-depth", "arn:aws:sns:us-east-1:000000000000:img-pipeline-dev-alerts"
    alarm = {"AlarmName": name, "StateValue": "OK", "ActionsEnabled": True, "AlarmActions": [topic]}
    cloudwatch = boto3.client("cloudwatch", "us-east-1", aws_access_key_id="test", aws_secret_access_key="test")  # noqa: S106
    outputs = outputs_with(alarm_names=[name], paging_alarm_name="", alert_topic_arn=topic, results_dlq_urls={})
    dev = Pipeline(stack="dev", outputs=outputs, client=lambda _: cloudwatch)
    asked = {"AlarmNamePrefix": "img-pipeline-dev-", "AlarmTypes": ["MetricAlarm", "CompositeAlarm"]}
    with Stubber(cloudwatch) as stub:
        for _ in range(2):
            stub.add_response("describe_alarms", {"MetricAlarms": [alarm]}, asked)
        found = [*problems(alerts.alarms_notify_alert_topic, dev), *problems(alerts.alarms_are_ok, dev)]
    assert found == []


def test_an_alarm_about_rejected_files_is_a_warning_as_rejecting_is_normal() -> None:
    names = [f"img-pipeline-prod-{role}-depth" for role in ("transform-dlq", "validate-dlq", "delivery-dlq")]
    alarms = [{"AlarmName": name, "StateValue": "ALARM"} for name in names]
    cloudwatch = boto3.client("cloudwatch", "us-east-1", aws_access_key_id="test", aws_secret_access_key="test")  # noqa: S106
    outputs = outputs_with(
        alarm_names=names,
        paging_alarm_name="img-pipeline-prod-paging",
        transform_dlq_url="https://sqs/1/img-pipeline-prod-transform-dlq",
        validate_dlq_url="https://sqs/1/img-pipeline-prod-validate-dlq",
        delivery_dlq_url="https://sqs/1/img-pipeline-prod-delivery-dlq",
        results_dlq_urls={},
    )
    prod = Pipeline(stack="prod", outputs=outputs, client={"cloudwatch": cloudwatch, "sqs": None}.__getitem__)
    with Stubber(cloudwatch) as stub:
        stub.add_response("describe_alarms", {"MetricAlarms": alarms})
        found = problems(alerts.alarms_are_ok, prod)
    assert [finding.status for finding in found] == [Status.FAIL, Status.WARN, Status.FAIL]


def test_advised_aws_commands_reach_the_embedded_cloud_and_no_account(stack: Stack, connection: Pipeline) -> None:
    with disabled_rule(stack) as name:
        advice = failure(ingestion.rule_sends_to_queue, connection).advice
        on_aws = failure(ingestion.rule_sends_to_queue, replace(connection, endpoint_url=None)).advice
    assert advice.startswith(f"aws --endpoint-url {stack.cloud.endpoint_url} events enable-rule --name {name}; then")
    assert on_aws.startswith(f"aws events enable-rule --name {name}; then")


def test_an_address_that_has_not_confirmed_is_found(connection: Pipeline) -> None:
    # The embedded cloud confirms every address by itself; this is how AWS lists one that has not.
    sns = boto3.client("sns", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")  # noqa: S106
    topic_arn = connection.outputs.alert_topic_arn
    addresses = {
        "email": ("operators@example.com", "PendingConfirmation"),
        "https": ("https://events.example.com/key/0123456789abcdef", f"{topic_arn}:1234"),
    }
    listed = [
        {"SubscriptionArn": arn, "Owner": "1", "Protocol": protocol, "Endpoint": endpoint, "TopicArn": topic_arn}
        for protocol, (endpoint, arn) in addresses.items()
    ]
    with Stubber(sns) as stubber:
        stubber.add_response("list_subscriptions_by_topic", {"Subscriptions": listed}, {"TopicArn": topic_arn})
        pending, confirmed = run_check(
            alerts.alert_subscriptions_are_confirmed, replace(connection, client=lambda _: sns)
        )
    assert pending.status is Status.FAIL
    assert "email operators@example.com has not confirmed" in pending.found
    assert confirmed == ok("https https://events.example.com/… is confirmed"), "the rest of the URL is a key"


def test_a_results_queue_that_is_not_subscribed_is_found(stack: Stack, connection: Pipeline) -> None:
    sns, topic_arn = stack.cloud.client("sns"), stack.outputs["resultsTopicArn"]
    (existing,) = sns.list_subscriptions_by_topic(TopicArn=topic_arn)["Subscriptions"]
    kept = sns.get_subscription_attributes(SubscriptionArn=existing["SubscriptionArn"])["Attributes"]
    sns.unsubscribe(SubscriptionArn=existing["SubscriptionArn"])
    try:
        assert "results do not reach inspector" in failure(alerts.results_queues_are_subscribed, connection).found
    finally:
        sns.subscribe(
            TopicArn=topic_arn,
            Protocol="sqs",
            Endpoint=existing["Endpoint"],
            Attributes={name: kept[name] for name in ("RawMessageDelivery", "RedrivePolicy")},
        )


def test_a_table_without_recovery_is_found(stack: Stack, connection: Pipeline) -> None:
    dynamodb, table = stack.cloud.client("dynamodb"), stack.outputs["assetsTable"]

    def recovery(enabled: bool) -> None:
        dynamodb.update_continuous_backups(
            TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": enabled}
        )

    recovery(enabled=False)
    try:
        assert f"{table} cannot be restored" in failure(state.tables_can_be_restored, connection).found
    finally:
        recovery(enabled=True)


def test_jobs_that_are_kept_for_ever_are_found(stack: Stack, connection: Pipeline) -> None:
    dynamodb, table = stack.cloud.client("dynamodb"), stack.outputs["jobsTable"]

    def expire(enabled: bool) -> None:
        dynamodb.update_time_to_live(
            TableName=table, TimeToLiveSpecification={"Enabled": enabled, "AttributeName": "expiresAt"}
        )

    expire(enabled=False)
    try:
        assert "time to live is off" in failure(state.rows_expire, connection).found
    finally:
        expire(enabled=True)


@pytest.mark.parametrize("part", ["BlockPublicAcls", "RestrictPublicBuckets"])
def test_a_bucket_that_could_be_made_public_is_found(stack: Stack, connection: Pipeline, part: str) -> None:
    s3, bucket = stack.cloud.client("s3"), stack.outputs["processedBucket"]
    before = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=before | {part: False})
    try:
        assert bucket in failure(state.buckets_are_private, connection).found
        s3.delete_public_access_block(Bucket=bucket)
        assert bucket in failure(state.buckets_are_private, connection).found
    finally:
        s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=before)


def test_a_bucket_that_keeps_no_versions_is_found(stack: Stack, connection: Pipeline) -> None:
    s3, bucket = stack.cloud.client("s3"), stack.outputs["ingestBucket"]
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    try:
        assert bucket in failure(state.buckets_keep_versions, connection).found
    finally:
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})


def test_an_unencrypted_queue_is_found(stack: Stack, connection: Pipeline) -> None:
    with queue_attribute(stack, "transformDlqUrl", "SqsManagedSseEnabled", "false"):
        assert (
            failure(state.everything_is_encrypted, connection).found
            == "img-pipeline-local-transform-dlq is not encrypted"
        )


def test_what_is_not_encrypted_with_the_stacks_own_key_is_found(stack: Stack, connection: Pipeline) -> None:
    sns, topic_arn = stack.cloud.client("sns"), stack.outputs["resultsTopicArn"]
    key = stack.cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    sns.set_topic_attributes(TopicArn=topic_arn, AttributeName="KmsMasterKeyId", AttributeValue=key)
    try:
        found = [finding.found for finding in problems(state.everything_is_encrypted, connection)]
    finally:
        sns.set_topic_attributes(TopicArn=topic_arn, AttributeName="KmsMasterKeyId", AttributeValue="alias/aws/sns")
    assert found[:3] == [
        f"{name} is not encrypted with {key}"
        for name in (
            stack.outputs["ingestBucket"],
            stack.outputs["processedBucket"],
            "img-pipeline-local-transform-queue",
        )
    ]


def test_logs_that_are_kept_for_ever_are_found(stack: Stack, connection: Pipeline) -> None:
    logs, group = stack.cloud.client("logs"), stack.outputs["logGroups"]["thumbnail"]
    days = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]["retentionInDays"]
    logs.delete_retention_policy(logGroupName=group)
    try:
        (finding,) = problems(state.logs_expire, connection)
    finally:
        logs.put_retention_policy(logGroupName=group, retentionInDays=days)
    assert finding.found.startswith(f"{group} has no retention period")


def test_function_with_a_reserved_concurrency_of_zero_is_found(stack: Stack, connection: Pipeline) -> None:
    lambda_, name = stack.cloud.client("lambda"), stack.outputs["functionNames"]["metadata"]
    before = lambda_.get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"]
    lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    try:
        assert f"{name} cannot run" in failure(functions.functions_have_concurrency, connection).found
    finally:
        lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=before)


def test_alias_of_an_older_version_is_a_warning(stack: Stack, connection: Pipeline) -> None:
    lambda_, name = stack.cloud.client("lambda"), stack.outputs["functionNames"]["metadata"]
    live = lambda_.get_alias(FunctionName=name, Name="live")["FunctionVersion"]
    lambda_.update_function_configuration(FunctionName=name, Description="newer")
    newest = lambda_.publish_version(FunctionName=name)["Version"]
    try:
        (finding,) = problems(functions.aliases_are_current, connection)
        assert finding.status is Status.WARN
        assert f"{name}:live is version {live}, but {newest} is the newest" in finding.found
    finally:
        lambda_.update_alias(FunctionName=name, Name="live", FunctionVersion=newest)
    assert problems(functions.aliases_are_current, connection) == []


@pytest.mark.parametrize(
    ("today", "status"),
    [
        (date(2029, 1, 1), Status.OK),
        (date(2029, 1, 2), Status.WARN),
        (date(2029, 6, 29), Status.WARN),
        (date(2029, 6, 30), Status.FAIL),
    ],
)
def test_runtime_is_a_warning_half_a_year_before_its_end_of_support(
    connection: Pipeline, today: date, status: Status
) -> None:
    findings = list(functions.runtimes_are_supported(connection, today))
    assert {finding.status for finding in findings} == {status}
    assert all("python3.13" in finding.found and "2029-06-30" in finding.found for finding in findings)


def test_a_deleted_resource_is_found_by_the_output_that_names_it(stack: Stack, connection: Pipeline) -> None:
    gone = stack.outputs["transformDlqUrl"].replace("transform-dlq", "gone-dlq")
    outputs = replace(connection.outputs, delivery_dlq_url=gone, denylist_table="gone")
    missing = replace(connection, outputs=outputs)
    found = [finding.found for finding in problems(existence.resources_exist, missing)]
    assert found == [
        f"deliveryDlqUrl names {gone}, which does not exist",
        "denylistTable names gone, which does not exist",
    ]


def test_a_deleted_role_is_a_failure(connection: Pipeline) -> None:
    roles = connection.outputs.role_arns
    outputs = replace(connection.outputs, role_arns={**roles, "validate": f"{roles['validate']}-gone"})
    missing = replace(connection, outputs=outputs)
    assert failure(existence.resources_exist, missing).found.startswith("roleArns names arn:aws:iam::")


def test_check_without_permission_is_a_warning_that_names_the_call(connection: Pipeline) -> None:
    def denied(_: Pipeline) -> Iterator[Finding]:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "DescribePipe")
        yield ok("never")

    (finding,) = run_check(denied, connection)
    assert finding.status is Status.WARN
    assert "DescribePipe" in finding.advice


class FakeAccount:
    """A cloud with Service Quotas, which the embedded one lacks: one quota with a rate, one with a count."""

    def __init__(self, calls_per_minute: float, environments: float) -> None:
        self._peaks = {"CallCount": calls_per_minute, "ConcurrentExecutions": environments}

    def client(self, service: str) -> FakeAccount:
        assert service in ("service-quotas", "cloudwatch")
        return self

    def get_paginator(self, operation: str) -> FakeAccount:
        assert operation == "list_service_quotas"
        return self

    def paginate(self, ServiceCode: str) -> list[dict[str, Any]]:
        def quota(code: str, name: str, value: float, metric: str, statistic: str, **more: Any) -> dict[str, Any]:
            usage = {"MetricNamespace": "AWS/Usage", "MetricName": metric, "MetricStatisticRecommendation": statistic}
            return (
                {"ServiceCode": ServiceCode, "QuotaCode": code, "QuotaName": name, "Value": value}
                | more
                | {"UsageMetric": usage}
            )

        quotas = {
            "sns": [
                quota("L-1", "Publish", 300.0, "CallCount", "Sum", Period={"PeriodValue": 1, "PeriodUnit": "SECOND"})
            ],
            "lambda": [
                quota("L-2", "Concurrent executions", 1000.0, "ConcurrentExecutions", "Maximum"),
                {"ServiceCode": "lambda", "QuotaCode": "L-3", "QuotaName": "unmeasured", "Value": 1.0},
            ],
        }
        return [{"Quotas": quotas.get(ServiceCode, [])}]

    def get_metric_statistics(self, *, MetricName: str, Statistics: list[str], **_: Any) -> dict[str, Any]:
        return {"Datapoints": [{Statistics[0]: 1.0}, {Statistics[0]: self._peaks[MetricName]}]}


def account(**peaks: float) -> Pipeline:
    return Pipeline(stack="prod", outputs=outputs_with(), client=FakeAccount(**peaks).client)


def test_quota_used_to_80_percent_is_a_warning_with_the_command_to_increase_it() -> None:
    connection = account(calls_per_minute=60 * 241, environments=799)
    (finding,) = problems(quotas.quotas_are_not_reached, connection)
    assert finding.status is Status.WARN
    assert finding.found == "sns: Publish: 241 of 300 used at the peak of the last day"
    assert "--service-code sns --quota-code L-1 --desired-value 600" in finding.advice


def test_quotas_that_are_not_reached_are_counted() -> None:
    connection = account(calls_per_minute=60 * 239, environments=799)
    (finding,) = run_check(quotas.quotas_are_not_reached, connection)
    assert finding == ok("2 quotas")


class FakeLambda:
    """Answers of the Lambda service that the embedded cloud never gives."""

    def __init__(self, unreserved: int = 900, code_bytes: float = 1e9, **configuration: Any) -> None:
        self._account = {
            "AccountLimit": {
                "TotalCodeSize": 75e9,
                "CodeSizeUnzipped": 250e6,
                "ConcurrentExecutions": 1000,
                "UnreservedConcurrentExecutions": unreserved,
            },
            "AccountUsage": {"TotalCodeSize": code_bytes, "FunctionCount": 4},
        }
        self._configuration = {"Runtime": "python3.13", "CodeSize": 1e6, "Layers": [{"CodeSize": 10e6}]} | configuration

    def get_account_settings(self) -> dict[str, Any]:
        return self._account

    def get_function_configuration(self, *, FunctionName: str, Qualifier: str) -> dict[str, Any]:
        assert Qualifier == "live", "the workflow calls the alias"
        return {"FunctionName": FunctionName} | self._configuration

    def get_function_concurrency(self, *, FunctionName: str) -> dict[str, Any]:
        assert FunctionName == "img-pipeline-prod-validate"
        return {"ReservedConcurrentExecutions": 50}


@pytest.mark.parametrize(
    ("check", "answers", "status", "told"),
    [
        (
            quotas.concurrency_is_available,
            {"unreserved": 301},
            Status.OK,
            "50 of the account's 1000 reserved here, 649 elsewhere, 301 unreserved",
        ),
        (quotas.concurrency_is_available, {"unreserved": 299}, Status.WARN, "299 unreserved"),
        (quotas.concurrency_is_available, {"unreserved": 99}, Status.FAIL, "99 unreserved"),
        (quotas.code_storage_is_available, {"code_bytes": 59e9}, Status.OK, "59.0 of 75 GB"),
        (quotas.code_storage_is_available, {"code_bytes": 61e9}, Status.WARN, "61.0 of 75 GB"),
        (functions.package_sizes_are_below_limit, {}, Status.OK, "11 MB zipped"),
        (
            functions.package_sizes_are_below_limit,
            {"Layers": [{"CodeSize": 70e6}]},
            Status.WARN,
            "about 213 of 250 MB unzipped",
        ),
        (functions.functions_are_active, {"State": "Active"}, Status.OK, "is Active"),
        (functions.functions_are_active, {"State": "Inactive"}, Status.WARN, "long idle time"),
        (functions.functions_are_active, {"State": "Pending"}, Status.WARN, "is being updated"),
        (
            functions.functions_are_active,
            {"State": "Failed", "StateReason": "the key is disabled"},
            Status.FAIL,
            "the key is disabled",
        ),
        (functions.functions_are_active, {"LastUpdateStatus": "Failed"}, Status.FAIL, "its last update Failed"),
        (functions.runtimes_are_supported, {"Runtime": "python3.9"}, Status.WARN, "python3.9"),
    ],
)
def test_limits_and_states_of_functions(check: Check, answers: dict[str, Any], status: Status, told: str) -> None:
    outputs = outputs_with(function_names={"validate": "img-pipeline-prod-validate"})
    prod = Pipeline(stack="prod", outputs=outputs, client=lambda _: FakeLambda(**answers))
    (finding,) = run_check(check, prod)
    assert finding.status is status, finding
    assert told in finding.found


def test_uploads_that_wait_for_long_are_a_warning(
    stack: Stack, connection: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "LONG_WAIT_SECONDS", -1)
    with stack.paused():
        upload = stack.upload("uploads/waits.jpg")
        (finding,) = eventually(lambda: problems(queues.backlog_is_processed, connection), "the waiting upload")
    assert finding.status is Status.WARN
    assert finding.found.startswith("1 uploads wait, the oldest for ")
    stack.finish(upload)


def test_smoke_test_processes_a_photograph_and_a_table_and_removes_them(stack: Stack, connection: Pipeline) -> None:
    findings = run_check(files_are_processed, connection)
    assert [finding.status for finding in findings] == [Status.OK] * 8, findings
    keys = []
    for job, record, publication, _ in (findings[:4], findings[4:]):
        assert "COMPLETED" in job.found
        assert "renditions, and all exist" in record.found
        assert publication.found == "its result was published"
        keys.append(job.found.split()[3])
    assert [key.rpartition(".")[2] for key in keys] == ["jpg", "csv"]
    assert all(key.startswith(PREFIX) and traces(stack, key) == [] for key in keys)
    # The subscribers were told of them, like of any other file.
    told: set[str] = set()
    inspector = stack.outputs["resultsQueueUrls"]["inspector"]
    eventually(
        lambda: (
            told.update(message["fileKey"] for message in stack.pipeline.take_messages(inspector)) or told >= {*keys}
        ),
        "the notifications",
    )


def test_a_completed_file_without_record_rendition_or_notification_is_found(stack: Stack, connection: Pipeline) -> None:
    upload = stack.upload("uploads/whole.jpg")
    stack.finish(upload)

    def found() -> list[str]:
        return [finding.found for finding in record_is_complete(connection, upload) if finding.status is Status.FAIL]

    assert found() == []
    asset = stack.pipeline.asset(upload.file_key)
    assert asset is not None
    lost = asset["renditions"][0]["key"]
    stack.cloud.client("s3").delete_object(Bucket=stack.outputs["processedBucket"], Key=lost)
    row = {"TableName": stack.outputs["assetsTable"], "Key": {"fileKey": {"S": upload.file_key}}}
    dynamodb = stack.cloud.client("dynamodb")
    dynamodb.update_item(**row, UpdateExpression="REMOVE publishedAt")
    assert found() == [
        f"1 of {len(asset['renditions'])} renditions are missing: {lost}",
        "its result was not published",
    ]
    dynamodb.delete_item(**row)
    assert found() == ["the job is COMPLETED, but the assets table has no record of it"]


def traces(stack: Stack, file_key: str) -> list[str]:
    """Whatever the cloud still holds of a file, in any version."""
    s3, dynamodb = stack.cloud.client("s3"), stack.cloud.client("dynamodb")
    left = []
    for bucket, prefix in ((stack.outputs["ingestBucket"], ""), (stack.outputs["processedBucket"], "processed/")):
        answer = s3.list_object_versions(Bucket=bucket, Prefix=prefix + file_key)
        left += [each["Key"] for each in [*answer.get("Versions", []), *answer.get("DeleteMarkers", [])]]
    for table in (stack.outputs["jobsTable"], stack.outputs["assetsTable"]):
        rows = dynamodb.scan(TableName=table)["Items"]
        left += [table for row in rows if row["fileKey"]["S"] == file_key]
    return left


def test_smoke_test_reports_why_its_file_failed_and_keeps_it(stack: Stack, connection: Pipeline) -> None:
    with stack.broken("watermark", SETTINGS='{"opacity": "none"}'):
        finding, *of_table = run_check(files_are_processed, connection)
    file_key = finding.found.split()[0]
    assert finding.status is Status.FAIL
    assert {each.status for each in of_table} == {Status.OK}
    assert "FAILED: " in finding.found
    assert f"img-pipeline trace {file_key} --stack local" in finding.advice
    assert traces(stack, file_key), "the file is kept for whoever looks into it"
    # Once mended, the queue's next try brings it to its end.
    eventually(lambda: (stack.pipeline.asset(file_key) or {}).get("publishedAt"), "the file's record", 60)
    stack.await_idle()


def test_rejected_smoke_test_file_is_reported_with_reason_and_hint_and_removed(
    stack: Stack, connection: Pipeline
) -> None:
    only_png = {"image": {"accepted": ["image/png"], "maxPixels": 10**6, "maxFrames": 9}}
    with stack.broken("validate", MEDIA=json.dumps(only_png)):
        findings = run_check(files_are_processed, connection)
    for failed, cleaned in (findings[:2], findings[2:]):
        assert "REJECTED: UNSUPPORTED_TYPE" in failed.found
        assert failed.advice
        assert cleaned == ok("everything that it created was deleted")
    assert len(stack.pipeline.take_messages(stack.outputs["validateDlqUrl"])) == 2


def test_smoke_test_sends_no_file_to_a_paused_stack(stack: Stack, connection: Pipeline) -> None:
    with stack.paused():
        (finding,) = run_check(files_are_processed, connection)
        assert stack.pipeline.queue_depth(stack.outputs["transformQueueUrl"]) == 0
    assert finding.found == "not sent: the pipe is not running"


def test_budget_is_checked_where_one_is_set(stack: Stack, connection: Pipeline) -> None:
    assert run_check(budget.budget_is_active, connection) == [ok("none set")]
    limited = replace(connection, outputs=read_outputs(deploy(stack.cloud, "local", {"monthlyBudgetUsd": 500})))
    assert run_check(budget.budget_is_active, limited) == [ok("0.00 of 500 USD this month")]

    budgets = {"AccountId": stack.cloud.account_id, "BudgetName": limited.outputs.budget_name}
    client = stack.cloud.client("budgets")
    for notification in client.describe_notifications_for_budget(**budgets)["Notifications"]:
        client.delete_notification(**budgets, Notification=notification)
    assert "has no notification" in failure(budget.budget_is_active, limited).found
    client.delete_budget(**budgets)
    assert failure(budget.budget_is_active, limited).advice == "deploy again: img-pipeline deploy --stack local"


def test_a_budget_that_sees_no_cost_is_a_warning(connection: Pipeline) -> None:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    clients = {name: boto3.client(name, region_name="us-east-1", **keys) for name in ("budgets", "ce")}
    usd = {"Amount": "0", "Unit": "USD"}
    outputs = replace(connection.outputs, budget_name="monthly")
    on_aws = Pipeline(stack="prod", outputs=outputs, client=clients.__getitem__)
    with Stubber(clients["budgets"]) as budgets, Stubber(clients["ce"]) as explorer:
        found = {"BudgetName": "monthly", "BudgetType": "COST", "TimeUnit": "MONTHLY"}
        spent = {"CalculatedSpend": {"ActualSpend": usd}, "BudgetLimit": usd | {"Amount": "500"}}
        budgets.add_response("describe_budget", {"Budget": found | spent})
        told = {"NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": 80.0}
        budgets.add_response("describe_notifications_for_budget", {"Notifications": [told]})
        tags = [
            {"TagKey": key, "Type": "UserDefined", "Status": status}
            for key, status in (("Project", "Active"), ("Stack", "Inactive"))
        ]
        explorer.add_response("list_cost_allocation_tags", {"CostAllocationTags": tags})
        (finding,) = run_check(budget.budget_is_active, on_aws)
    assert finding.status is Status.WARN
    assert "the cost allocation tag Stack is not activated" in finding.found
    assert finding.advice.endswith("TagKey=Stack,Status=Active")
