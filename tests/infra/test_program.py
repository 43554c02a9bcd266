"""The program as a whole: its outputs, its names and its shape."""

from policies.recording import ACCOUNT_ID, Recording, run
from tests.infra.conftest import function_names


def test_outputs_name_everything_that_an_operator_types(recording: Recording) -> None:
    prefix = f"img-pipeline-{recording.stack}-"
    queues = f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT_ID}/{prefix}"
    outputs = recording.outputs
    assert outputs["ingestBucket"] == f"{prefix}ingest-{ACCOUNT_ID}"
    assert outputs["processedBucket"] == f"{prefix}processed-{ACCOUNT_ID}"
    assert outputs["transformQueueUrl"] == f"{queues}transform-queue"
    assert outputs["transformDlqUrl"] == f"{queues}transform-dlq"
    assert outputs["validateDlqUrl"] == f"{queues}validate-dlq"
    assert outputs["deliveryDlqUrl"] == f"{queues}delivery-dlq"
    assert outputs["pipeName"] == f"{prefix}pipe"
    assert outputs["stateMachineArn"].endswith(f":stateMachine:{prefix}state-machine")
    assert outputs["assetsTable"] == f"{prefix}assets"
    assert outputs["jobsTable"] == f"{prefix}jobs"
    assert outputs["denylistTable"] == f"{prefix}denylist"
    assert outputs["resultsTopicArn"].endswith(f":{prefix}results")
    assert outputs["alertTopicArn"].endswith(f":{prefix}alerts")
    functions = function_names(recording)
    assert outputs["functionNames"] == {name: f"{prefix}{name}" for name in functions}
    assert set(outputs["roleArns"]) == {*functions, "workflow", "order-workflow", "pipe"}
    assert set(outputs["logGroups"]) == {*functions, "workflow", "order-workflow", "pipe", "audit", "api-access"}


def test_names_in_outputs_are_names_of_resources(recording: Recording) -> None:
    logs = {group.inputs["name"] for group in recording.of_type("LogGroup")}
    assert set(recording.outputs["logGroups"].values()) == logs
    assert set(recording.outputs["roleArns"].values()) == {role.arn for role in recording.of_type("Role")}
    alarms = {alarm.inputs["name"] for alarm in recording.of_type("MetricAlarm")}
    assert set(recording.outputs["alarmNames"]) == alarms
    paging = [alarm.inputs["alarmName"] for alarm in recording.of_type("CompositeAlarm")]
    assert [recording.outputs["pagingAlarmName"] or None] == (paging or [None])


def test_outputs_name_each_subscribers_queues(full: Recording) -> None:
    queues = f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT_ID}/img-pipeline-prod-results-"
    assert full.outputs["resultsQueueUrls"] == {name: f"{queues}{name}" for name in ("catalogue", "audit")}
    assert full.outputs["resultsDlqUrls"] == {name: f"{queues}{name}-dlq" for name in ("catalogue", "audit")}


def test_everything_belongs_to_a_layer(recording: Recording) -> None:
    components = {resource.urn for resource in recording.resources if not resource.custom}
    for resource in recording.cloud_resources:
        assert resource.parent in components, resource
    layers = {resource.type for resource in recording.resources if resource.parent not in components}
    optional = {f"img-pipeline:index:{layer}" for layer in ("Encryption", "Network", "Webhooks")}
    required = ("Ingest", "Persist", "Transform", "Api", "Console", "Orders", "WorkflowPipe", "Alerting", "Audit")
    assert layers - optional == {f"img-pipeline:index:{layer}" for layer in required}


def test_every_physical_name_contains_the_stacks_name(recording: Recording) -> None:
    # Each is a part of something that carries it.
    unnamed = {
        "aws:lambda/alias:Alias",
        "aws:iam/rolePolicy:RolePolicy",
        "aws:apigatewayv2/authorizer:Authorizer",
        "aws:apigatewayv2/stage:Stage",
        "aws:cloudwatch/logMetricFilter:LogMetricFilter",
        "aws:cognito/resourceServer:ResourceServer",
        "aws:cognito/userGroup:UserGroup",
    }
    for resource in recording.cloud_resources:
        name = resource.inputs.get("name") or resource.inputs.get("bucket")
        if name and resource.type not in unnamed:
            assert f"img-pipeline-{recording.stack}-" in name, resource


def test_a_name_in_the_settings_is_used_unchanged() -> None:
    recording = run("dev", {"ingestBucketName": "media-uploads", "denylistTableName": "shared-denylist"})
    assert recording.outputs["ingestBucket"] == "media-uploads"
    assert recording.outputs["denylistTable"] == "shared-denylist"


def test_bucket_notifications_are_created_after_the_rules_target(recording: Recording) -> None:
    order = [resource.urn for resource in recording.resources]
    (notification,) = recording.of_type("BucketNotification")
    for kind in ("EventTarget", "QueuePolicy"):
        for earlier in recording.of_type(kind):
            if "transform" in earlier.name or "delivery" in earlier.name:
                assert order.index(earlier.urn) < order.index(notification.urn), earlier


def test_role_policies_are_created_before_the_resources_that_use_them(recording: Recording) -> None:
    """Lambda, Step Functions and Pipes validate their role when they are created."""
    by_role = {policy.inputs["role"]: policy.urn for policy in recording.of_type("RolePolicy")}
    for kind in ("aws:lambda/function:Function", "aws:sfn/stateMachine:StateMachine", "Pipe"):
        for user in recording.of_type(kind):
            role = (user.inputs.get("role") or user.inputs["roleArn"]).rsplit("/")[-1]
            if user.custom:
                assert by_role[role] in user.dependencies, user
