"""The deployer, with small programs that it deploys into an embedded cloud."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pulumi
import pytest

from localcloud.deployer import DeployError, deploy
from localcloud.emulator import Emulator
from program.stack_file import StackConfigError

pytest_plugins = ["localcloud.pytest_fixture"]

Program = Callable[[str], Path]

PROJECT = """
    name: tiny
    runtime: python
    config:
      tries: {type: integer, default: 3}
      color: {type: string, default: red}
      sizes: {type: array, items: {type: integer}, default: [1, 2]}
      limits: {type: object, default: {bytes: 10, frames: 20}}
      needed: {type: string}
"""


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Return a function that writes a project with a `__main__.py` of the given source and returns its directory."""

    def write(source: str) -> Path:
        (tmp_path / "Pulumi.yaml").write_text(dedent(PROJECT))
        (tmp_path / "Pulumi.local.yaml").write_text("config: {tiny:color: green}\n")
        (tmp_path / "Pulumi.prod.yaml").write_text("config: {tiny:needed: {secure: v1:abc}}\n")
        (tmp_path / "__main__.py").write_text(dedent(source))
        return tmp_path

    return write


@pytest.fixture
def another_cloud() -> Iterator[Emulator]:
    with Emulator.start(region="eu-central-1", account_id="111122223333") as emulator:
        yield emulator


def test_registered_resources_exist_after_the_deployment(cloud: Emulator, program: Program) -> None:
    folder = program(
        """
        import pulumi
        import pulumi_aws as aws

        bucket = aws.s3.Bucket("pictures", bucket="tiny-pictures")
        dead = aws.sqs.Queue("dead", name="tiny-dead")
        aws.sqs.Queue(
            "work",
            name="tiny-work",
            redrive_policy=pulumi.Output.json_dumps({"deadLetterTargetArn": dead.arn, "maxReceiveCount": 4}),
        )
        service = {"Service": "lambda.amazonaws.com"}
        trust = {"Statement": {"Effect": "Allow", "Principal": service, "Action": "sts:AssumeRole"}}
        role = aws.iam.Role("reader", name="tiny-reader", assume_role_policy=pulumi.Output.json_dumps(trust))
        reads = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": pulumi.Output.concat(bucket.arn, "/*")}
        policy = pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": reads})
        aws.iam.RolePolicy("reads", name="reads", role=role.name, policy=policy)
        """
    )

    deploy(cloud, directory=folder)

    assert "tiny-pictures" in [bucket["Name"] for bucket in cloud.client("s3").list_buckets()["Buckets"]]
    sqs = cloud.client("sqs")
    url = sqs.get_queue_url(QueueName="tiny-work")["QueueUrl"]
    redrive = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]["RedrivePolicy"]
    assert json.loads(redrive) == {
        "deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:tiny-dead",
        "maxReceiveCount": 4,
    }
    policy = cloud.client("iam").get_role_policy(RoleName="tiny-reader", PolicyName="reads")["PolicyDocument"]
    assert policy["Statement"]["Resource"] == "arn:aws:s3:::tiny-pictures/*"


def test_outputs_are_returned_resolved(cloud: Emulator, program: Program) -> None:
    folder = program(
        """
        import pulumi
        import pulumi_aws as aws

        queue = aws.sqs.Queue("q", name="tiny-outputs")
        pulumi.export("arn", queue.arn)
        pulumi.export("nested", {"urls": [queue.url], "waits": queue.visibility_timeout_seconds, "half": 0.5})
        pulumi.export("secret", pulumi.Output.secret("hidden"))
        pulumi.export("account", aws.get_caller_identity().account_id)
        pulumi.export("region", aws.get_region().region)
        pulumi.export("partition", aws.get_partition_output().partition)
        pulumi.export("stack", f"{pulumi.get_project()}/{pulumi.get_stack()}")
        """
    )

    outputs = deploy(cloud, directory=folder)

    assert outputs == {
        "arn": "arn:aws:sqs:us-east-1:000000000000:tiny-outputs",
        "nested": {"urls": [f"{cloud.endpoint_url}/000000000000/tiny-outputs"], "waits": 30, "half": 0.5},
        "secret": "hidden",
        "account": "000000000000",
        "region": "us-east-1",
        "partition": "aws",
        "stack": "tiny/local",
    }


SHOW_SETTINGS = """
    import pulumi

    config = pulumi.Config()
    pulumi.export("tries", config.require_int("tries"))
    pulumi.export("color", config.require("color"))
    pulumi.export("sizes", config.require_object("sizes"))
    pulumi.export("limits", config.require_object("limits"))
    pulumi.export("region", pulumi.Config("aws").require("region"))
"""


