"""The whole program under Pulumi's own engine, with our provider plugin, against one embedded cloud."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from client.pipeline import Pipeline
from contract.outputs import read_outputs
from localcloud.emulator import Emulator
from localcloud.provider.plugin import install_plugins
from operations.deploy import engine as deployment
from operations.deploy.engine import DeploymentResult, Engine
from operations.deploy.location import find_cli
from operations.deploy.pulumi_cli import PulumiCli
from testing.pictures import photograph
from tests.engine.location import find_language_host

PROJECT = deployment.PROJECT_DIRECTORY
POLICIES = PROJECT / "policies"
NAME = "local"


class Cli(PulumiCli):
    """The CLI on PATH or in the cache; it can be killed as the kernel does it when memory runs out."""

    def kill(self) -> None:
        """End the running command at once. Its plugins are in process groups of their own: nothing kills them."""
        if self._running:
            os.killpg(self._running.pid, signal.SIGKILL)

    def plugins(self) -> list[int]:
        """The process ids of the running command's plugins."""
        if self._running is None:
            return []
        listed = subprocess.run(["pgrep", "-P", str(self._running.pid)], check=True, capture_output=True, text=True)  # noqa: S603, S607
        return [int(line) for line in listed.stdout.split()]


@dataclass(frozen=True, kw_only=True)
class EngineStack:
    """The local stack of a copy of the project, on a file backend of its own."""

    cloud: Emulator
    cli: Cli
    engine: Engine
    state_file: Path

    @classmethod
    def prepare(cls, cloud: Emulator, folder: Path) -> EngineStack:
        """Lay out project, backend, home and plugins under a folder; nothing is deployed yet."""
        project, plugins, backend = folder / "project", folder / "plugins", folder / "backend"
        project.mkdir()
        backend.mkdir()
        for file in [PROJECT / "__main__.py", *PROJECT.glob("Pulumi*.yaml")]:
            shutil.copy(file, project)
        install_plugins(plugins)
        environment = {
            "AWS_ACCESS_KEY_ID": cloud.account_id,
            "AWS_ENDPOINT_URL": cloud.endpoint_url,
            "PATH": os.pathsep.join([str(plugins), os.environ["PATH"]]),
            "PULUMI_BACKEND_URL": f"file://{backend}",
            "PULUMI_CONFIG_PASSPHRASE": "correct horse battery staple",
            # Whatever is not here is an error, not a download.
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
        cli = Cli()
        engine = Engine(directory=project, pulumi=cli, environment=environment)
        return cls(cloud=cloud, cli=cli, engine=engine, state_file=backend / f".pulumi/stacks/img-pipeline/{NAME}.json")

    def preview(self, stack: str = NAME, **config: Any) -> DeploymentResult:
        """What a deployment would change, of a stack that is made where there is none."""
        self.run_in_a_shell(f"pulumi stack select {stack} --create")
        return deployment.preview(stack, config=config, engine=self.engine)

    def deploy(
        self, *, allow: Collection[str] = (), secrets: Mapping[str, str] | None = None, **config: Any
    ) -> DeploymentResult:
        """Preview, gate, up; the settings stay for the deployments that follow."""
        return deployment.deploy(NAME, config=config, secrets=secrets, allow=allow, engine=self.engine)

    def deploy_until_killed(self, resources: int) -> list[int]:
        """Deploy in another process, which dies with the engine as soon as so many resources are made.

        Returns:
            The process ids of the engine's plugins, of which there is at least one.
        """
        command = [sys.executable, "-m", "tests.engine.killed_deployment", str(self.engine.directory), str(resources)]
        environment = {**os.environ, **self.engine.environment}
        dead = subprocess.run(command, cwd=PROJECT, env=environment, check=False, capture_output=True, text=True)  # noqa: S603
        assert dead.returncode == os.EX_SOFTWARE, dead.stderr
        return [int(word) for word in dead.stdout.splitlines()[-1].split()]

    def run_in_a_shell(self, script: str) -> None:
        """Run the lines of a shell script in the project's folder, with the CLI on PATH."""
        environment = {**os.environ, **self.engine.environment, "IMG_PIPELINE_STACK": NAME}
        if cli := find_cli():
            environment["PATH"] = os.pathsep.join([str(cli.parent), environment["PATH"]])
        ran = subprocess.run(  # noqa: S603 (what the documentation shows)
            ["/bin/sh", "-e", "-c", script],
            cwd=self.engine.directory,
            env=environment,
            check=False,
            capture_output=True,
            text=True,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr

    def refresh(self) -> DeploymentResult:
        """Take over what was changed by hand."""
        return deployment.refresh(NAME, engine=self.engine)

    def destroy(self, *, allow: Collection[str] = ()) -> DeploymentResult:
        """Delete everything."""
        return deployment.destroy(NAME, allow=allow, engine=self.engine)

    def with_policies(self) -> EngineStack:
        """The same stack, with the policy pack enforced."""
        return replace(self, engine=replace(self.engine, policy_packs=[POLICIES]))

    def with_program(self, folder: Path, more: str) -> EngineStack:
        """The same stack, with lines added to the program."""
        project = shutil.copytree(self.engine.directory, folder / "project")
        with open(project / "__main__.py", "a", encoding="utf-8") as program:
            program.write(more)
        return replace(self, engine=replace(self.engine, directory=project))

    def run(self, *arguments: str) -> str:
        """Run a command of the CLI on this stack and return what it prints."""
        command = [*arguments, "--stack", NAME]
        return self.cli.run(command, str(self.engine.directory), self.engine.environment).stdout

    def preview_in_a_shell(self) -> str:
        """Preview as `pulumi preview` does, where the engine starts the program; returns what is printed."""
        # The language host takes the `python` on PATH: the one of these tests.
        folders = [str(find_language_host()), str(Path(sys.executable).parent), self.engine.environment["PATH"]]
        environment = {**self.engine.environment, "PATH": os.pathsep.join(folders)}
        return self.cli.run(["preview", "--stack", NAME], str(self.engine.directory), environment).stdout

    def state(self) -> dict[str, Any]:
        """The stack's state as the backend holds it, secrets encrypted."""
        return json.loads(self.run("stack", "export"))["deployment"]

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs by name."""
        return deployment.stack_outputs(NAME, engine=self.engine)

    def status_of_an_upload(self, file_key: str) -> str:
        """Send a photograph through the pipeline and return what became of it."""
        pipeline = Pipeline(stack=NAME, client=self.cloud.client, outputs=read_outputs(self.outputs()))
        upload = pipeline.upload(photograph(), file_key)
        row = pipeline.await_jobs([upload], timeout_seconds=60)[upload]
        return row["status"] if row else "nothing"


def inventory(cloud: Emulator) -> dict[str, list[str]]:
    """What is in the cloud, by type; types of which there is nothing are left out."""
    client = cloud.client
    budgets = client("budgets").describe_budgets(AccountId=cloud.account_id).get("Budgets", [])
    alarms = client("cloudwatch").describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    found = {
        "APIs": [api["Name"] for api in client("apigatewayv2").get_apis()["Items"]],
        "alarms": [alarm["AlarmName"] for kind in ("MetricAlarms", "CompositeAlarms") for alarm in alarms[kind]],
        "budgets": [budget["BudgetName"] for budget in budgets],
        "buckets": [bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]],
        "distributions": [
            each["Id"] for each in client("cloudfront").list_distributions()["DistributionList"].get("Items", [])
        ],
        "dashboards": [each["DashboardName"] for each in client("cloudwatch").list_dashboards()["DashboardEntries"]],
        "event source mappings": [
            mapping["UUID"] for mapping in client("lambda").list_event_source_mappings()["EventSourceMappings"]
        ],
        "functions": [function["FunctionName"] for function in client("lambda").list_functions()["Functions"]],
        "keys": [
            key["KeyId"]
            for key in client("kms").list_keys()["Keys"]
            if client("kms").describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] != "PendingDeletion"
        ],
        "layers": [layer["LayerName"] for layer in client("lambda").list_layers()["Layers"]],
        "log groups": [group["logGroupName"] for group in client("logs").describe_log_groups()["logGroups"]],
        "log policies": [
            policy["policyName"] for policy in client("logs").describe_resource_policies()["resourcePolicies"]
        ],
        "malware plans": client("guardduty").list_malware_protection_plans()["MalwareProtectionPlans"],
        "pipes": [pipe["Name"] for pipe in client("pipes").list_pipes()["Pipes"]],
        "queues": client("sqs").list_queues().get("QueueUrls", []),
        "secrets": [secret["Name"] for secret in client("secretsmanager").list_secrets()["SecretList"]],
        "roles": [role["RoleName"] for role in client("iam").list_roles()["Roles"]],
        "rules": [rule["Name"] for rule in client("events").list_rules()["Rules"]],
        "state machines": [each["name"] for each in client("stepfunctions").list_state_machines()["stateMachines"]],
        "subscriptions": [each["SubscriptionArn"] for each in client("sns").list_subscriptions()["Subscriptions"]],
        "tables": client("dynamodb").list_tables()["TableNames"],
        "topics": [topic["TopicArn"] for topic in client("sns").list_topics()["Topics"]],
        "web ACLs": [acl["Name"] for acl in client("wafv2").list_web_acls(Scope="REGIONAL")["WebACLs"]],
        "user pools": [pool["Name"] for pool in client("cognito-idp").list_user_pools(MaxResults=60)["UserPools"]],
    }
    return {kind: names for kind, names in found.items() if names}
