"""The project's own program is deployed, and its resources have the important properties."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from contract.api import ORDER_ROUTES, ROUTES
from localcloud.deployer import deploy
from localcloud.emulator import Emulator

PREFIX = "img-pipeline-local"
LAYER = f"{PREFIX}-images-dependencies"
SETTINGS = {"maxReceiveCount": 4, "logRetentionDays": 3, "validate": {"reservedConcurrency": 3}}


@dataclass(frozen=True)
class Deployed:
    """The cloud after `deploy`, the stack's outputs, and the number of registered resources by type."""

    cloud: Emulator
    outputs: dict[str, Any]
    registered: Counter[str]

    def client(self, service: str) -> Any:
        return self.cloud.client(service)

    def queue(self, output: str) -> dict[str, str]:
        """Return the attributes of the queue with the URL in an output."""
        return self.client("sqs").get_queue_attributes(QueueUrl=self.outputs[output], AttributeNames=["All"])[
            "Attributes"
        ]


@pytest.fixture(scope="module")
def deployed() -> Iterator[Deployed]:
    with Emulator.start() as cloud:
        registered: Counter[str] = Counter()
        outputs = deploy(cloud, config=SETTINGS, progress=lambda kind, _name: registered.update([kind]))
        yield Deployed(cloud, outputs, registered)


def test_every_registered_resource_exists(deployed: Deployed) -> None:
    client = deployed.client
    alarms = client("cloudwatch").describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"], MaxRecords=100)
    found = {
        "aws:s3/bucket:Bucket": client("s3").list_buckets()["Buckets"],
        "aws:sqs/queue:Queue": client("sqs").list_queues()["QueueUrls"],
        "aws:iam/role:Role": client("iam").list_roles()["Roles"],
        "aws:lambda/function:Function": client("lambda").list_functions()["Functions"],
        "aws:lambda/layerVersion:LayerVersion": client("lambda").list_layers()["Layers"],
        "aws:dynamodb/table:Table": client("dynamodb").list_tables()["TableNames"],
        "aws:sns/topic:Topic": client("sns").list_topics()["Topics"],
        "aws:sns/topicSubscription:TopicSubscription": client("sns").list_subscriptions()["Subscriptions"],
        "aws:cloudwatch/eventRule:EventRule": client("events").list_rules()["Rules"],
        "aws:pipes/pipe:Pipe": client("pipes").list_pipes()["Pipes"],
        "aws:sfn/stateMachine:StateMachine": client("stepfunctions").list_state_machines()["stateMachines"],
        "aws:cloudwatch/logGroup:LogGroup": client("logs").describe_log_groups()["logGroups"],
        "aws:cloudwatch/metricAlarm:MetricAlarm": alarms["MetricAlarms"],
        "aws:cloudwatch/compositeAlarm:CompositeAlarm": alarms["CompositeAlarms"],
        "aws:cloudwatch/dashboard:Dashboard": client("cloudwatch").list_dashboards()["DashboardEntries"],
    }
    assert {kind: len(things) for kind, things in found.items()} == {kind: deployed.registered[kind] for kind in found}
    assert all(found.values())


def test_the_ingest_bucket_is_versioned_private_encrypted_and_sends_events(deployed: Deployed) -> None:
    s3, bucket = deployed.client("s3"), deployed.outputs["ingestBucket"]

    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
    rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert "EventBridgeConfiguration" in s3.get_bucket_notification_configuration(Bucket=bucket)
    ownership = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
    assert ownership == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert "aws:SecureTransport" in s3.get_bucket_policy(Bucket=bucket)["Policy"]
    lifecycle = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert any("AbortIncompleteMultipartUpload" in rule for rule in lifecycle)


def test_the_queue_has_a_dead_letter_queue(deployed: Deployed) -> None:
    queue, dead_letters = deployed.queue("transformQueueUrl"), deployed.queue("transformDlqUrl")

    assert json.loads(queue["RedrivePolicy"]) == {"deadLetterTargetArn": dead_letters["QueueArn"], "maxReceiveCount": 4}
    assert json.loads(dead_letters["RedriveAllowPolicy"])["sourceQueueArns"] == [queue["QueueArn"]]
    assert dead_letters["MessageRetentionPeriod"] == str(14 * 24 * 3600)
    assert int(queue["VisibilityTimeout"]) > 0
    assert "events.amazonaws.com" in queue["Policy"]


def test_the_rule_sends_uploads_to_the_queue(deployed: Deployed) -> None:
    events = deployed.client("events")
    rule = events.describe_rule(Name=f"{PREFIX}-object-created")
    (target,) = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]

    assert rule["State"] == "ENABLED"
    assert json.loads(rule["EventPattern"])["detail"]["object"]["key"] == [{"prefix": "uploads/"}]
    assert target["Arn"] == deployed.queue("transformQueueUrl")["QueueArn"]
    assert target["DeadLetterConfig"]["Arn"] == deployed.queue("deliveryDlqUrl")["QueueArn"]
    assert target["RetryPolicy"]["MaximumRetryAttempts"] > 0


