"""Permissions of roles, trust policies and resource policies, beyond the rules of the policy pack."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from policies.recording import ACCOUNT_ID, Recording, Resource, run
from tests.infra.conftest import state_machine

FUNCTIONS = ("validate", "erase", "thumbnail", "watermark", "metadata", "table")
# A network interface gets a random id when Lambda creates it.
NETWORK_INTERFACES = re.compile(r"arn:aws:ec2:[^:]+:\d+:network-interface/\*")
# DescribeAlarms is checked against every alarm ("CloudWatch permissions reference").
ALARMS = re.compile(rf"arn:aws:cloudwatch:eu-west-1:{ACCOUNT_ID}:alarm:\*")
# GuardDuty chooses the end of its own rule's name.
GUARDDUTYS_RULE = re.compile(r"arn:aws:events:[^:]+:\d+:rule/DO-NOT-DELETE-AmazonGuardDutyMalwareProtectionS3\*")
SUBNETS = re.compile(r"arn:aws:ec2:[^:]+:\d+:subnet/subnet-0a[12]")
SECURITY_GROUPS = re.compile(r"arn:aws:ec2:[^:]+:\d+:security-group/sg-[0-9a-f]{17}")


def role_policies(recording: Recording) -> Iterator[tuple[Resource, dict[str, Any]]]:
    for policy in recording.of_type("RolePolicy"):
        yield policy, json.loads(policy.inputs["policy"])


def grants(recording: Recording) -> Iterator[tuple[str, str, str]]:
    """(role, action, resource) of every permission."""
    for policy, document in role_policies(recording):
        for statement in document["Statement"]:
            if statement["Effect"] == "Allow":
                for action in statement["Action"]:
                    for resource in statement["Resource"]:
                        yield policy.inputs["role"], action, resource


def granted_to(recording: Recording, role: str) -> set[tuple[str, str]]:
    name = f"img-pipeline-{recording.stack}-{role}"
    return {(action, resource) for holder, action, resource in grants(recording) if holder == name}


def test_every_permission_names_a_resource_of_this_stack(recording: Recording) -> None:
    ours = {resource.arn for resource in recording.cloud_resources if resource.arn}
    for role, action, resource in grants(recording):
        if resource == "*" or NETWORK_INTERFACES.fullmatch(resource):
            continue
        if any(allowed.fullmatch(resource) for allowed in (SUBNETS, SECURITY_GROUPS, GUARDDUTYS_RULE, ALARMS)):
            continue
        exact = resource.split("/")[0] if resource.startswith("arn:aws:s3:::") else resource.removesuffix(":*")
        exact = exact.partition("/index/")[0]
        assert exact in ours, f"{role}: {action} {resource}"


def test_every_role_has_one_policy(recording: Recording) -> None:
    roles = sorted(role.inputs["name"] for role in recording.of_type("Role"))
    assert sorted(policy.inputs.get("role", "nobody") for policy in recording.of_type("RolePolicy")) == roles
    assert recording.of_type("RolePolicyAttachment") == []


def test_every_role_is_used_by_a_resource_of_this_stack(recording: Recording) -> None:
    users = ("aws:lambda/function:Function", "StateMachine", "Pipe", "MalwareProtectionPlan")
    used = {
        resource.inputs.get("role") or resource.inputs.get("roleArn")
        for user in users
        for resource in recording.of_type(user)
        if resource.custom
    }
    assert used == {role.arn for role in recording.of_type("Role")}


def unexplained(recording: Recording) -> list[str]:
    """Statements that allow something without a reason."""
    reasons = {
        (outputs["role_name"], sid): why
        for outputs in recording.component_outputs.values()
        for sid, why in outputs.get("why", {}).items()
    }
    return [
        f"{policy}: {statement['Sid']}"
        for policy, document in role_policies(recording)
        for statement in document["Statement"]
        if statement["Effect"] == "Allow" and not reasons.get((policy.inputs["role"], statement["Sid"]))
    ]


def test_every_permission_has_a_reason(recording: Recording) -> None:
    """docs/security.md shows it."""
    assert unexplained(recording) == []


def test_services_assume_roles_for_this_account_only(recording: Recording) -> None:
    for role in recording.of_type("Role"):
        (statement,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
        # AWS documents no condition for the role that scans for malware: it holds where GuardDuty names the account.
        operator = "StringEqualsIfExists" if role.inputs["name"].endswith("-malware-scan") else "StringEquals"
        assert statement["Condition"][operator] == {"aws:SourceAccount": ACCOUNT_ID}, role


@pytest.mark.parametrize(
    ("role", "user", "name"),
    [
        ("workflow", "aws:sfn/stateMachine:StateMachine", "state-machine"),
        ("order-workflow", "aws:sfn/stateMachine:StateMachine", "order-state-machine"),
        ("pipe", "Pipe", "pipe"),
    ],
)
def test_workflow_and_pipe_roles_are_assumed_by_that_state_machine_and_pipe_only(
    recording: Recording, role: str, user: str, name: str
) -> None:
    trusted = recording.one("Role", name=f"img-pipeline-{recording.stack}-{role}")
    (statement,) = json.loads(trusted.inputs["assumeRolePolicy"])["Statement"]
    taker = recording.one(user, name=f"img-pipeline-{recording.stack}-{name}")
    assert statement["Condition"]["ArnLike"] == {"aws:SourceArn": taker.arn}


def test_no_document_contains_null(recording: Recording) -> None:
    def holds_null(value: Any) -> bool:
        if isinstance(value, dict):
            return any(map(holds_null, value.values()))
        return any(map(holds_null, value)) if isinstance(value, list) else value is None

    checked = set()
    for resource in recording.cloud_resources:
        for key, value in resource.inputs.items():
            if isinstance(value, str) and value.startswith(("{", "[")) and key != "pattern":
                assert not holds_null(json.loads(value)), f"{resource}: {key}"
                checked.add(key)
    policies = {"policy", "assumeRolePolicy", "redrivePolicy", "redriveAllowPolicy"}
    dashboard = {"dashboardBody"} if recording.outputs["dashboardUrl"] else set[str]()
    assert checked >= {*policies, "eventPattern", "definition", *dashboard}


def test_transforms_read_uploads_and_write_renditions_and_nothing_else(dev: Recording) -> None:
    uploads = f"arn:aws:s3:::img-pipeline-dev-ingest-{ACCOUNT_ID}/uploads/*"
    renditions = f"arn:aws:s3:::img-pipeline-dev-processed-{ACCOUNT_ID}/processed/uploads/*"
    for role, expected in {
        "validate": {
            ("s3:GetObjectVersion", uploads),
            ("dynamodb:GetItem", dev.one("Table", name="img-pipeline-dev-denylist").arn),
        },
        "thumbnail": {("s3:GetObjectVersion", uploads), ("s3:PutObject", renditions)},
        "watermark": {("s3:GetObjectVersion", uploads), ("s3:PutObject", renditions)},
        "metadata": {("s3:GetObjectVersion", uploads)},
        "table": {("s3:GetObjectVersion", uploads), ("s3:PutObject", renditions)},
    }.items():
        data = {grant for grant in granted_to(dev, role) if not grant[0].startswith(("logs:", "xray:"))}
        assert data == expected, role


def test_the_pipe_receives_from_one_queue_and_starts_one_workflow(dev: Recording) -> None:
    queue = dev.one("aws:sqs/queue:Queue", name="img-pipeline-dev-transform-queue").arn
    machine = state_machine(dev).arn
    logs = dev.one("LogGroup", name="/aws/vendedlogs/pipes/img-pipeline-dev-pipe").arn
    assert granted_to(dev, "pipe") == {
        ("sqs:ReceiveMessage", queue),
        ("sqs:DeleteMessage", queue),
        ("sqs:GetQueueAttributes", queue),
        ("states:StartSyncExecution", machine),
        ("logs:CreateLogStream", f"{logs}:*"),
        ("logs:PutLogEvents", f"{logs}:*"),
    }


def watermark_settings(**settings: object) -> dict[str, object]:
    return {"transforms": {"watermark": {"settings": settings}}}


@pytest.mark.parametrize("text", ["", "© 写真"])
def test_only_the_watermark_and_orders_read_the_logo_and_only_the_logo(tmp_path: Path, text: str) -> None:
    """A text that the function cannot draw is stored as a picture, like a logo."""
    logo = tmp_path / "logo.png"
    logo.write_bytes(b"any bytes")
    recording = run("dev", watermark_settings(**({"text": text} if text else {"logoPath": str(logo)})))
    stored = recording.one("BucketObject", bucket=recording.outputs["processedBucket"]).inputs
    readers = {
        (role, resource)
        for role, action, resource in grants(recording)
        if action == "s3:GetObject" and "/processed/uploads/" not in resource
    }
    logo_arn = f"arn:aws:s3:::{stored['bucket']}/{stored['key']}"
    assert readers == {(f"img-pipeline-dev-{role}", logo_arn) for role in ("watermark", "fulfil")}
    function = recording.one("aws:lambda/function:Function", name="img-pipeline-dev-watermark")
    given = json.loads(function.inputs["environment"]["variables"]["SETTINGS"])
    assert given["text" if text else "logoPath"] == {"key": stored["key"]}


def test_no_role_writes_traces_if_tracing_is_off() -> None:
    recording = run("dev", {"tracing": False, "backfill": {"enabled": True}})
    assert not any(action.startswith("xray:") for _, action, _ in grants(recording))
    for machine in recording.of_type("aws:sfn/stateMachine:StateMachine"):
        assert machine.inputs["tracingConfiguration"] == {"enabled": False}


def test_an_existing_key_is_used_and_none_is_created() -> None:
    arn = f"arn:aws:kms:eu-west-1:{ACCOUNT_ID}:key/0a1b2c3d-0000-4000-8000-0123456789ab"
    recording = run("dev", {"encryption": "kms", "kmsKeyArn": arn})
    assert recording.of_type("aws:kms/key:Key") == []
    assert {resource for _, action, resource in grants(recording) if action.startswith("kms:")} == {arn}


def test_the_workflow_calls_functions_by_their_alias(recording: Recording) -> None:
    invoked = {resource for action, resource in granted_to(recording, "workflow") if action == "lambda:InvokeFunction"}
    called = {f"img-pipeline-{recording.stack}-{name}" for name in FUNCTIONS}
    aliases = recording.of_type("aws:lambda/alias:Alias")
    assert invoked == {alias.arn for alias in aliases if alias.inputs["functionName"] in called}
    assert all(arn.endswith(":live") for arn in invoked)


def test_the_workflow_may_use_these_resources_and_no_others(dev: Recording) -> None:
    """A grant that is widened, by an action or by a resource, is a difference here."""
    assets, jobs = (dev.one("Table", name=f"img-pipeline-dev-{table}").arn for table in ("assets", "jobs"))
    functions = f"arn:aws:lambda:eu-west-1:{ACCOUNT_ID}:function:img-pipeline-dev"
    log_delivery = ("CreateLogDelivery", "GetLogDelivery", "UpdateLogDelivery", "DeleteLogDelivery")
    log_listing = ("ListLogDeliveries", "PutResourcePolicy", "DescribeResourcePolicies", "DescribeLogGroups")
    traces = ("PutTraceSegments", "PutTelemetryRecords", "GetSamplingRules", "GetSamplingTargets")
    assert granted_to(dev, "workflow") == {
        *(("lambda:InvokeFunction", f"{functions}-{name}:live") for name in FUNCTIONS),
        ("dynamodb:GetItem", assets),
        ("dynamodb:PutItem", assets),
        ("dynamodb:UpdateItem", assets),
        ("dynamodb:GetItem", jobs),
        ("dynamodb:UpdateItem", jobs),
        ("s3:ListBucketVersions", f"arn:aws:s3:::img-pipeline-dev-ingest-{ACCOUNT_ID}"),
        ("sqs:SendMessage", dev.one("aws:sqs/queue:Queue", name="img-pipeline-dev-validate-dlq").arn),
        ("sns:Publish", dev.one("aws:sns/topic:Topic", name="img-pipeline-dev-results").arn),
        *((f"logs:{action}", "*") for action in (*log_delivery, *log_listing)),
        *((f"xray:{action}", "*") for action in traces),
    }


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_writes_its_own_log_and_traces_and_no_others(dev: Recording, function: str) -> None:
    log = f"arn:aws:logs:eu-west-1:{ACCOUNT_ID}:log-group:/aws/lambda/img-pipeline-dev-{function}:*"
    audit = f"arn:aws:logs:eu-west-1:{ACCOUNT_ID}:log-group:img-pipeline-dev-audit:*"
    logs = [log, audit] if function == "erase" else [log]
    assert {grant for grant in granted_to(dev, function) if grant[0].startswith(("logs:", "xray:"))} == {
        *((f"logs:{action}", written) for written in logs for action in ("CreateLogStream", "PutLogEvents")),
        ("xray:PutTraceSegments", "*"),
        ("xray:PutTelemetryRecords", "*"),
    }


def test_the_workflow_may_do_every_task_it_contains_and_no_more(recording: Recording) -> None:
    machine = state_machine(recording)
    actions = {
        "arn:aws:states:::lambda:invoke": "lambda:InvokeFunction",
        "arn:aws:states:::dynamodb:getItem": "dynamodb:GetItem",
        "arn:aws:states:::dynamodb:putItem": "dynamodb:PutItem",
        "arn:aws:states:::dynamodb:updateItem": "dynamodb:UpdateItem",
        "arn:aws:states:::sqs:sendMessage": "sqs:SendMessage",
        "arn:aws:states:::sns:publish": "sns:Publish",
        "arn:aws:states:::aws-sdk:s3:listObjectVersions": "s3:ListBucketVersions",
    }
    needed = {actions[task] for task in re.findall(r'"Resource": "([^"]+)"', machine.inputs["definition"])}
    granted = {action for action, _ in granted_to(recording, "workflow")}
    assert {action for action in granted if not action.startswith(("logs:", "xray:", "kms:"))} == needed


def test_the_key_is_used_through_services_only(full: Recording) -> None:
    statements = [
        statement
        for _, document in role_policies(full)
        for statement in document["Statement"]
        if any(action.startswith("kms:") for action in statement["Action"])
    ]
    assert len(statements) == len(full.of_type("Role"))
    for statement in statements:
        services = statement["Condition"]["StringEquals"]["kms:ViaService"]
        assert services
        assert all(service.endswith(".eu-west-1.amazonaws.com") for service in services)


def test_actions_that_lambda_checks_without_a_resource_are_allowed_on_all(full: Recording) -> None:
    """CreateFunction fails where these are allowed on network interfaces only."""
    checked = {
        "ec2:DeleteNetworkInterface",
        "ec2:AssignPrivateIpAddresses",
        "ec2:UnassignPrivateIpAddresses",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
    }
    for function in full.of_type("aws:lambda/function:Function"):
        allowed = {grant for grant in grants(full) if grant[0] == function.inputs["name"] and grant[1] in checked}
        assert allowed == {(function.inputs["name"], action, "*") for action in checked}


def test_function_code_cannot_use_its_permission_to_join_the_network(full: Recording) -> None:
    for function in full.of_type("aws:lambda/function:Function"):
        policy = full.one("RolePolicy", role=function.inputs["name"])
        statements = json.loads(policy.inputs["policy"])["Statement"]
        allowed = {
            action
            for statement in statements
            if statement["Effect"] == "Allow"
            for action in statement["Action"]
            if action.startswith("ec2:")
        }
        (denial,) = [statement for statement in statements if statement["Effect"] == "Deny"]
        assert allowed == set(denial["Action"])
        assert denial["Condition"] == {"ArnEquals": {"lambda:SourceFunctionArn": function.arn}}


RESOURCE_POLICIES = ["BucketPolicy", "QueuePolicy", "TopicPolicy"]


@pytest.mark.parametrize("policy_type", RESOURCE_POLICIES)
def test_resource_policies_allow_services_only_and_only_for_named_sources(
    recording: Recording, policy_type: str
) -> None:
    ours = {resource.arn for resource in recording.cloud_resources if resource.arn}
    for policy in recording.of_type(policy_type):
        for statement in json.loads(policy.inputs["policy"])["Statement"]:
            if statement["Effect"] == "Deny":
                continue
            assert set(statement["Principal"]) == {"Service"}, policy
            assert len(statement["Action"]) == 1
            (sources,) = [
                condition["aws:SourceArn"]
                for condition in statement["Condition"].values()
                if "aws:SourceArn" in condition
            ]
            alarms = f"arn:aws:cloudwatch:eu-west-1:{ACCOUNT_ID}:alarm:img-pipeline-{recording.stack}-*"
            # As "Creating an Amazon SNS topic for budget notifications" has it.
            budgets = f"arn:aws:budgets::{ACCOUNT_ID}:*"
            assert sources in ours | {alarms, budgets}, policy


def test_the_rule_may_send_to_the_queue_and_to_its_dead_letter_queues(recording: Recording) -> None:
    rule = recording.one("EventRule", name=f"img-pipeline-{recording.stack}-object-created")
    senders = {}
    for policy in recording.of_type("QueuePolicy"):
        for statement in json.loads(policy.inputs["policy"])["Statement"]:
            if statement.get("Condition", {}).get("ArnEquals", {}).get("aws:SourceArn") == rule.arn:
                senders[policy.inputs["queueUrl"].rsplit("/")[-1]] = statement["Action"]
    prefix = f"img-pipeline-{recording.stack}-"
    assert senders == {
        f"{prefix}transform-queue": ["sqs:SendMessage"],
        f"{prefix}delivery-dlq": ["sqs:SendMessage"],
    }
