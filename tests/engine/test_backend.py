"""State in a bucket and secrets under a KMS key, as docs/deploy.md prepares a stack for GitHub Actions."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.emulator import Emulator
from operations.deploy import engine as deployment
from operations.deploy.engine import Engine
from operations.deploy.location import find_cli
from tests.engine.stack import Cli

if find_cli() is None:
    pytest.skip("there is no Pulumi CLI: `make engine` gets one", allow_module_level=True)

WORD = "s3cr3t-w0rd"
PROGRAM = """
import pulumi

pulumi.export("word", pulumi.Config().require_secret("word"))
"""


@pytest.fixture
def cloud() -> Iterator[Emulator]:
    """A cloud with a bucket for the state and a key for the secrets."""
    with Emulator.start() as emulator:
        emulator.client("s3").create_bucket(Bucket="my-pulumi-state")
        key = emulator.client("kms").create_key()["KeyMetadata"]["KeyId"]
        emulator.client("kms").create_alias(AliasName="alias/pulumi", TargetKeyId=key)
        yield emulator


def test_a_stack_may_keep_its_state_in_a_bucket_and_its_secrets_under_a_key_without_a_passphrase(
    cloud: Emulator, tmp_path: Path
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: tiny\nruntime: python\n", encoding="utf-8")
    (tmp_path / "__main__.py").write_text(PROGRAM, encoding="utf-8")
    engine = Engine(
        directory=tmp_path,
        pulumi=Cli(),
        environment={
            "AWS_ACCESS_KEY_ID": cloud.account_id,
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_ENDPOINT_URL": cloud.endpoint_url,
            "AWS_REGION": cloud.region,
            "PULUMI_BACKEND_URL": f"s3://my-pulumi-state?region={cloud.region}&s3ForcePathStyle=true",
            "PULUMI_HOME": os.fspath(tmp_path / "home"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        },
        secrets_provider=f"awskms://alias/pulumi?region={cloud.region}",
    )

    deployment.deploy("dev", secrets={"word": WORD}, engine=engine)

    assert deployment.stack_outputs("dev", engine=engine) == {"word": WORD}
    state = cloud.client("s3").get_object(Bucket="my-pulumi-state", Key=".pulumi/stacks/tiny/dev.json")
    assert WORD not in state["Body"].read().decode()
    settings = (tmp_path / "Pulumi.dev.yaml").read_text(encoding="utf-8")
    assert WORD not in settings
    assert "secretsprovider: awskms://alias/pulumi" in settings
    assert "encryptedkey: " in settings, "what to commit, so that nobody needs a passphrase"
