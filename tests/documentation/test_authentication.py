"""What docs/authentication.md shows works, in its order, as one shell runs it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from components.settings import config_schema, parse_settings
from docs.generated import ROOT
from localcloud.announcement import STATE_VARIABLE
from testing.stack import Stack, deployed_stack

TEXT = (ROOT / "docs" / "authentication.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A stack whose API asks for tokens of its own user pool."""
    with deployed_stack(api={"auth": "jwt", "console": False}) as deployed:
        yield deployed


def test_every_command_of_the_page_works(stack: Stack, announced: Path, tmp_path: Path) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    script = "\n".join(["set -e -o pipefail", *blocks]).replace("IMG_PIPELINE_STACK=prod", "IMG_PIPELINE_STACK=local")
    environment = {
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
        "HOME": str(tmp_path),
        STATE_VARIABLE: str(announced),
        "AWS_ENDPOINT_URL": stack.cloud.endpoint_url,
        "AWS_DEFAULT_REGION": stack.cloud.region,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }

    run = subprocess.run(  # noqa: S603 (the project's own page)
        ["/bin/bash", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert run.returncode == 0, run.stdout + run.stderr
    assert '"maxBytes"' in run.stdout
    # As a member of the group, listed by the user name that Cognito gave.
    user = stack.cloud.client("cognito-idp").admin_get_user(
        UserPoolId=stack.outputs["userPoolId"], Username="alice@example.com"
    )
    assert user["Username"] in run.stdout.splitlines()
    assert user["Enabled"] is False


def test_settings_of_another_issuer_are_accepted() -> None:
    (block,) = re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    given = yaml.safe_load(block)["config"]["img-pipeline:api"]
    settings = parse_settings({"api": json.dumps(given)}, config_schema())
    assert (settings.api.issuer, settings.api.makes_user_pool) == (given["issuer"], False)