def test_the_stack_file_overrides_the_projects_typed_defaults(cloud: Emulator, program: Program) -> None:
    outputs = deploy(cloud, directory=program(SHOW_SETTINGS))

    assert (outputs["tries"], outputs["color"], outputs["sizes"]) == (3, "green", [1, 2])


def test_config_arguments_override_the_stack_file(cloud: Emulator, program: Program) -> None:
    overrides = {"tries": 7, "color": "blue", "sizes": [], "limits": {"frames": 5}}

    outputs = deploy(cloud, config=overrides, directory=program(SHOW_SETTINGS))

    assert (outputs["tries"], outputs["color"], outputs["sizes"]) == (7, "blue", [])
    assert outputs["limits"] == {"bytes": 10, "frames": 5}


def test_the_program_has_the_region_of_its_cloud(another_cloud: Emulator, program: Program) -> None:
    assert deploy(another_cloud, directory=program(SHOW_SETTINGS))["region"] == "eu-central-1"


def test_an_undeclared_override_is_refused_by_name(cloud: Emulator, program: Program) -> None:
    with pytest.raises(StackConfigError, match="tiny:colour is not a setting of this project"):
        deploy(cloud, config={"colour": "blue"}, directory=program(SHOW_SETTINGS))


def test_an_unknown_stack_is_refused_with_the_known_ones(cloud: Emulator, program: Program) -> None:
    with pytest.raises(StackConfigError, match=r"there is no stack 'staging': .* has local, prod"):
        deploy(cloud, "staging", directory=program(SHOW_SETTINGS))


def test_an_encrypted_value_is_refused_by_name_unless_overridden(cloud: Emulator, program: Program) -> None:
    folder = program(SHOW_SETTINGS)

    with pytest.raises(StackConfigError, match="tiny:needed of stack 'prod' is encrypted"):
        deploy(cloud, "prod", directory=folder)
    assert deploy(cloud, "prod", {"needed": "now known"}, directory=folder)["tries"] == 3


def test_an_unsupported_type_is_refused_with_the_module_to_extend(cloud: Emulator, program: Program) -> None:
    folder = program(
        """
        import pulumi_aws as aws

        aws.glue.CatalogDatabase("index", name="index")
        """
    )

    with pytest.raises(DeployError) as error:
        deploy(cloud, directory=folder)

    assert str(error.value) == (
        "aws:glue/catalogDatabase:CatalogDatabase index: this type is not supported: "
        'add a class with @handles("aws:glue/catalogDatabase:CatalogDatabase") to localcloud/resources'
    )


def test_an_unsupported_function_is_refused_with_the_module_to_extend(cloud: Emulator, program: Program) -> None:
    folder = program(
        """
        import pulumi_aws as aws

        aws.get_availability_zones()
        """
    )

    with pytest.raises(DeployError, match=r"getAvailabilityZones: this function is not supported: add it to INVOKES"):
        deploy(cloud, directory=folder)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (
            'aws.s3.Bucket("b", bucket="tiny-refused", acceleration_status="Enabled")',
            "aws:s3/bucket:Bucket b: property 'accelerationStatus' is not supported here: "
            "add it to localcloud.resources.s3.Bucket",
        ),
        (
            'aws.s3.BucketVersioning("v", bucket="x", versioning_configuration={"status": "Enabled", "colour": "red"})',
            "aws:s3/bucketVersioning:BucketVersioning v: property 'versioningConfiguration.colour' "
            "is not supported here: add it to localcloud.resources.s3.BucketVersioning",
        ),
        (
            'aws.pipes.Pipe("p", name="p", role_arn="r", source="s", target="t", '
            'source_parameters={"sqsQueueParameters": {"batchSize": 1, "colour": "red"}})',
            "aws:pipes/pipe:Pipe p: Parameter validation failed: Unknown parameter in "
            'SourceParameters.SqsQueueParameters: "Colour", must be one of: BatchSize, MaximumBatchingWindowInSeconds',
        ),
    ],
)
def test_an_unsupported_property_is_refused_by_name(
    cloud: Emulator, program: Program, source: str, problem: str
) -> None:
    with pytest.raises(DeployError) as error:
        deploy(cloud, directory=program(f"import pulumi_aws as aws\n\n{source}\n"))

    assert str(error.value) == problem
    assert "tiny-refused" not in [bucket["Name"] for bucket in cloud.client("s3").list_buckets()["Buckets"]]