def test_the_pipe_starts_one_synchronous_execution_per_message(deployed: Deployed) -> None:
    pipe = deployed.client("pipes").describe_pipe(Name=deployed.outputs["pipeName"])

    assert pipe["CurrentState"] == "RUNNING"
    assert pipe["Source"] == deployed.queue("transformQueueUrl")["QueueArn"]
    assert pipe["Target"] == deployed.outputs["stateMachineArn"]
    assert pipe["RoleArn"] == deployed.outputs["roleArns"]["pipe"]
    assert pipe["SourceParameters"]["SqsQueueParameters"]["BatchSize"] == 1
    invocation = pipe["TargetParameters"]["StepFunctionStateMachineParameters"]["InvocationType"]
    assert invocation == "REQUEST_RESPONSE"
    assert "<$.body>" in pipe["TargetParameters"]["InputTemplate"]


def test_the_workflow_is_express_with_its_role_and_logs(deployed: Deployed) -> None:
    machine = deployed.client("stepfunctions").describe_state_machine(
        stateMachineArn=deployed.outputs["stateMachineArn"]
    )

    assert machine["type"] == "EXPRESS"
    assert machine["roleArn"] == deployed.outputs["roleArns"]["workflow"]
    assert json.loads(machine["definition"])["QueryLanguage"] == "JSONata"
    assert machine["loggingConfiguration"]["level"] == "ALL"
    destination = machine["loggingConfiguration"]["destinations"][0]["cloudWatchLogsLogGroup"]["logGroupArn"]
    assert deployed.outputs["logGroups"]["workflow"] in destination


