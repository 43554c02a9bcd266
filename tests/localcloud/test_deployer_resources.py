"""Resource types that the local stack does not use, and rarely used properties of others, read from the cloud."""

from __future__ import annotations

import io
import json
import subprocess
import urllib.request
import zipfile
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from localcloud.deployer import DeployError, deploy
from localcloud.emulator import Emulator

pytest_plugins = ["localcloud.pytest_fixture"]

TRUST = json.dumps(
    {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
)


def deploy_source(cloud: Emulator, folder: Path, source: str) -> dict[str, Any]:
    """Deploy a program with a `__main__.py` of the given source, which can use `pulumi`, `aws` and `export`."""
    (folder / "Pulumi.yaml").write_text("name: small\nruntime: python\n")
    (folder / "Pulumi.local.yaml").write_text("config: {}\n")
    (folder / "__main__.py").write_text(
        f"import pulumi\nimport pulumi_aws as aws\n\nexport, TRUST = pulumi.export, {TRUST!r}\n{dedent(source)}"
    )
    return deploy(cloud, directory=folder)


def test_objects_come_from_files_and_strings_with_their_tags(cloud: Emulator, tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(b"\x89PNG logo")
    deploy_source(
        cloud,
        tmp_path,
        f"""
        bucket = aws.s3.Bucket("b", bucket="small-objects")
        logo = pulumi.FileAsset({str(tmp_path / "logo.png")!r})
        tags = {{"Project": "img & pipeline"}}
        aws.s3.BucketObject(
            "logo", bucket=bucket.bucket, key="logo.png", source=logo, content_type="image/png", tags=tags
        )
        aws.s3.BucketObject("note", bucket=bucket.bucket, key="note.txt", content="grüezi", metadata={{"by": "us"}})
        aws.s3.BucketObject("page", bucket=bucket.bucket, key="page.html", source=pulumi.StringAsset("<p>"))
        """,
    )

    s3 = cloud.client("s3")
    logo = s3.get_object(Bucket="small-objects", Key="logo.png")
    assert (logo["Body"].read(), logo["ContentType"]) == (b"\x89PNG logo", "image/png")
    tags = s3.get_object_tagging(Bucket="small-objects", Key="logo.png")["TagSet"]
    assert tags == [{"Key": "Project", "Value": "img & pipeline"}]
    note = s3.get_object(Bucket="small-objects", Key="note.txt")
    assert (note["Body"].read().decode(), note["Metadata"]) == ("grüezi", {"by": "us"})
    assert s3.get_object(Bucket="small-objects", Key="page.html")["Body"].read() == b"<p>"


def test_a_lifecycle_keeps_its_filters_and_transitions(cloud: Emulator, tmp_path: Path) -> None:
    deploy_source(
        cloud,
        tmp_path,
        """
        bucket = aws.s3.Bucket("b", bucket="small-lifecycle")
        aws.s3.BucketLifecycleConfiguration("l", bucket=bucket.bucket, rules=[
            {"id": "all", "status": "Enabled", "expiration": {"days": 30}, "filter": {}},
            {
                "id": "big",
                "status": "Disabled",
                "filter": {"and": {"prefix": "raw/", "object_size_greater_than": 1024, "tags": {"keep": "no"}}},
                "transitions": [{"days": 7, "storage_class": "GLACIER"}],
                "noncurrent_version_expiration": {"noncurrent_days": 3},
            },
        ])
        """,
    )

    everything, big = cloud.client("s3").get_bucket_lifecycle_configuration(Bucket="small-lifecycle")["Rules"]
    assert (everything["Filter"], everything["Expiration"]) == ({"Prefix": ""}, {"Days": 30})
    assert big["Status"] == "Disabled"
    assert big["Filter"]["And"]["Prefix"] == "raw/"
    assert big["Filter"]["And"]["ObjectSizeGreaterThan"] == 1024
    assert big["Filter"]["And"]["Tags"] == [{"Key": "keep", "Value": "no"}]
    assert big["Transitions"] == [{"Days": 7, "StorageClass": "GLACIER"}]
    assert big["NoncurrentVersionExpiration"] == {"NoncurrentDays": 3}


def test_queues_keep_order_encryption_and_redrive(cloud: Emulator, tmp_path: Path) -> None:
    outputs = deploy_source(
        cloud,
        tmp_path,
        """
        dead = aws.sqs.Queue("dead", name="small-dead.fifo", fifo_queue=True, content_based_deduplication=True)
        work = aws.sqs.Queue("work", name="small-work.fifo", fifo_queue=True, sqs_managed_sse_enabled=True,
            redrive_policy=pulumi.Output.json_dumps({"deadLetterTargetArn": dead.arn, "maxReceiveCount": 2}))
        export("work", work.url)
        export("dead", dead.url)
        """,
    )

    sqs = cloud.client("sqs")
    work = sqs.get_queue_attributes(QueueUrl=outputs["work"], AttributeNames=["All"])["Attributes"]
    dead = sqs.get_queue_attributes(QueueUrl=outputs["dead"], AttributeNames=["All"])["Attributes"]
    assert json.loads(work["RedrivePolicy"]) == {"deadLetterTargetArn": dead["QueueArn"], "maxReceiveCount": 2}
    assert (work["FifoQueue"], work["SqsManagedSseEnabled"], dead["ContentBasedDeduplication"]) == ("true",) * 3


def test_a_function_archive_can_have_files_strings_and_folders(cloud: Emulator, tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "inner.py").write_text("ANSWER = 42\n")
    outputs = deploy_source(
        cloud,
        tmp_path,
        f"""
        role = aws.iam.Role("r", name="small-function", assume_role_policy=TRUST)
        main = "from inner.inner import ANSWER\\n\\ndef handler(event, context):\\n    return ANSWER\\n"
        inner = pulumi.FileArchive({str(tmp_path / "package")!r})
        code = pulumi.AssetArchive({{"main.py": pulumi.StringAsset(main), "inner": inner}})
        function = aws.lambda_.Function(
            "f", name="small-function", role=role.arn, code=code, handler="main.handler", runtime="python3.13",
            ephemeral_storage={{"size": 1024}}, publish=True, reserved_concurrent_executions=1,
        )
        alias = aws.lambda_.Alias("live", name="live", function_name=function.name, function_version=function.version)
        aws.lambda_.ProvisionedConcurrencyConfig(
            "warm", function_name=function.name, qualifier=alias.name, provisioned_concurrent_executions=1
        )
        for output in ("arn", "invoke_arn", "qualified_arn", "version", "code_sha256"):
            export(output, getattr(function, output))
        """,
    )

    functions = cloud.client("lambda")
    arn = "arn:aws:lambda:us-east-1:000000000000:function:small-function"
    code_url = functions.get_function(FunctionName="small-function")["Code"]["Location"]
    with urllib.request.urlopen(code_url) as answer, zipfile.ZipFile(io.BytesIO(answer.read())) as code:  # noqa: S310
        assert code.namelist() == ["inner/inner.py", "main.py"]
    assert json.loads(functions.invoke(FunctionName="small-function:live")["Payload"].read()) == 42
    assert outputs == {
        "arn": arn,
        "invoke_arn": f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations",
        "qualified_arn": f"{arn}:1",
        "version": "1",
        "code_sha256": functions.get_function_configuration(FunctionName="small-function")["CodeSha256"],
    }
    warm = functions.get_provisioned_concurrency_config(FunctionName="small-function", Qualifier="live")
    assert warm["RequestedProvisionedConcurrentExecutions"] == 1


def test_an_archive_that_is_neither_folder_nor_zip_is_refused_by_path(cloud: Emulator, tmp_path: Path) -> None:
    (tmp_path / "code.txt").write_text("not a zip")
    with pytest.raises(DeployError, match=r"LayerVersion l: .*code\.txt is neither a folder nor a zip file"):
        deploy_source(
            cloud,
            tmp_path,
            f'aws.lambda_.LayerVersion("l", layer_name="l", code=pulumi.FileArchive({str(tmp_path / "code.txt")!r}))',
        )


def test_tables_keep_ranges_and_streams(cloud: Emulator, tmp_path: Path) -> None:
    outputs = deploy_source(
        cloud,
        tmp_path,
        """
        table = aws.dynamodb.Table(
            "t", name="small-table", hash_key="album", range_key="at", read_capacity=2, write_capacity=3,
            attributes=[{"name": "album", "type": "S"}, {"name": "at", "type": "N"}],
            stream_enabled=True, stream_view_type="NEW_IMAGE", deletion_protection_enabled=True,
        )
        export("stream", table.stream_arn)
        """,
    )

    dynamodb = cloud.client("dynamodb")
    table = dynamodb.describe_table(TableName="small-table")["Table"]
    assert [(key["AttributeName"], key["KeyType"]) for key in table["KeySchema"]] == [
        ("album", "HASH"),
        ("at", "RANGE"),
    ]
    assert table["ProvisionedThroughput"]["ReadCapacityUnits"] == 2
    assert table["StreamSpecification"]["StreamViewType"] == "NEW_IMAGE"
    assert table["DeletionProtectionEnabled"] is True
    assert outputs["stream"] == table["LatestStreamArn"]


def test_an_alarm_on_one_metric_keeps_all_its_fields(cloud: Emulator, tmp_path: Path) -> None:
    deploy_source(
        cloud,
        tmp_path,
        """
        aws.cloudwatch.MetricAlarm(
            "slow", name="small-slow", namespace="AWS/States", metric_name="ExecutionTime", extended_statistic="p99",
            dimensions={"StateMachineArn": "arn"}, period=60, evaluation_periods=5, datapoints_to_alarm=3,
            threshold=0.5, comparison_operator="GreaterThanThreshold", treat_missing_data="notBreaching",
            alarm_description="Slow.",
            ok_actions=["arn:aws:sns:us-east-1:000000000000:ok"], unit="Milliseconds",
        )
        """,
    )

    (alarm,) = cloud.client("cloudwatch").describe_alarms(AlarmNames=["small-slow"])["MetricAlarms"]
    expected = {
        "Namespace": "AWS/States",
        "MetricName": "ExecutionTime",
        "ExtendedStatistic": "p99",
        "Dimensions": [{"Name": "StateMachineArn", "Value": "arn"}],
        "Period": 60,
        "EvaluationPeriods": 5,
        "DatapointsToAlarm": 3,
        "Threshold": 0.5,
        "TreatMissingData": "notBreaching",
        "AlarmDescription": "Slow.",
        "OKActions": ["arn:aws:sns:us-east-1:000000000000:ok"],
        "Unit": "Milliseconds",
    }
    assert {key: alarm.get(key) for key in expected} == expected


def test_a_target_keeps_its_input_transformer(cloud: Emulator, tmp_path: Path) -> None:
    deploy_source(
        cloud,
        tmp_path,
        """
        queue = aws.sqs.Queue("q", name="small-target")
        rule = aws.cloudwatch.EventRule("r", name="small-rule", event_pattern='{"source": ["small"]}', state="DISABLED")
        aws.cloudwatch.EventTarget(
            "t", target_id="queue", rule=rule.name, arn=queue.arn,
            input_transformer={"input_paths": {"key": "$.detail.key"}, "input_template": '"<key>"'},
        )
        """,
    )

    events = cloud.client("events")
    assert events.describe_rule(Name="small-rule")["State"] == "DISABLED"
    (target,) = events.list_targets_by_rule(Rule="small-rule")["Targets"]
    assert target["InputTransformer"] == {"InputPathsMap": {"key": "$.detail.key"}, "InputTemplate": '"<key>"'}


def test_keys_rotate_and_have_aliases(cloud: Emulator, tmp_path: Path) -> None:
    source = """
        key = aws.kms.Key(
            "k", description="small", enable_key_rotation=True, deletion_window_in_days=30, tags={"a": "b"}
        )
        alias = aws.kms.Alias("a", name="alias/small", target_key_id=key.key_id)
        export("key", key.arn)
        export("target", alias.target_key_arn)
        """
    outputs = deploy_source(cloud, tmp_path, source)

    kms = cloud.client("kms")
    assert outputs["target"] == outputs["key"] == kms.describe_key(KeyId="alias/small")["KeyMetadata"]["Arn"]
    assert kms.get_key_rotation_status(KeyId=outputs["key"])["KeyRotationEnabled"] is True
    assert kms.list_resource_tags(KeyId=outputs["key"])["Tags"] == [{"TagKey": "a", "TagValue": "b"}]


def test_functions_can_be_in_a_vpc_with_endpoints(cloud: Emulator, tmp_path: Path) -> None:
    ec2 = cloud.client("ec2")
    vpc_id = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet_id = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    (route_table,) = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])["RouteTables"]

    outputs = deploy_source(
        cloud,
        tmp_path,
        f"""
        functions = aws.ec2.SecurityGroup("f", name="small-functions", vpc_id={vpc_id!r}, tags={{"Project": "small"}})
        endpoints = aws.ec2.SecurityGroup("e", name="small-endpoints", vpc_id={vpc_id!r}, description="Endpoints")
        aws.vpc.SecurityGroupEgressRule(
            "out", security_group_id=functions.id, ip_protocol="tcp", from_port=443, to_port=443,
            cidr_ipv4="0.0.0.0/0", description="HTTPS",
        )
        aws.vpc.SecurityGroupIngressRule(
            "in", security_group_id=endpoints.id, ip_protocol="tcp", from_port=443, to_port=443,
            referenced_security_group_id=functions.id,
        )
        gateway = aws.ec2.VpcEndpoint(
            "s3", vpc_id={vpc_id!r}, service_name="com.amazonaws.us-east-1.s3",
            route_table_ids=[{route_table["RouteTableId"]!r}],
        )
        interface = aws.ec2.VpcEndpoint(
            "sqs", vpc_id={vpc_id!r}, service_name="com.amazonaws.us-east-1.sqs", vpc_endpoint_type="Interface",
            subnet_ids=[{subnet_id!r}], security_group_ids=[endpoints.id], private_dns_enabled=True,
        )
        role = aws.iam.Role("r", name="small-vpc", assume_role_policy=TRUST)
        code = pulumi.AssetArchive({{"main.py": pulumi.StringAsset("")}})
        aws.lambda_.Function(
            "f", name="small-vpc", role=role.arn, code=code, handler="main.handler", runtime="python3.13",
            vpc_config={{"subnet_ids": [{subnet_id!r}], "security_group_ids": [functions.id]}},
        )
        export("functions", functions.id)
        export("endpoints", endpoints.id)
        export("gateway", gateway.id)
        export("interface", interface.id)
        """,
    )

    groups = ec2.describe_security_groups(GroupIds=[outputs["functions"], outputs["endpoints"]])["SecurityGroups"]
    functions, endpoints = sorted(groups, key=lambda group: group["GroupName"], reverse=True)
    (out,) = functions["IpPermissionsEgress"]
    assert (out["FromPort"], [peer["CidrIp"] for peer in out["IpRanges"]]) == (443, ["0.0.0.0/0"])
    assert (functions["IpPermissions"], endpoints["IpPermissionsEgress"]) == ([], [])
    assert endpoints["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"] == outputs["functions"]
    found = ec2.describe_vpc_endpoints(VpcEndpointIds=[outputs["gateway"], outputs["interface"]])["VpcEndpoints"]
    gateway, interface = sorted(found, key=lambda endpoint: endpoint["VpcEndpointType"])
    assert gateway["RouteTableIds"] == [route_table["RouteTableId"]]
    assert interface["SubnetIds"] == [subnet_id]
    placed = cloud.client("lambda").get_function_configuration(FunctionName="small-vpc")["VpcConfig"]
    assert (placed["SubnetIds"], placed["SecurityGroupIds"]) == ([subnet_id], [outputs["functions"]])


