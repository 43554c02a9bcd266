"""Gaps of the emulator without the patches. A failed test means that a gap is closed and its patch can be removed.

Each test names its patch in `localcloud/patches/`.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from ministack.services import cloudwatch

from localcloud.emulator import Emulator
from localcloud.patches.apigateway import CONCURRENT_CALLS
from testing.policies import policy
from testing.waiting import eventually
from tests.localcloud.concurrent_calls import processes_of, waits_for_others
from tests.localcloud.query_protocol import COMPARISON, call_by_query
from tests.localcloud.races import bodies_after_a_message_arrives_during_a_deletion, statuses_of_two_conditional_puts
from tests.localcloud.workbench import SLOW_EXPRESSION, HttpApi, Workbench, call_function, send_to


class UnpatchedEmulator(Emulator):
    """The emulator without patches, in the environment of the embedded cloud."""

    def _start_server(self, listener: socket.socket, pipe_concurrency: int, pipe_retry_seconds: int | None) -> None:
        del pipe_concurrency, pipe_retry_seconds
        listener.close()
        environment = self._server_environment()
        with open(self.data_directory / "server.log", "wb") as log:
            self._server = subprocess.Popen(
                [sys.executable, "-m", "ministack"],
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=environment,
            )

    def stop(self) -> None:
        self._server.terminate()
        super().stop()


@pytest.fixture(scope="module")
def bench() -> Iterator[Workbench]:
    with UnpatchedEmulator.start() as cloud:
        yield Workbench(cloud)


@pytest.fixture(scope="module")
def traced_function(bench: Workbench) -> str:
    return bench.function(
        """
        import os
        def handler(event, context):
            if event.get("fail"):
                raise KeyError("absent")
            return os.environ.get("_X_AMZN_TRACE_ID", "").split(";")[0]
        """,
        TracingConfig={"Mode": "Active"},
    )


def metric_names(bench: Workbench, namespace: str) -> set[str]:
    metrics = bench.cloud.client("cloudwatch").list_metrics(Namespace=namespace)["Metrics"]
    return {metric["MetricName"] for metric in metrics}


def test_no_caller_can_assume_a_role_of_a_service(bench: Workbench) -> None:
    """role_credentials"""
    role = bench.role("lambda", ("s3:ListAllMyBuckets", "*"))
    with pytest.raises(ClientError, match="AccessDenied"):
        bench.cloud.client("sts").assume_role(RoleArn=role, RoleSessionName="test")


def test_nothing_records_a_denied_call(bench: Workbench) -> None:
    """_journal_decisions"""
    before = set(bench.cloud.data_directory.rglob("*.jsonl"))
    bench.cloud.client("iam").create_user(UserName="nobody")
    key = bench.cloud.client("iam").create_access_key(UserName="nobody")["AccessKey"]
    denied = _client_of(bench, "sqs", key)
    with pytest.raises(ClientError, match="AccessDenied"):
        denied.list_queues()
    events = bench.cloud.client("cloudtrail").lookup_events()["Events"]
    assert [event for event in events if "errorCode" in event.get("CloudTrailEvent", "")] == []
    assert set(bench.cloud.data_directory.rglob("*.jsonl")) == before


def test_a_policy_that_denies_plain_http_denies_every_local_call(bench: Workbench) -> None:
    """_treat_loopback_as_tls"""
    bucket, iam = bench.name("bucket"), bench.cloud.client("iam")
    bench.cloud.client("s3").create_bucket(Bucket=bucket)
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    bench.cloud.client("s3").put_bucket_policy(Bucket=bucket, Policy=document)
    allow = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    iam.create_user(UserName="writer")
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    iam.put_user_policy(UserName="writer", PolicyName="write", PolicyDocument=document)
    key = iam.create_access_key(UserName="writer")["AccessKey"]
    with pytest.raises(ClientError, match="AccessDenied"):
        _client_of(bench, "s3", key).put_object(Bucket=bucket, Key="a", Body=b"")


def test_bucket_events_have_no_version_id(bench: Workbench) -> None:
    """_add_version_id_to_bucket_events"""
    s3, events = bench.cloud.client("s3"), bench.cloud.client("events")
    bucket, queue, rule = bench.name("bucket"), bench.queue(), bench.name("rule")
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    events.put_rule(Name=rule, EventPattern=json.dumps({"source": ["aws.s3"]}))
    events.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": queue.arn}])
    s3.put_object(Bucket=bucket, Key="a", Body=b"")
    assert "version-id" not in json.loads(queue.receive()["Body"])["detail"]["object"]


def test_a_range_of_a_version_is_the_whole_version(bench: Workbench) -> None:
    """_return_ranges_of_versions"""
    s3, bucket = bench.cloud.client("s3"), bench.name("bucket")
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket=bucket, Key="a", Body=b"0123456789")["VersionId"]
    part = s3.get_object(Bucket=bucket, Key="a", VersionId=version, Range="bytes=2-4")
    assert (part["ResponseMetadata"]["HTTPStatusCode"], part["Body"].read()) == (200, b"0123456789")


def test_a_rule_sends_to_a_queue_whose_policy_does_not_allow_it(bench: Workbench) -> None:
    """_enforce_queue_policies"""
    events, queue, rule = bench.cloud.client("events"), bench.queue(), bench.name("rule")
    events.put_rule(Name=rule, EventPattern=json.dumps({"source": [rule]}))
    events.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": queue.arn}])
    events.put_events(Entries=[{"Source": rule, "DetailType": "test", "Detail": "{}"}])
    assert json.loads(queue.receive()["Body"])["source"] == rule


def test_services_assume_roles_that_do_not_trust_them(bench: Workbench) -> None:
    """check_trust, _enforce_lambda_trust_policies, _enforce_log_permissions"""
    function = bench.function("def handler(event, context): print('logged')", Role=bench.role("ec2"))
    workflow = bench.workflow({"Call": call_function(function)}, role_arn=bench.role("ec2"))
    assert bench.run(workflow)["status"] == "SUCCEEDED"
    logs = bench.cloud.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{function.split(':')[6]}")
    assert "logged" in {event["message"] for event in logs["events"]}


def test_a_pipe_from_a_queue_loses_its_parameters_and_polls_nothing(bench: Workbench) -> None:
    """_keep_pipe_parameters, _report_stopping_pipes, and pipe_runner.py as a whole"""
    source, received = bench.queue(), bench.queue()
    workflow = bench.workflow({"Send": send_to(received)}, ("sqs:SendMessage", received.arn))
    name = bench.pipe(source, workflow)
    pipes = bench.cloud.client("pipes")
    described = pipes.describe_pipe(Name=name)
    assert described["CurrentState"] == "RUNNING"
    assert {"SourceParameters", "TargetParameters"} & set(described) == set()
    source.send(1)
    time.sleep(1.5)
    assert source.depth() == (1, 0)
    assert pipes.stop_pipe(Name=name)["CurrentState"] == "STOPPED"


def test_a_message_sent_during_a_deletion_is_lost() -> None:
    """_lock_queues"""
    assert bodies_after_a_message_arrives_during_a_deletion() == []


def test_two_concurrent_conditional_puts_both_succeed(monkeypatch: pytest.MonkeyPatch) -> None:
    """_lock_tables"""
    assert statuses_of_two_conditional_puts(monkeypatch) == [200, 200]


def test_a_workflows_notification_loses_its_attributes(bench: Workbench) -> None:
    """_accept_message_attributes_as_map"""
    inbox, sns = bench.queue(), bench.cloud.client("sns")
    topic = sns.create_topic(Name=bench.name("topic"))["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=inbox.arn, Attributes={"RawMessageDelivery": "true"})
    bench.accept_from(inbox, "sns", topic)
    attributes = {"outcome": {"DataType": "String", "StringValue": "COMPLETED"}}
    publish = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sns:publish",
        "Arguments": {"TopicArn": topic, "Message": "x", "MessageAttributes": attributes},
        "End": True,
    }
    bench.run(bench.workflow({"Publish": publish}))
    assert "MessageAttributes" not in inbox.receive()


def test_every_exception_has_the_same_error_type(bench: Workbench, traced_function: str) -> None:
    """_report_errors_by_class"""
    assert bench.run(bench.calling(traced_function), {"fail": True})["error"] == "Runtime.HandlerError"


def test_each_environment_extracts_its_layers_again(bench: Workbench) -> None:
    """_share_layers"""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("python/from_layer.py", "")
    layer = bench.cloud.client("lambda").publish_layer_version(
        LayerName=bench.name("layer"), Content={"ZipFile": archive.getvalue()}
    )["LayerVersionArn"]
    code = "import from_layer\ndef handler(event, context): return from_layer.__file__"
    one, other = (bench.run(bench.calling(bench.function(code, Layers=[layer])))["output"] for _ in range(2))
    assert one != other


def test_an_alias_ignores_reserved_concurrency_and_throttles_are_unknown_errors(bench: Workbench) -> None:
    """_share_reserved_concurrency, _enforce_workflow_roles"""
    function = bench.function("import time\ndef handler(event, context): time.sleep(0.5)")
    unqualified = function.rsplit(":", 1)[0]
    name = unqualified.rsplit(":", 1)[1]
    bench.cloud.client("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)

    def outcomes(function_arn: str) -> set[str]:
        workflow = bench.calling(function_arn)
        with ThreadPoolExecutor(2) as pool:
            return {execution.get("error", "") for execution in pool.map(lambda _: bench.run(workflow), range(2))}

    assert outcomes(function) == {""}
    assert outcomes(unqualified) == {"", "Lambda.Unknown"}


def test_each_function_of_an_execution_has_its_own_trace(bench: Workbench, traced_function: str) -> None:
    """_run_express_executions"""
    first = call_function(traced_function, "Second", Assign={"first": "{% $states.result.Payload %}"})
    second = call_function(traced_function, Output="{% [$first, $states.result.Payload] %}")
    one, other = json.loads(bench.run(bench.workflow({"First": first, "Second": second}))["output"])
    assert one != other


def test_an_execution_starts_with_a_delay(bench: Workbench) -> None:
    """_run_express_executions"""
    workflow = bench.workflow({"Done": {"Type": "Succeed"}})
    started = time.monotonic()
    bench.run(workflow)
    assert time.monotonic() - started > 0.15


def test_a_workflow_ignores_its_timeout(bench: Workbench) -> None:
    """_run_express_executions"""
    wait = {"Type": "Wait", "Seconds": 2, "End": True}
    assert bench.run(bench.workflow({"Wait": wait}, timeout_seconds=1))["status"] == "SUCCEEDED"


def test_an_expression_fails_after_a_second(bench: Workbench) -> None:
    """_give_expressions_time"""
    assert "D1012" in bench.run(bench.workflow({"Count": SLOW_EXPRESSION}))["cause"]


def test_a_retry_ignores_its_maximum_delay(bench: Workbench, traced_function: str) -> None:
    """_apply_retry_delays"""
    patient = {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 2, "MaxAttempts": 1, "MaxDelaySeconds": 1}
    started = time.monotonic()
    bench.run(bench.calling(traced_function, Retry=[patient]), {"fail": True})
    assert time.monotonic() - started >= 2


def test_a_workflow_needs_no_permissions(bench: Workbench) -> None:
    """_enforce_workflow_roles"""
    queue = bench.queue()
    assert bench.run(bench.workflow({"Send": send_to(queue, "forbidden")}))["status"] == "SUCCEEDED"
    assert queue.receive()["Body"] == "forbidden"


def test_services_and_log_lines_publish_no_metrics(bench: Workbench, traced_function: str) -> None:
    """_run_express_executions, _publish_function_metrics, and metrics.py as a whole"""
    assert bench.run(bench.calling(traced_function))["status"] == "SUCCEEDED"
    bench.queue().send(1)
    time.sleep(1.2)
    for namespace in ("AWS/States", "AWS/SQS", "AWS/EventBridge/Pipes"):
        assert metric_names(bench, namespace) == set()
    invoked = {
        dimension["Value"]
        for metric in bench.cloud.client("cloudwatch").list_metrics(Namespace="AWS/Lambda")["Metrics"]
        for dimension in metric["Dimensions"]
    }
    assert traced_function.split(":")[6] not in invoked


def test_every_request_for_metrics_copies_all_points(monkeypatch: pytest.MonkeyPatch) -> None:
    """_delete_old_points_once_a_minute"""
    points = [{"Timestamp": time.time(), "Value": 1.0}]
    metrics = {("Namespace", "Name", ""): points}
    monkeypatch.setattr(cloudwatch, "_metrics", metrics)
    asyncio.run(cloudwatch.handle_request("POST", "/", {}, b"Action=ListMetrics", {}))
    assert metrics["Namespace", "Name", ""] == points
    assert metrics["Namespace", "Name", ""] is not points


def test_alarms_lose_metric_math_and_ignore_dimensions(bench: Workbench) -> None:
    """_disable_alarm_evaluation, and alarms.py as a whole"""
    cloudwatch, namespace = bench.cloud.client("cloudwatch"), bench.name("namespace")
    common: dict[str, Any] = {
        "EvaluationPeriods": 1,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    stat = {"Metric": {"Namespace": namespace, "MetricName": "depth"}, "Period": 60, "Stat": "Sum"}
    cloudwatch.put_metric_alarm(AlarmName="math", Metrics=[{"Id": "m", "MetricStat": stat}], **common)
    cloudwatch.put_metric_alarm(
        AlarmName="plain",
        Namespace=namespace,
        MetricName="depth",
        Dimensions=[{"Name": "QueueName", "Value": "watched"}],
        Statistic="Maximum",
        Period=60,
        **common,
    )
    cloudwatch.put_metric_data(
        Namespace=namespace,
        MetricData=[
            {
                "MetricName": "depth",
                "Dimensions": [{"Name": "QueueName", "Value": "another"}],
                "Value": 5,
                "Timestamp": datetime.now(UTC),
            }
        ],
    )
    alarms = {alarm["AlarmName"]: alarm for alarm in cloudwatch.describe_alarms()["MetricAlarms"]}
    assert "Metrics" not in alarms["math"]
    assert alarms["plain"]["StateValue"] == "ALARM"


def _client_of(bench: Workbench, service: str, key: dict[str, str]) -> Any:
    """Return a client with the access keys of an IAM user or a role session."""
    return boto3.client(
        service,
        endpoint_url=bench.cloud.endpoint_url,
        region_name=bench.cloud.region,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        aws_session_token=key.get("SessionToken"),
    )


def _user_with_conditional_deny(bench: Workbench, condition: dict[str, Any]) -> tuple[str, Any]:
    """Create a bucket with a conditional deny; return it and an S3 client of a user with all permissions."""
    bucket, iam, user = bench.name("bucket"), bench.cloud.client("iam"), bench.name("user")
    bench.cloud.client("s3").create_bucket(Bucket=bucket)
    objects = f"arn:aws:s3:::{bucket}/*"
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": objects, "Condition": condition}
    document = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    bench.cloud.client("s3").put_bucket_policy(Bucket=bucket, Policy=document)
    iam.create_user(UserName=user)
    allow = {"Effect": "Allow", "Action": "s3:*", "Resource": objects}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    iam.put_user_policy(UserName=user, PolicyName="all", PolicyDocument=document)
    return bucket, _client_of(bench, "s3", iam.create_access_key(UserName=user)["AccessKey"])


def test_writes_have_no_condition_key_for_their_tags(bench: Workbench) -> None:
    """_add_object_tag_condition_keys"""
    bucket, s3 = _user_with_conditional_deny(
        bench, {"ForAnyValue:StringEquals": {"s3:RequestObjectTagKeys": "Verdict"}}
    )
    s3.put_object(Bucket=bucket, Key="a", Body=b"", Tagging="Verdict=clean")
    s3.put_object_tagging(Bucket=bucket, Key="a", Tagging={"TagSet": [{"Key": "Verdict", "Value": "clean"}]})


def test_tag_changes_have_no_condition_key_for_existing_tags(bench: Workbench) -> None:
    """_add_object_tag_condition_keys"""
    bucket, s3 = _user_with_conditional_deny(bench, {"Null": {"s3:ExistingObjectTag/Verdict": "false"}})
    bench.cloud.client("s3").put_object(Bucket=bucket, Key="a", Body=b"", Tagging="Verdict=bad")
    s3.delete_object_tagging(Bucket=bucket, Key="a")


def test_principal_arn_is_that_of_the_session(bench: Workbench) -> None:
    """_use_role_arn_as_principal_arn"""
    session = _session_of_role(
        bench,
        lambda role_arn: {
            "Action": "sqs:ListQueues",
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:PrincipalArn": role_arn}},
        },
    )
    with pytest.raises(ClientError, match="AccessDenied"):
        _client_of(bench, "sqs", session).list_queues()


def test_a_log_stream_is_not_what_permission_to_write_it_is_checked_on(bench: Workbench) -> None:
    """_name_log_streams"""
    group = bench.name("group")
    bench.cloud.client("logs").create_log_group(logGroupName=group)
    streams = f"arn:aws:logs:{bench.cloud.region}:{bench.cloud.account_id}:log-group:{group}:log-stream:*"
    session = _session_of_role(bench, lambda _: {"Action": "logs:CreateLogStream", "Resource": streams})
    with pytest.raises(ClientError, match="AccessDenied"):
        _client_of(bench, "logs", session).create_log_stream(logGroupName=group, logStreamName="one")


def test_a_search_for_alarms_is_not_checked_on_alarms(bench: Workbench) -> None:
    """_name_alarms"""
    alarms = f"arn:aws:cloudwatch:{bench.cloud.region}:{bench.cloud.account_id}:alarm:*"
    session = _session_of_role(bench, lambda _: {"Action": "cloudwatch:DescribeAlarms", "Resource": alarms})
    with pytest.raises(ClientError, match="AccessDenied"):
        _client_of(bench, "cloudwatch", session).describe_alarms(StateValue="ALARM")


def test_a_batch_is_checked_as_an_action_of_its_own(bench: Workbench) -> None:
    """_name_actions_of_batches"""
    queue = bench.cloud.client("sqs").create_queue(QueueName=bench.name("queue"))["QueueUrl"]
    session = _session_of_role(bench, lambda _: {"Action": "sqs:SendMessage", "Resource": "*"})
    with pytest.raises(ClientError, match="AccessDenied"):
        _client_of(bench, "sqs", session).send_message_batch(
            QueueUrl=queue, Entries=[{"Id": "0", "MessageBody": "one"}]
        )


def _session_of_role(bench: Workbench, allowed: Callable[[str], dict[str, Any]]) -> dict[str, str]:
    """The credentials of a new role, allowed what its ARN leads to."""
    iam, name = bench.cloud.client("iam"), bench.name("role")
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="allowed", PolicyDocument=policy({"Effect": "Allow", **allowed(arn)}))
    return bench.cloud.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]


def test_a_function_can_import_packages_of_this_environment(bench: Workbench) -> None:
    """_isolate_python_functions"""
    function = bench.function("def handler(event, context):\n    import rich\n    return rich.__name__")
    answer = bench.run(bench.workflow({"Call": call_function(function)}, ("lambda:InvokeFunction", function)), {})
    assert json.loads(answer["output"]) == "rich"


def test_guardduty_is_not_supported(bench: Workbench) -> None:
    """application"""
    with pytest.raises(ClientError):
        bench.cloud.client("guardduty").list_malware_protection_plans()


def logged(bench: Workbench, *messages: str) -> str:
    """Create a log group with current messages."""
    logs, group = bench.cloud.client("logs"), bench.name("group")
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    events = [{"timestamp": round(time.time() * 1000), "message": message} for message in messages]
    logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)
    return group


def test_insights_ignores_stats(bench: Workbench) -> None:
    """_run_insights_queries"""
    group = logged(bench, '{"level": "ERROR"}', '{"level": "INFO"}')
    now = round(time.time())
    query = bench.cloud.client("logs").start_query(
        logGroupName=group, startTime=now - 60, endTime=now + 60, queryString="stats count(*) by level"
    )
    results = bench.cloud.client("logs").get_query_results(queryId=query["queryId"])["results"]
    assert "count(*)" not in {cell["field"] for row in results for cell in row if cell["value"]}


def test_a_json_pattern_matches_every_event(bench: Workbench) -> None:
    """_match_filter_patterns"""
    group = logged(bench, '{"level": "INFO"}')
    found = bench.cloud.client("logs").filter_log_events(logGroupName=group, filterPattern='{ $.level = "ERROR" }')
    assert len(found["events"]) == 1


def test_a_workflow_cannot_list_versions(bench: Workbench) -> None:
    """_support_list_object_versions"""
    bucket = bench.name("bucket")
    bench.cloud.client("s3").create_bucket(Bucket=bucket)
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:listObjectVersions",
        "Arguments": {"Bucket": bucket, "Prefix": "a"},
        "End": True,
    }
    answer = bench.run(bench.workflow({"Versions": state}), {})
    assert "not yet implemented" in answer["cause"]


def test_a_workflow_gets_tags_without_a_version_id(bench: Workbench) -> None:
    """_return_version_id_with_tags"""
    s3, bucket = bench.cloud.client("s3"), bench.name("bucket")
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=bucket, Key="a", Body=b"", Tagging="Colour=red")
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:getObjectTagging",
        "Arguments": {"Bucket": bucket, "Key": "a"},
        "End": True,
    }
    workflow = bench.workflow({"Tags": state})
    answer = bench.run(workflow, {})
    assert "VersionId" not in json.loads(answer["output"])


def test_workers_of_a_version_without_an_alias_keep_running(bench: Workbench) -> None:
    """_stop_workers_without_alias"""
    name = bench.function("import os\ndef handler(event, context): return os.getpid()").split(":")[6]
    functions = bench.cloud.client("lambda")
    (alias,) = functions.list_aliases(FunctionName=name)["Aliases"]
    worker = json.load(functions.invoke(FunctionName=name, Qualifier=alias["Name"])["Payload"])

    functions.update_function_configuration(FunctionName=name, Timeout=9)
    version = functions.publish_version(FunctionName=name)["Version"]
    functions.update_alias(FunctionName=name, Name=alias["Name"], FunctionVersion=version)

    assert version != alias["FunctionVersion"]
    os.kill(worker, 0)


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("start_message_move_task", {"SourceArn": "arn:aws:sqs:us-east-1:000000000000:none"}),
        ("list_message_move_tasks", {"SourceArn": "arn:aws:sqs:us-east-1:000000000000:none"}),
        ("cancel_message_move_task", {"TaskHandle": "none"}),
        ("list_dead_letter_source_queues", {"QueueUrl": "http://localhost/000000000000/none"}),
    ],
)
def test_sqs_has_no_move_tasks(bench: Workbench, call: str, arguments: dict[str, str]) -> None:
    """move_tasks"""
    with pytest.raises(ClientError, match="InvalidAction"):
        getattr(bench.cloud.client("sqs"), call)(**arguments)


def test_permission_to_list_move_tasks_is_not_checked_on_the_queue(bench: Workbench) -> None:
    """_resolve_source_queue_arn"""
    queue = bench.queue()
    session = _session_of_role(bench, lambda _: {"Action": "sqs:ListMessageMoveTasks", "Resource": queue.arn})
    with pytest.raises(ClientError, match="AccessDenied"):
        _client_of(bench, "sqs", session).list_message_move_tasks(SourceArn=queue.arn)


def test_an_event_source_mapping_needs_no_permission(bench: Workbench) -> None:
    """_poll_with_the_functions_role"""
    queue = bench.queue()
    functions, sqs = bench.cloud.client("lambda"), bench.cloud.client("sqs")
    function = bench.function("def handler(event, context): return None")
    functions.create_event_source_mapping(EventSourceArn=queue.arn, FunctionName=function)
    queue.send({})
    depths = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

    def is_empty() -> bool:
        found = sqs.get_queue_attributes(QueueUrl=queue.url, AttributeNames=depths)["Attributes"]
        return {found[name] for name in depths} == {"0"}

    eventually(is_empty, "the function's call with the message")


def test_a_distribution_has_no_address_on_the_endpoint(bench: Workbench) -> None:
    """_addressed_by_domain_name"""
    label = distribution_of_one_page(bench)
    assert page_of_distribution(bench, label) == b"page"
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(f"{bench.cloud.endpoint_url}/_aws/cloudfront/{label}/")  # noqa: S310 (our own server)


def page_of_distribution(bench: Workbench, label: str) -> bytes:
    """What a distribution returns to a request without a signature."""
    headers = {"host": f"{label}.cloudfront.net"}
    request = urllib.request.Request(f"{bench.cloud.endpoint_url}/", headers=headers)  # noqa: S310 (our own server)
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 (our own server)
        return answer.read()


def distribution_of_one_page(bench: Workbench, **behavior: Any) -> str:
    """Create a public bucket with a page and a distribution before it; return the first label of its domain name."""
    s3, bucket = bench.cloud.client("s3"), bench.name("site")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="index.html", Body=b"page")
    readable = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(readable))
    origin = {"Id": "s", "DomainName": f"{bucket}.s3.amazonaws.com", "S3OriginConfig": {"OriginAccessIdentity": ""}}
    created = bench.cloud.client("cloudfront").create_distribution(
        DistributionConfig={
            "CallerReference": bucket,
            "Comment": "",
            "Enabled": True,
            "DefaultRootObject": "index.html",
            "Origins": {"Quantity": 1, "Items": [origin]},
            "DefaultCacheBehavior": {"TargetOriginId": "s", "ViewerProtocolPolicy": "allow-all", **behavior},
        }
    )
    return created["Distribution"]["DomainName"].partition(".")[0]


def test_an_express_execution_can_be_listed_and_described(bench: Workbench) -> None:
    """_refuse_express_executions"""
    machine = bench.workflow({"Done": {"Type": "Succeed"}})
    execution_arn = bench.run(machine)["executionArn"]
    states = bench.cloud.client("stepfunctions")
    assert states.list_executions(stateMachineArn=machine)["executions"]
    calls = ("describe_execution", "get_execution_history", "describe_state_machine_for_execution")
    for call in calls:
        getattr(states, call)(executionArn=execution_arn)


def test_sqs_accepts_unknown_attribute_names(bench: Workbench) -> None:
    """_refuse_unknown_attributes"""
    queue, sqs = bench.queue(), bench.cloud.client("sqs")
    answer = sqs.get_queue_attributes(QueueUrl=queue.url, AttributeNames=["Depth"])
    assert answer.get("Attributes", {}) == {}
    sqs.set_queue_attributes(QueueUrl=queue.url, Attributes={"Depth": "1"})
    sqs.create_queue(QueueName=bench.name("queue"), Attributes={"Depth": "1"})
    sqs.receive_message(QueueUrl=queue.url, MessageSystemAttributeNames=["Depth"])


def test_alarms_lose_their_actions_over_the_query_protocol(bench: Workbench) -> None:
    """_keep_alarm_fields_over_query"""
    name, topic = bench.name("alarm"), "arn:aws:sns:us-east-1:000000000000:topic"
    call_by_query(bench.cloud, "PutMetricAlarm", AlarmName=name, AlarmActions=[topic], **COMPARISON)
    (alarm,) = call_by_query(bench.cloud, "DescribeAlarms", AlarmNames=[name])["MetricAlarms"]
    assert "AlarmActions" not in alarm


@pytest.fixture(scope="module")
def http_api(bench: Workbench) -> HttpApi:
    return bench.http_api(
        bench.function(
            """
            def handler(event, context):
                if event["pathParameters"]["id"] == "broken":
                    raise RuntimeError("a secret")
                return {"statusCode": 200, "body": event["rawPath"]}
            """
        ),
        DefaultRouteSettings={"ThrottlingRateLimit": 0.001, "ThrottlingBurstLimit": 1},
    )


def test_the_caller_of_an_http_api_sees_what_its_function_raised(http_api: HttpApi) -> None:
    """_say_nothing_of_a_function_that_failed"""
    status, body = http_api.get("/things/broken")
    assert status == 502
    assert "a secret" in body


def test_an_http_api_is_neither_throttled_nor_measured(bench: Workbench, http_api: HttpApi) -> None:
    """_measure_requests"""
    assert [http_api.get()[0] for _ in range(3)] == [200] * 3
    assert metric_names(bench, "AWS/ApiGateway") == set()


def test_an_http_api_writes_no_access_log(bench: Workbench) -> None:
    """_measure_requests, _know_the_caller"""
    logs, group = bench.cloud.client("logs"), bench.name("/access")
    logs.create_log_group(logGroupName=group)
    arn = f"arn:aws:logs:{bench.cloud.region}:{bench.cloud.account_id}:log-group:{group}"
    function = bench.function("def handler(event, context): return {'statusCode': 200}")
    api = bench.http_api(function, AccessLogSettings={"DestinationArn": arn, "Format": "$context.authorizer.error"})
    assert api.get()[0] == 200
    assert logs.filter_log_events(logGroupName=group)["events"] == []


def test_a_page_cannot_read_what_an_http_api_answers_itself(bench: Workbench) -> None:
    """_add_cors_headers_to_every_answer"""
    api = bench.http_api(bench.function("def handler(event, context): return {'statusCode': 200}"))
    api.answer_pages_of("https://pages.example")
    status, headers, _ = api.call("/nothing", Origin="https://pages.example")
    assert (status, headers["access-control-allow-origin"]) == (404, None)


def test_an_http_api_calls_functions_that_do_not_let_it_in_and_hides_its_stage(http_api: HttpApi) -> None:
    """_call_functions_as_aws"""
    http_api.shut_out()
    assert http_api.get() == (200, "/things/7")


def test_each_of_many_calls_of_an_http_api_starts_a_process(bench: Workbench, tmp_path: Path) -> None:
    """_limit_concurrent_calls"""
    calls = CONCURRENT_CALLS + 1
    assert processes_of(bench.http_api(bench.function(waits_for_others(tmp_path, calls))), calls) == calls


def test_a_distribution_answers_a_request_without_the_signature_that_it_asks_for(bench: Workbench) -> None:
    """cloudfront.refusal"""
    signers = {"Enabled": True, "Quantity": 1, "Items": [key_group(bench.cloud)]}
    assert page_of_distribution(bench, distribution_of_one_page(bench, TrustedKeyGroups=signers)) == b"page"


def key_group(cloud: Emulator) -> str:
    """Create a group of one new key that signs requests; return its id."""
    cloudfront = cloud.client("cloudfront")
    pem = (
        rsa.generate_private_key(65537, 2048)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    key = {"CallerReference": "1", "Name": "signed", "EncodedKey": pem.decode()}
    key_id = cloudfront.create_public_key(PublicKeyConfig=key)["PublicKey"]["Id"]
    return cloudfront.create_key_group(KeyGroupConfig={"Name": "signed", "Items": [key_id]})["KeyGroup"]["Id"]


def test_metric_filters_count_nothing(bench: Workbench) -> None:
    """_count_what_metric_filters_match"""
    logs, group = bench.cloud.client("logs"), logged(bench, "before")
    metric = {"metricName": "Lines", "metricNamespace": group, "metricValue": "1"}
    logs.put_metric_filter(logGroupName=group, filterName="all", filterPattern="", metricTransformations=[metric])
    event = {"timestamp": int(time.time() * 1000), "message": "after"}
    (stream,) = logs.describe_log_streams(logGroupName=group)["logStreams"]
    logs.put_log_events(logGroupName=group, logStreamName=stream["logStreamName"], logEvents=[event])
    assert metric_names(bench, group) == set()


def test_a_secret_without_a_value_has_a_version(bench: Workbench) -> None:
    """_create_without_version"""
    secrets = bench.cloud.client("secretsmanager")
    arn = secrets.create_secret(Name="without-value")["ARN"]
    assert secrets.list_secret_version_ids(SecretId=arn)["Versions"] != []


def test_a_pool_that_requires_long_passwords_invites_nobody(bench: Workbench) -> None:
    """_generate_long_passwords"""
    cognito = bench.cloud.client("cognito-idp")
    policy = {"PasswordPolicy": {"MinimumLength": 14}}
    pool = cognito.create_user_pool(PoolName="long", Policies=policy)["UserPool"]["Id"]
    with pytest.raises(ClientError, match="Password did not conform with policy"):
        cognito.admin_create_user(UserPoolId=pool, Username="alice")
