"""What docs/api.md shows works, in its order, as one shell runs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.generated import ROOT
from localcloud.announcement import STATE_VARIABLE
from testing.stack import Stack, deployed_stack
from testing.waiting import eventually

PAGE = ROOT / "docs" / "api.md"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A stack whose API asks for no token, as that of `make up`."""
    with deployed_stack(api={"auth": "none", "console": False}) as deployed:
        yield deployed


def test_every_command_of_the_page_works(stack: Stack, announced: Path, tmp_path: Path) -> None:
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    script = "\n".join(["set -e -o pipefail", *map(textwrap.dedent, blocks), "cat job.json >&2"])
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "contact-sheet.png").write_bytes((ROOT / "docs" / "contact-sheet.png").read_bytes())
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))

    run = subprocess.run(  # noqa: S603 (the project's own page)
        ["/bin/bash", "-c", script],
        cwd=tmp_path,
        env={"PATH": path, "HOME": str(tmp_path), STATE_VARIABLE: str(announced)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert run.returncode == 0, run.stdout + run.stderr
    assert (tmp_path / "processed.png").read_bytes()[1:4] == b"PNG"
    assert '"code": "JOB_NOT_FOUND"' in run.stdout
    (key,) = re.findall(r'"fileKey":\s*"([^"]+)"\}\s*$', run.stdout)
    eventually(lambda: stack.pipeline.records([key])[key].get("deletedAt"), f"the deletion of {key}", 60)
