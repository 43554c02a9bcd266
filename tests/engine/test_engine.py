"""The life of a stack under Pulumi's own engine. The tests tell one story: they run in order, on one stack."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from client.errors import PipelineError
from operations.deploy.changes import STATEFUL_TYPES
from operations.deploy.engine import DeploymentFailed, DeploymentRefused, DeploymentResult
from operations.deploy.location import find_cli
from testing.waiting import eventually
from tests.engine.location import find_language_host
from tests.engine.stack import PROJECT, EngineStack, inventory

if find_cli() is None:
    pytest.skip("there is no Pulumi CLI: `make engine` gets one", allow_module_level=True)

TABLE = "aws:dynamodb/table:Table"
PAGER = "https://127.0.0.1:9/integration/s3cr3t-k3y"
LOOSE_QUEUE = """
import pulumi_aws

pulumi_aws.sqs.Queue("loose", name=context.name("loose"))
"""
# What the runbook says to do after a kill, but for our own commands: those act on the user's own folder.
RECOVERY = re.sub(
    r"^img-pipeline .*$",
    "",
    (PROJECT / "docs" / "runbook.md")
    .read_text(encoding="utf-8")
    .partition("## A deployment was killed")[2]
    .partition("```sh\n")[2]
    .partition("```")[0],
    flags=re.MULTILINE,
)
ALL_ALLOWED = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})


def changed(result: DeploymentResult, operation: str) -> set[tuple[str, str]]:
    """Type and name of the resources that a deployment does this to."""
    return {(change.type, change.name) for change in result.changes if change.operation == operation}


def of_pulumi(result: DeploymentResult) -> int:
    """How many resources a deployment has, changed or not."""
    return len(result.changes) + result.unchanged


@pytest.mark.parametrize("name", ["dev", "prod", "local"])
def test_every_stack_previews_within_the_policies_and_nothing_is_made(stack: EngineStack, name: str) -> None:
    found = stack.with_policies().preview(name)
    assert {change.operation for change in found.changes} == {"create"}
    assert of_pulumi(found) > 100
    assert inventory(stack.cloud) == {}


def test_the_program_also_previews_in_a_shell(stack: EngineStack) -> None:
    if find_language_host() is None:
        pytest.skip("there is no Python language host on PATH or beside the cached CLI")
    assert re.search(r"\+ \d{3} to create", stack.preview_in_a_shell())
    assert inventory(stack.cloud) == {}


def test_the_policies_refuse_a_queue_that_keeps_none_of_them(stack: EngineStack, tmp_path: Path) -> None:
    careless = stack.with_policies().with_program(tmp_path, LOOSE_QUEUE)
    with pytest.raises(DeploymentFailed) as refusal:
        careless.preview("dev")
    assert {failure.urn.rpartition("::")[2] for failure in refusal.value.result.failures} == {"loose"}
    told = " ".join(failure.message for failure in refusal.value.result.failures)
    assert "tags-project-and-stack" in told
    assert "sqs-dlq-required" in told


def test_up_makes_the_pipeline(stack: EngineStack) -> None:
    made = stack.deploy()
    assert {change.operation for change in made.changes} == {"create"}
    assert made.outputs["functionNames"]["validate"] == "img-pipeline-local-validate"
    assert stack.status_of_an_upload("uploads/first.jpg") == "COMPLETED"


def test_a_second_up_changes_nothing(stack: EngineStack) -> None:
    assert stack.deploy().changes == ()


def test_settings_change_in_place_and_a_secret_stays_one(stack: EngineStack) -> None:
    functions, outputs = stack.cloud.client("lambda"), stack.outputs()
    name = outputs["functionNames"]["validate"]
    before = functions.get_alias(FunctionName=name, Name="live")["FunctionVersion"]

    updated = stack.deploy(
        secrets={"alertHttpsEndpoints[0]": PAGER},
        validate={"memoryMb": 2048, "timeoutSeconds": 30, "reservedConcurrency": 4},
        tags={"Team": "media"},
        protectState=True,
    )

    assert {change.operation for change in updated.changes} == {"update", "create"}
    assert changed(updated, "create") == {("aws:sns/topicSubscription:TopicSubscription", "alerting-alerts-https-0")}
    live = functions.get_function_configuration(FunctionName=name, Qualifier="live")
    assert (live["MemorySize"], live["Version"]) == (2048, str(int(before) + 1))
    assert functions.list_tags(Resource=live["FunctionArn"].removesuffix(":live"))["Tags"]["Team"] == "media"
    assert PAGER in [each["Endpoint"] for each in stack.cloud.client("sns").list_subscriptions()["Subscriptions"]]
    assert "s3cr3t" not in json.dumps(stack.state())
    assert "s3cr3t" not in (stack.engine.directory / "Pulumi.local.yaml").read_text(encoding="utf-8")
    assert stack.status_of_an_upload("uploads/second.jpg") == "COMPLETED"


def test_what_is_protected_can_be_neither_destroyed_nor_replaced(stack: EngineStack) -> None:
    before = inventory(stack.cloud)
    with pytest.raises(DeploymentFailed, match="protected"):
        stack.destroy(allow=STATEFUL_TYPES)
    with pytest.raises(DeploymentFailed, match=r"persist-denylist.* protection"):
        stack.deploy(denylistTableName="refused-hashes", allow=STATEFUL_TYPES)
    assert inventory(stack.cloud) == before


def test_refresh_finds_what_was_changed_by_hand_and_up_mends_it(stack: EngineStack) -> None:
    client, outputs = stack.cloud.client, stack.outputs()
    queue_url, role = outputs["transformQueueUrl"], outputs["roleArns"]["thumbnail"].rpartition("/")[2]
    (policy,) = client("iam").list_role_policies(RoleName=role)["PolicyNames"]
    client("sqs").set_queue_attributes(QueueUrl=queue_url, Attributes={"VisibilityTimeout": "7"})
    client("iam").put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=ALL_ALLOWED)
    client("sns").tag_resource(ResourceArn=outputs["alertTopicArn"], Tags=[{"Key": "Made", "Value": "by hand"}])
    client("logs").delete_log_group(logGroupName=outputs["logGroups"]["audit"])

    drift = stack.refresh()

    assert changed(drift, "delete") == {("aws:cloudwatch/logGroup:LogGroup", "audit")}
    assert changed(drift, "update") == {
        ("aws:iam/rolePolicy:RolePolicy", "transform-thumbnail"),
        ("aws:sns/topic:Topic", "alerting-alerts"),
        ("aws:sqs/queue:Queue", "ingest-transform"),
    }

    mended = stack.deploy(protectState=False)

    assert changed(mended, "create") == changed(drift, "delete")
    assert changed(mended, "update") >= changed(drift, "update")
    attributes = client("sqs").get_queue_attributes(QueueUrl=queue_url, AttributeNames=["All"])["Attributes"]
    assert int(attributes["VisibilityTimeout"]) > 7
    assert client("iam").get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"] != json.loads(ALL_ALLOWED)
    tags = client("sns").list_tags_for_resource(ResourceArn=outputs["alertTopicArn"])["Tags"]
    assert "Made" not in {tag["Key"] for tag in tags}
    assert outputs["logGroups"]["audit"] in inventory(stack.cloud)["log groups"]


def test_a_table_is_replaced_only_with_leave(stack: EngineStack) -> None:
    old = stack.outputs()["denylistTable"]
    with pytest.raises(DeploymentRefused, match=f"replace {TABLE} persist-denylist"):
        stack.deploy(denylistTableName="refused-hashes")
    assert old in inventory(stack.cloud)["tables"]

    replaced = stack.deploy(denylistTableName="refused-hashes", allow=[TABLE])

    assert changed(replaced, "replace") == {(TABLE, "persist-denylist")}
    tables = inventory(stack.cloud)["tables"]
    assert "refused-hashes" in tables
    assert old not in tables
    assert stack.status_of_an_upload("uploads/third.jpg") == "COMPLETED"


def test_destroy_leaves_nothing(stack: EngineStack) -> None:
    with pytest.raises(DeploymentRefused, match="would lose state"):
        stack.destroy()
    stack.destroy(allow=STATEFUL_TYPES)
    assert inventory(stack.cloud) == {}
    assert not stack.state().get("resources")


def test_an_up_killed_half_way_is_taken_up_again(stack: EngineStack) -> None:
    plugins = stack.deploy_until_killed(resources=40)
    eventually(lambda: not alive(plugins), "the plugins' end")

    # About one kill in ten comes while the backend writes the attributes of the state: here it always did.
    attributes = stack.state_file.with_name(f"{stack.state_file.name}.attrs")
    attributes.write_bytes(b"")
    with pytest.raises(PipelineError, match=r"local\.json\.attrs empty"):
        stack.deploy()
    attributes.unlink()
    with pytest.raises(PipelineError, match="pulumi cancel --stack local"):
        stack.deploy()
    attributes.write_bytes(b"")

    stack.run_in_a_shell(RECOVERY)
    recovered = stack.deploy()

    assert recovered.changes, "nothing was left to make: it was not killed half-way"
    assert recovered.unchanged > 0, "nothing was made: it was not killed half-way"
    assert not stack.state().get("pending_operations")
    assert stack.preview().changes == ()
    assert stack.status_of_an_upload("uploads/fourth.jpg") == "COMPLETED"
    # What exists twice, or without the state's knowledge, is what nobody deletes.
    stack.destroy(allow=STATEFUL_TYPES)
    assert inventory(stack.cloud) == {}


def alive(processes: Sequence[int]) -> bool:
    """Whether one of the processes runs still; one that is dead and waits for its parent to notice does not."""
    assert processes
    listed = ",".join(map(str, processes))
    found = subprocess.run(["ps", "-o", "stat=", "-p", listed], check=False, capture_output=True, text=True)  # noqa: S603, S607
    return any(not state.startswith("Z") for state in found.stdout.split())


def test_no_plugin_is_ever_downloaded(stack: EngineStack) -> None:
    assert not list(Path(stack.engine.environment["PULUMI_HOME"]).glob("plugins/*"))