def test_a_failed_resource_is_named_with_its_cause_and_its_dependents_are_not_created(
    cloud: Emulator, program: Program
) -> None:
    folder = program(
        """
        import pulumi
        import pulumi_aws as aws

        policy = aws.iam.RolePolicy("orphan", name="orphan", role="nobody", policy="{}")
        later = pulumi.ResourceOptions(depends_on=[policy])
        aws.s3.Bucket("later", bucket="tiny-later", opts=later)
        """
    )

    with pytest.raises(DeployError) as error:
        deploy(cloud, directory=folder)

    assert str(error.value) == (
        "aws:iam/rolePolicy:RolePolicy orphan: An error occurred (NoSuchEntity) when calling the PutRolePolicy "
        "operation: The role with name nobody cannot be found."
    )
    assert "tiny-later" not in [bucket["Name"] for bucket in cloud.client("s3").list_buckets()["Buckets"]]


def test_no_resources_are_created_after_a_failure(cloud: Emulator, program: Program) -> None:
    folder = program(
        """
        import pulumi_aws as aws

        aws.glue.CatalogDatabase("index", name="index")
        for number in range(60):
            aws.sqs.Queue(f"after-{number}", name=f"tiny-after-{number}")
        """
    )

    with pytest.raises(DeployError, match="CatalogDatabase index"):
        deploy(cloud, directory=folder)

    # Some may already have been started.
    assert len(cloud.client("sqs").list_queues(QueueNamePrefix="tiny-after-").get("QueueUrls", [])) <= 3


def test_the_programs_own_exception_is_raised_unchanged(cloud: Emulator, program: Program) -> None:
    with pytest.raises(ValueError, match="maxBytes is -1"):
        deploy(cloud, directory=program('raise ValueError("maxBytes is -1")'))


def test_deployments_into_two_clouds_in_one_process_are_separate(
    cloud: Emulator, another_cloud: Emulator, program: Program
) -> None:
    folder = program(
        """
        import pulumi
        import pulumi_aws as aws

        color = pulumi.Config().require("color")
        pulumi.export("arn", aws.sqs.Queue("q", name=f"tiny-{color}").arn)
        """
    )

    here = deploy(cloud, config={"color": "here"}, directory=folder)
    there = deploy(another_cloud, config={"color": "there"}, directory=folder)

    assert here == {"arn": "arn:aws:sqs:us-east-1:000000000000:tiny-here"}
    assert there == {"arn": "arn:aws:sqs:eu-central-1:111122223333:tiny-there"}
    assert "tiny-there" not in str(cloud.client("sqs").list_queues())
    assert "tiny-here" not in str(another_cloud.client("sqs").list_queues())


def test_pulumi_mocks_and_a_deployment_in_one_process_are_separate(cloud: Emulator, program: Program) -> None:
    class Nothing(pulumi.runtime.Mocks):
        def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
            raise AssertionError(f"{args.name} went to the mocks")

        def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
            raise AssertionError(f"{args.token} went to the mocks")

    def with_mocks() -> tuple[dict[str, Any], str]:
        # Pulumi's mocks need an event loop of the thread, which earlier code may have removed.
        asyncio.set_event_loop(loop)
        pulumi.runtime.set_mocks(Nothing(), project="mocked", stack="mocked")
        return deploy(cloud, directory=folder), pulumi.get_project()

    folder = program(
        """
        import pulumi
        import pulumi_aws as aws

        pulumi.export("name", aws.sqs.Queue("q", name=f"{pulumi.get_project()}-unmocked").name)
        """
    )

    with contextlib.closing(asyncio.new_event_loop()) as loop:
        assert contextvars.copy_context().run(with_mocks) == ({"name": "tiny-unmocked"}, "mocked")
        # The registration of the stack by the mocks is still pending in this loop.
        loop.run_until_complete(asyncio.gather(*asyncio.all_tasks(loop)))
    asyncio.set_event_loop(None)


def test_progress_is_called_after_each_resource_is_created(cloud: Emulator, program: Program) -> None:
    folder = program(
        """
        import pulumi
        import pulumi_aws as aws

        class Group(pulumi.ComponentResource):
            def __init__(self) -> None:
                super().__init__("tiny:index:Group", "group")
                aws.s3.Bucket("b", bucket="tiny-progress", opts=pulumi.ResourceOptions(parent=self))

        Group()
        """
    )
    seen: list[tuple[str, str]] = []

    def progress(kind: str, name: str) -> None:
        cloud.client("s3").head_bucket(Bucket="tiny-progress")
        seen.append((kind, name))

    deploy(cloud, directory=folder, progress=progress)

    assert seen == [("aws:s3/bucket:Bucket", "b")]


def test_an_omitted_name_is_generated_from_the_resource_name(cloud: Emulator, program: Program) -> None:
    folder = program(
        """
        import pulumi
        import pulumi_aws as aws

        pulumi.export("names", [aws.sqs.Queue(name).name for name in ("one", "two")])
        """
    )

    names = deploy(cloud, directory=folder)["names"]

    assert names[0].startswith("one-")
    assert names[1].startswith("two-")
    assert all(cloud.client("sqs").get_queue_url(QueueName=name) for name in names)
