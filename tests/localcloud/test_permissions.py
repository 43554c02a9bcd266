"""Calls without permission fail as on AWS, and every decision is in the journal."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.emulator import Decision, Emulator, EmulatorError
from testing.waiting import eventually
from tests.localcloud.workbench import LOGGING, Document, Workbench, call_function, send_to

pytest_plugins = ["localcloud.pytest_fixture"]


@pytest.fixture
def bench(cloud: Emulator) -> Workbench:
    return Workbench(cloud)


def task(integration: str, arguments: Document) -> Document:
    return {"Type": "Task", "Resource": f"arn:aws:states:::{integration}", "Arguments": arguments, "End": True}


def decisions(bench: Workbench, role_arn: str) -> list[Decision]:
    name = role_arn.rsplit("/", 1)[1]
    return [decision for decision in bench.cloud.journal() if decision.role == name]


def workflow_role(bench: Workbench, workflow_arn: str) -> str:
    return bench.cloud.client("stepfunctions").describe_state_machine(stateMachineArn=workflow_arn)["roleArn"]


def test_a_role_client_has_exactly_the_permissions_of_its_role(bench: Workbench) -> None:
    bucket = bench.name("bucket")
    bench.cloud.client("s3").create_bucket(Bucket=bucket)
    bench.cloud.client("s3").put_object(Bucket=bucket, Key="uploads/a", Body=b"a")
    role = bench.role("lambda", ("s3:GetObject", f"arn:aws:s3:::{bucket}/uploads/*"))
    s3 = bench.cloud.client("s3", role=role.rsplit("/", 1)[1])

    assert s3.get_object(Bucket=bucket, Key="uploads/a")["Body"].read() == b"a"
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object(Bucket=bucket, Key="uploads/a", Body=b"b")
    assert decisions(bench, role) == [
        Decision(role.rsplit("/", 1)[1], "s3:GetObject", f"arn:aws:s3:::{bucket}/uploads/a", allowed=True),
        Decision(role.rsplit("/", 1)[1], "s3:PutObject", f"arn:aws:s3:::{bucket}/uploads/a", allowed=False),
    ]


def test_a_client_for_a_role_that_does_not_exist_is_refused(cloud: Emulator) -> None:
    with pytest.raises(EmulatorError, match="the role 'absent' does not exist"):
        cloud.client("s3", role="absent")


def test_reading_a_version_needs_getobjectversion(bench: Workbench) -> None:
    bucket, s3 = bench.name("bucket"), bench.cloud.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket=bucket, Key="a", Body=b"a")["VersionId"]
    code = f"""
        import boto3
        def handler(event, context):
            return boto3.client("s3").get_object(Bucket="{bucket}", Key="a", VersionId="{version}")["ContentLength"]
        """
    function = bench.function(code, permissions=(("s3:GetObjectVersion", f"arn:aws:s3:::{bucket}/*"),))
    assert json.loads(bench.run(bench.calling(function))["output"]) == 1
    ignorant = bench.function(code, permissions=(("s3:GetObject", f"arn:aws:s3:::{bucket}/*"),))
    assert "AccessDenied" in bench.run(bench.calling(ignorant))["cause"]


def test_every_call_of_a_workflow_is_authorized_for_its_role_and_resource(bench: Workbench) -> None:
    queue, function = bench.queue(), bench.function("def handler(event, context): return event")
    states = {"Call": call_function(function, next_state="Send"), "Send": send_to(queue)}
    workflow = bench.workflow(states, ("lambda:InvokeFunction", function), ("sqs:SendMessage", queue.arn))
    assert bench.run(workflow)["status"] == "SUCCEEDED"
    role = workflow_role(bench, workflow)
    assert [(each.action, each.resource, each.allowed) for each in decisions(bench, role)] == [
        ("lambda:InvokeFunction", function, True),
        ("sqs:SendMessage", queue.arn, True),
    ]


@pytest.mark.parametrize(
    ("integration", "arguments", "action", "resource", "error"),
    [
        (
            "lambda:invoke",
            {"FunctionName": "arn:aws:lambda:us-east-1:000000000000:function:f:live"},
            "lambda:InvokeFunction",
            "arn:aws:lambda:us-east-1:000000000000:function:f:live",
            "Lambda.AWSLambdaException",
        ),
        *(
            (
                f"dynamodb:{operation}",
                {"TableName": "jobs", "Key": {}},
                f"dynamodb:{operation[0].upper()}{operation[1:]}",
                "arn:aws:dynamodb:us-east-1:000000000000:table/jobs",
                "DynamoDB.AmazonDynamoDBException",
            )
            for operation in ("getItem", "putItem", "updateItem")
        ),
        (
            "sqs:sendMessage",
            {"QueueUrl": "https://sqs.us-east-1.amazonaws.com/000000000000/validate-dlq", "MessageBody": "x"},
            "sqs:SendMessage",
            "arn:aws:sqs:us-east-1:000000000000:validate-dlq",
            "SQS.AmazonSQSException",
        ),
        (
            "sns:publish",
            {"TopicArn": "arn:aws:sns:us-east-1:000000000000:results", "Message": "x"},
            "sns:Publish",
            "arn:aws:sns:us-east-1:000000000000:results",
            "SNS.AuthorizationErrorException",
        ),
        (
            "aws-sdk:s3:headObject",
            {"Bucket": "uploads", "Key": "a/b.jpg"},
            "s3:GetObject",
            "arn:aws:s3:::uploads/a/b.jpg",
            "S3.S3Exception",
        ),
    ],
)
def test_a_denied_call_of_a_workflow_fails_with_the_integrations_error(  # noqa: PLR0917
    bench: Workbench, integration: str, arguments: Any, action: str, resource: str, error: str
) -> None:
    workflow = bench.workflow({"Task": task(integration, arguments)})
    execution = bench.run(workflow)
    assert (execution["status"], execution["error"]) == ("FAILED", error)
    assert f"not authorized to perform: {action} on resource: {resource}" in execution["cause"]
    (decision,) = decisions(bench, workflow_role(bench, workflow))
    assert (decision.action, decision.resource, decision.allowed) == (action, resource, False)


def test_a_workflow_needs_permission_for_the_alias_that_it_invokes(bench: Workbench) -> None:
    function = bench.function("def handler(event, context): return 1")
    unqualified = function.rsplit(":", 1)[0]
    workflow = bench.workflow({"Call": call_function(function)}, ("lambda:InvokeFunction", unqualified))
    assert bench.run(workflow)["error"] == "Lambda.AWSLambdaException"


@pytest.mark.parametrize("pinned_to", ["another service", "another resource"])
def test_a_service_cannot_assume_a_role_of_another_service(bench: Workbench, pinned_to: str) -> None:
    def role_for(service: str, *allowed: tuple[str, str]) -> str:
        if pinned_to == "another service":
            return bench.role("ec2", *allowed)
        return bench.role(service, *allowed, source_arn=f"arn:aws:{service}:us-east-1:000000000000:another")

    function = bench.function("def handler(event, context): return 1", Role=role_for("lambda"))
    answer = bench.cloud.client("lambda").invoke(FunctionName=function)
    assert "lambda.amazonaws.com cannot assume the role" in answer["Payload"].read().decode()

    queue = bench.queue()
    workflow = bench.workflow({"Send": send_to(queue)}, role_arn=role_for("states", ("sqs:SendMessage", queue.arn)))
    assert "states.amazonaws.com cannot assume the role" in bench.run(workflow)["cause"]

    name = bench.pipe(queue, workflow, role_for("pipes", ("sqs:*", "*"), ("states:*", "*")))
    queue.send("stays")
    message = f"pipe {name} cannot inspect its source: pipes.amazonaws.com cannot assume the role"
    eventually(lambda: message in bench.cloud.log_tail(1000))
    assert queue.depth() == (1, 0)
    bench.cloud.client("pipes").delete_pipe(Name=name)


def test_a_function_logs_only_with_permission(bench: Workbench) -> None:
    role = bench.role("lambda", ("logs:PutLogEvents", "*"))
    function = bench.function("def handler(event, context): print('heard')", Role=role)
    name = function.split(":")[6]
    groups = {"logGroupNamePrefix": f"/aws/lambda/{name}"}
    invoke, logs = bench.cloud.client("lambda").invoke, bench.cloud.client("logs")
    assert "FunctionError" not in invoke(FunctionName=function)
    assert logs.describe_log_groups(**groups)["logGroups"] == []
    (denied,) = decisions(bench, role)
    assert (denied.action, denied.allowed) == ("logs:CreateLogStream", False)
    assert denied.resource.startswith(f"arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/{name}:log-stream:")

    bench.permit(role, *LOGGING)
    invoke(FunctionName=function)
    messages = [event["message"] for event in logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]]
    assert messages.count("heard") == 1


def test_an_integration_whose_permission_cannot_be_checked_is_refused(bench: Workbench) -> None:
    workflow = bench.workflow({"Task": task("aws-sdk:s3:listBuckets", {})}, ("s3:ListAllMyBuckets", "*"))
    execution = bench.run(workflow)
    assert execution["error"] == "States.Runtime"
    assert "cannot check" in execution["cause"]


def test_a_policy_that_allows_only_tls_allows_calls_on_the_loopback_interface(bench: Workbench) -> None:
    bucket, queue = bench.name("bucket"), bench.queue()
    bench.cloud.client("s3").create_bucket(Bucket=bucket)
    deny = {"Effect": "Deny", "Principal": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    for_bucket = deny | {"Action": "s3:*", "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]}
    for_queue = deny | {"Action": "sqs:*", "Resource": queue.arn}
    document = {"Version": "2012-10-17", "Statement": [for_bucket]}
    bench.cloud.client("s3").put_bucket_policy(Bucket=bucket, Policy=json.dumps(document))
    document = json.dumps({"Version": "2012-10-17", "Statement": [for_queue]})
    bench.cloud.client("sqs").set_queue_attributes(QueueUrl=queue.url, Attributes={"Policy": document})

    role = bench.role("lambda", ("s3:PutObject", f"arn:aws:s3:::{bucket}/*"))
    bench.cloud.client("s3", role=role.rsplit("/", 1)[1]).put_object(Bucket=bucket, Key="a", Body=b"")
    workflow = bench.workflow({"Send": send_to(queue)}, ("sqs:SendMessage", queue.arn))
    assert bench.run(workflow)["status"] == "SUCCEEDED"


def test_a_queue_policy_is_evaluated_for_the_workflow_and_not_its_caller(bench: Workbench) -> None:
    queue = bench.queue()
    workflow = bench.workflow({"Send": send_to(queue)}, ("sqs:SendMessage", queue.arn))
    starter = bench.role("pipes", ("states:StartSyncExecution", workflow))
    states = bench.cloud.client("stepfunctions", role=starter.rsplit("/", 1)[1])

    def outcome_when_denied(role_arn: str) -> str:
        deny = {"Effect": "Deny", "Principal": {"AWS": role_arn}, "Action": "sqs:SendMessage", "Resource": queue.arn}
        document = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
        bench.cloud.client("sqs").set_queue_attributes(QueueUrl=queue.url, Attributes={"Policy": document})
        return states.start_sync_execution(stateMachineArn=workflow)["status"]

    assert outcome_when_denied(workflow_role(bench, workflow)) == "FAILED"
    assert outcome_when_denied(starter) == "SUCCEEDED"