def test_each_function_has_its_own_role_layer_settings_and_limits(deployed: Deployed) -> None:
    functions = deployed.client("lambda")
    images = {"validate", "thumbnail", "watermark", "metadata", "fulfil"}
    layers = dict.fromkeys(images, "images") | {"erase": "base", "failed_order": "base", "table": "table"}
    layers |= dict.fromkeys(("api", "operator", "replay"), "api")
    assert set(deployed.outputs["functionNames"]) == set(layers)
    limit = functions.get_function_concurrency(FunctionName=deployed.outputs["functionNames"]["validate"])
    assert limit["ReservedConcurrentExecutions"] == 3
    for short_name, name in deployed.outputs["functionNames"].items():
        configuration = functions.get_function_configuration(FunctionName=name)

        assert configuration["Role"] == deployed.outputs["roleArns"][short_name]
        assert configuration["Handler"] == f"functions.{short_name}.handler.handler"
        layer_name = f"img-pipeline-local-{layers[short_name]}-dependencies"
        assert [layer["Arn"].split(":")[6] for layer in configuration["Layers"]] == [layer_name]
        assert configuration["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] == short_name
        assert configuration["TracingConfig"]["Mode"] == "Active"
        assert configuration["LoggingConfig"]["LogGroup"] == deployed.outputs["logGroups"][short_name]
        assert functions.get_alias(FunctionName=name, Name="live")["FunctionVersion"] == "1"
        retries = functions.get_function_event_invoke_config(FunctionName=name, Qualifier="live")
        assert retries["MaximumRetryAttempts"] == 0


def test_jobs_expire_and_are_found_by_file(deployed: Deployed) -> None:
    dynamodb, table = deployed.client("dynamodb"), deployed.outputs["jobsTable"]
    jobs = dynamodb.describe_table(TableName=table)["Table"]

    time_to_live = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    assert time_to_live == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expiresAt"}
    keys = {index["IndexName"]: index["KeySchema"] for index in jobs["GlobalSecondaryIndexes"]}
    assert [key["AttributeName"] for key in keys["fileKey-index"]] == ["fileKey", "createdAt"]
    backups = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    assert jobs["SSEDescription"]["Status"] == "ENABLED"
    assert jobs["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"


def test_the_results_topic_has_its_subscription(deployed: Deployed) -> None:
    sns = deployed.client("sns")
    topic_arn = deployed.outputs["resultsTopicArn"]
    (subscription,) = sns.list_subscriptions_by_topic(TopicArn=topic_arn)["Subscriptions"]
    attributes = sns.get_subscription_attributes(SubscriptionArn=subscription["SubscriptionArn"])["Attributes"]

    assert subscription["Endpoint"].endswith(f"{PREFIX}-results-inspector")
    assert attributes["RawMessageDelivery"] == "true"
    assert json.loads(attributes["RedrivePolicy"])["deadLetterTargetArn"].endswith("results-inspector-dlq")
    assert sns.get_topic_attributes(TopicArn=topic_arn)["Attributes"]["KmsMasterKeyId"] == "alias/aws/sns"


def test_alarms_keep_their_dimensions_math_and_actions(deployed: Deployed) -> None:
    cloudwatch = deployed.client("cloudwatch")
    alarms = cloudwatch.describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"], MaxRecords=100)
    queries = {alarm["AlarmName"]: alarm["Metrics"] for alarm in alarms["MetricAlarms"]}

    (depth,) = queries[f"{PREFIX}-transform-dlq-depth"]
    assert depth["MetricStat"]["Metric"] == {
        "Namespace": "AWS/SQS",
        "MetricName": "ApproximateNumberOfMessagesVisible",
        "Dimensions": [{"Name": "QueueName", "Value": f"{PREFIX}-transform-dlq"}],
    }
    expressions = [query["Expression"] for query in queries[f"{PREFIX}-thumbnail-errors"] if "Expression" in query]
    assert len(expressions) == 1
    assert expressions[0].startswith("IF(")
    paging = next(a for a in alarms["CompositeAlarms"] if a["AlarmName"] == deployed.outputs["pagingAlarmName"])
    assert paging["AlarmActions"] == [deployed.outputs["alertTopicArn"]]
    assert "ALARM(" in paging["AlarmRule"]
    body = cloudwatch.get_dashboard(DashboardName=f"{PREFIX}-dashboard")["DashboardBody"]
    assert json.loads(body)["widgets"]


def test_roles_have_policies_and_logs_have_retention(deployed: Deployed) -> None:
    iam = deployed.client("iam")
    for arn in deployed.outputs["roleArns"].values():
        name = arn.rsplit("/", 1)[1]
        policies = [
            iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
        ]
        assert policies
        assert all(policy["Statement"] for policy in policies)
        assert iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]["Statement"]
    groups = deployed.client("logs").describe_log_groups(logGroupNamePrefix="/aws/")["logGroups"]
    assert {group["retentionInDays"] for group in groups} == {3}


def test_deploying_with_other_settings_updates_resources_and_keeps_items(deployed: Deployed) -> None:
    dynamodb = deployed.client("dynamodb")
    item = {"fileKey": {"S": "uploads/kept.jpg"}}
    dynamodb.put_item(TableName=deployed.outputs["assetsTable"], Item=item)
    versions = deployed.client("lambda").list_layer_versions(LayerName=LAYER)["LayerVersions"]

    outputs = deploy(deployed.cloud, config=SETTINGS | {"maxReceiveCount": 9, "functionLogLevel": "DEBUG"})

    assert outputs == deployed.outputs
    assert json.loads(deployed.queue("transformQueueUrl")["RedrivePolicy"])["maxReceiveCount"] == 9
    live = deployed.client("lambda").get_function_configuration(FunctionName=f"{PREFIX}-thumbnail", Qualifier="live")
    assert live["Environment"]["Variables"]["POWERTOOLS_LOG_LEVEL"] == "DEBUG"
    assert dynamodb.get_item(TableName=outputs["assetsTable"], Key=item)["Item"] == item
    unchanged = deployed.client("lambda").list_layer_versions(LayerName=LAYER)["LayerVersions"]
    assert unchanged == versions


def test_the_prod_stack_deploys_with_a_kms_key_and_a_vpc() -> None:
    with Emulator.start() as cloud:
        ec2 = cloud.client("ec2")
        vpc_id = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnet_id = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
        vpc = {"vpcId": vpc_id, "subnetIds": [subnet_id]}

        outputs = deploy(cloud, "prod", {"layerTarget": "host", "encryption": "kms", "vpc": vpc})

        prod = Deployed(cloud, outputs, Counter())
        key_arn = cloud.client("kms").describe_key(KeyId="alias/img-pipeline-prod-data")["KeyMetadata"]["Arn"]
        assert prod.queue("transformQueueUrl")["KmsMasterKeyId"] == key_arn
        jobs = cloud.client("dynamodb").describe_table(TableName=outputs["jobsTable"])["Table"]
        assert (jobs["DeletionProtectionEnabled"], jobs["SSEDescription"]["KMSMasterKeyArn"]) == (True, key_arn)
        functions = cloud.client("lambda")
        validate = outputs["functionNames"]["validate"]
        assert functions.get_function_configuration(FunctionName=validate)["VpcConfig"]["SubnetIds"] == [subnet_id]
        warm = functions.get_provisioned_concurrency_config(FunctionName=validate, Qualifier="live")
        assert warm["RequestedProvisionedConcurrentExecutions"] == 2


def test_the_api_has_a_route_for_each_operation_and_its_own_address(deployed: Deployed) -> None:
    apis = deployed.client("apigatewayv2")
    (api,) = [each for each in apis.get_apis()["Items"] if each["Name"] == "img-pipeline-local-api"]
    assert deployed.outputs["apiUrl"].endswith(f"/_aws/execute-api/{api['ApiId']}/api")
    routes = {route["RouteKey"] for route in apis.get_routes(ApiId=api["ApiId"])["Items"]}
    assert routes == {*ROUTES, *ORDER_ROUTES}
    stage = apis.get_stage(ApiId=api["ApiId"], StageName="api")
    assert deployed.outputs["logGroups"]["api-access"] in stage["AccessLogSettings"]["DestinationArn"]


def test_deploying_the_api_again_keeps_its_address(deployed: Deployed) -> None:
    again = deploy(deployed.cloud, "local", {"api": {"requestsPerSecond": 60}})
    assert again["apiUrl"] == deployed.outputs["apiUrl"]
    apis = deployed.client("apigatewayv2")
    stage = apis.get_stage(ApiId=again["apiUrl"].split("/")[-2], StageName="api")
    assert stage["DefaultRouteSettings"]["ThrottlingRateLimit"] == 60
