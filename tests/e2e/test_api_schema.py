"""The API against its own description: Schemathesis makes requests of every operation in the OpenAPI document."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from testing.callers import OPERATE, READ, WRITE, Callers

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
# Values at and beyond each limit of the document; then random ones, and requests with what others returned.
PHASES = {"operator": "coverage", "uploader": "fuzzing,stateful", "nobody": "fuzzing"}
SCOPES = {"operator": (READ, WRITE, OPERATE), "uploader": (READ, WRITE)}


@pytest.mark.parametrize("caller", PHASES)
def test_every_answer_is_one_that_the_description_has(callers: Callers, caller: str, tmp_path: Path) -> None:
    """No request ends in a server error, or in a status, a header or a body that the document lacks."""
    url = callers.stack.outputs["apiUrl"]
    run = subprocess.run(  # noqa: S603 - our own arguments
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", CONFIGURATION),
            *("run", f"{url}/openapi.json", "--url", url, *authorization(callers, caller)),
            *("--phases", PHASES[caller], "--continue-on-failure", "--no-color"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def authorization(callers: Callers, caller: str) -> list[str]:
    """The arguments with a token of a caller who has nothing yet; none for nobody."""
    if caller not in SCOPES:
        return []
    scopes = " ".join(SCOPES[caller])
    token = callers.signed_again(callers.token(), lambda claims: {**claims, "sub": caller, "scope": scopes})
    return ["--header", f"Authorization: Bearer {token}"]
