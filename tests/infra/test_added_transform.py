"""README's transform, word for word, in a copy of the project: one folder and one entry are enough."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.settings import PROJECT_DIRECTORY
from contract.overlay import merge_patch
from testing.readme import readme_block

FILES = ("__main__.py", "Pulumi.yaml", "Pulumi.local.yaml")
FOLDERS = ("components", "contract", "functions", "policies", "program")
# Prints the resources of the added function.
PROGRAM = """
import json, sys
from policies.recording import run
recording = run("local", json.loads(sys.argv[1]))
function = recording.one("aws:lambda/function:Function", name="img-pipeline-local-grey")
machine = recording.one("aws:sfn/stateMachine:StateMachine", name="img-pipeline-local-state-machine")
print(json.dumps({
    "variables": function.inputs["environment"]["variables"],
    "items": json.loads(machine.inputs["definition"])["States"]["Transform"]["Items"],
    "functions": sorted(recording.outputs["functionNames"]),
}))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the transform added."""
    copy = tmp_path_factory.mktemp("project")
    for name in FILES:
        shutil.copy(PROJECT_DIRECTORY / name, copy / name)
    for name in FOLDERS:
        shutil.copytree(PROJECT_DIRECTORY / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    (PROJECT_DIRECTORY / ".build").mkdir(exist_ok=True)
    (copy / ".build").symlink_to(PROJECT_DIRECTORY / ".build")  # the layer, which depends on its lock alone
    folder = copy / "functions" / "grey"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "handler.py").write_text(readme_block("python"), encoding="utf-8")
    (folder / "settings.schema.json").write_text(readme_block("json"), encoding="utf-8")
    stack = copy / "Pulumi.local.yaml"
    settings = merge_patch(yaml.safe_load(stack.read_text(encoding="utf-8")), yaml.safe_load(readme_block("yaml")))
    stack.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return copy


def deploy(project: Path, **overrides: object) -> subprocess.CompletedProcess[str]:
    """Run the copy's program with every provider replaced by a recording."""
    command = [sys.executable, "-c", PROGRAM, json.dumps(overrides)]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)  # noqa: S603


def test_one_folder_and_one_entry_add_a_transform_with_settings(project: Path) -> None:
    finished = deploy(project)
    assert finished.returncode == 0, finished.stderr
    made: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    assert json.loads(made["variables"]["SETTINGS"]) == {"quality": 70}
    assert made["functions"] == [
        "api",
        "erase",
        "failed_order",
        "fulfil",
        "grey",
        "metadata",
        "operator",
        "replay",
        "table",
        "thumbnail",
        "validate",
        "watermark",
    ]
    assert '"name": "grey"' in made["items"]


def test_its_settings_are_checked_before_any_resource_is_created(project: Path) -> None:
    finished = deploy(project, transforms={"grey": {"settings": {"quality": 96}}})
    assert finished.returncode != 0
    assert "img-pipeline:transforms.grey.settings.quality = 96 is not accepted" in finished.stderr