def test_log_groups_and_topics(cloud: Emulator, tmp_path: Path) -> None:
    outputs = deploy_source(
        cloud,
        tmp_path,
        """
        topic = aws.sns.Topic("t", name="small-topic", display_name="Small", tracing_config="Active")
        group = aws.cloudwatch.LogGroup("g", name="/small/group")
        export("group", group.arn)
        export("topic", topic.arn)
        """,
    )

    assert outputs["group"] == "arn:aws:logs:us-east-1:000000000000:log-group:/small/group"
    (group,) = cloud.client("logs").describe_log_groups(logGroupNamePrefix="/small/group")["logGroups"]
    assert "retentionInDays" not in group
    attributes = cloud.client("sns").get_topic_attributes(TopicArn=outputs["topic"])["Attributes"]
    assert (attributes["DisplayName"], attributes["TracingConfig"]) == ("Small", "Active")


def test_a_subscriber_receives_only_messages_that_match_its_filter_policy(cloud: Emulator, tmp_path: Path) -> None:
    def deploy_filter(status: str) -> dict[str, Any]:
        return deploy_source(
            cloud,
            tmp_path,
            f"""
            import json
            topic = aws.sns.Topic("t", name="filtered")
            queue = aws.sqs.Queue("q", name="filtered")
            allow = {{
                "Effect": "Allow", "Principal": {{"Service": "sns.amazonaws.com"}}, "Action": "sqs:SendMessage",
                "Resource": queue.arn,
            }}
            policy = pulumi.Output.json_dumps({{"Statement": [allow]}})
            aws.sqs.QueuePolicy("p", queue_url=queue.url, policy=policy)
            aws.sns.TopicSubscription(
                "s", topic=topic.arn, protocol="sqs", endpoint=queue.arn, raw_message_delivery=True,
                filter_policy=json.dumps({{"status": [{status!r}]}}), filter_policy_scope="MessageBody",
            )
            export("topic", topic.arn)
            export("queue", queue.url)
            """,
        )

    def received(outputs: dict[str, Any]) -> list[str]:
        for status in ("REJECTED", "COMPLETED"):
            cloud.client("sns").publish(TopicArn=outputs["topic"], Message=json.dumps({"status": status}))
        sqs, bodies = cloud.client("sqs"), []
        while messages := sqs.receive_message(QueueUrl=outputs["queue"], WaitTimeSeconds=1).get("Messages"):
            for message in messages:
                bodies.append(json.loads(message["Body"])["status"])
                sqs.delete_message(QueueUrl=outputs["queue"], ReceiptHandle=message["ReceiptHandle"])
        return bodies

    assert received(deploy_filter("COMPLETED")) == ["COMPLETED"]
    assert received(deploy_filter("REJECTED")) == ["REJECTED"]


def test_deploying_twice_updates_named_resources(cloud: Emulator, tmp_path: Path) -> None:
    source = """
        role = aws.iam.Role("r", name="small-twice", assume_role_policy=TRUST, description="NUMBER")
        main = pulumi.StringAsset("def handler(event, context):\\n    return NUMBER\\n")
        function = aws.lambda_.Function(
            "f", name="small-twice", role=role.arn, code=pulumi.AssetArchive({"main.py": main}),
            handler="main.handler", runtime="python3.13", publish=True,
        )
        aws.lambda_.Alias("live", name="live", function_name=function.name, function_version=function.version)
        key = aws.kms.Key("k")
        aws.kms.Alias("a", name="alias/small-twice", target_key_id=key.key_id)
        export("key", key.arn)
        """
    deploy_source(cloud, tmp_path, source.replace("NUMBER", "1"))

    outputs = deploy_source(cloud, tmp_path, source.replace("NUMBER", "2"))

    functions = cloud.client("lambda")
    assert json.loads(functions.invoke(FunctionName="small-twice:live")["Payload"].read()) == 2
    assert cloud.client("iam").get_role(RoleName="small-twice")["Role"]["Description"] == "2"
    assert cloud.client("kms").describe_key(KeyId="alias/small-twice")["KeyMetadata"]["Arn"] == outputs["key"]


def test_two_resources_with_one_physical_name_are_refused(cloud: Emulator, tmp_path: Path) -> None:
    with pytest.raises(DeployError, match=r"is the same resource as (one|two): both are http.*/small-duplicate"):
        deploy_source(
            cloud,
            tmp_path,
            """
            aws.sqs.Queue("one", name="small-duplicate")
            aws.sqs.Queue("two", name="small-duplicate", delay_seconds=5)
            """,
        )


def test_unchanged_code_publishes_no_version_and_changed_code_stops_old_workers(
    cloud: Emulator, tmp_path: Path
) -> None:
    def deploy_version(code: str, memory_mb: int) -> tuple[str, list[int]]:
        outputs = deploy_source(
            cloud,
            tmp_path,
            f"""
            code = pulumi.AssetArchive({{"main.py": pulumi.StringAsset({code!r})}})
            role = aws.iam.Role("r", name="steady", assume_role_policy=TRUST)
            function = aws.lambda_.Function(
                "f", name="steady", role=role.arn, handler="main.handler", runtime="python3.13", code=code,
                environment={{"variables": {{"A": "1"}}}}, memory_size={memory_mb}, publish=True,
                architectures=["arm64"], reserved_concurrent_executions=3, tracing_config={{"mode": "Active"}},
            )
            aws.lambda_.Alias("live", name="live", function_name=function.name, function_version=function.version)
            export("version", function.version)
            """,
        )
        cloud.client("lambda").invoke(FunctionName="steady", Qualifier="live")
        pids = subprocess.check_output(["/bin/ps", "-ww", "-eo", "pid=,pgid=,args="], text=True).splitlines()
        rows = [line.split(maxsplit=2) for line in pids]
        workers = [int(pid) for pid, group, args in rows if group == server and "lambda-steady-" in args]
        return outputs["version"], workers

    server = str(cloud.server_process_id)
    one, other = ("def handler(event, context): return 1", "def handler(event, context): return 2")

    first, (worker,) = deploy_version(one, 128)
    assert deploy_version(one, 128) == (first, [worker])
    second, (other_worker,) = deploy_version(other, 128)
    third, (last_worker,) = deploy_version(other, 256)

    assert [first, second, third] == ["1", "2", "3"]
    assert len({worker, other_worker, last_worker}) == 3
