"""README's example of a media type, in a copy of the project."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from contract.overlay import merge_patch
from functions.shared.sniffing import sniff
from testing.readme import README, readme_blocks

PROJECT = README.parent
HEADING = "Add a media type"
FILES = ("__main__.py", "Pulumi.yaml", "Pulumi.local.yaml")
FOLDERS = ("components", "contract", "functions", "policies", "program", "testing", "tests/unit")
# Prints the value of validate's variable MEDIA in the program.
MEDIA = """
import json, os, sys
from policies.recording import run
function = run("local").one("aws:lambda/function:Function", name="img-pipeline-local-validate")
print(function.inputs["environment"]["variables"]["MEDIA"])
"""
# Prints the verdict on each file, and whether Pillow was imported for them.
VERDICTS = """
import json, os, sys
from botocore.session import Session
from tests.unit.fake_aws import FakeDynamoDB, FakeS3
from functions.validate.handler import handler
s3 = FakeS3()
clients = {"s3": s3, "dynamodb": FakeDynamoDB()}
Session.create_client = lambda _session, service, **_: clients[service]
for key, text in json.loads(sys.argv[1]).items():
    s3.add(key, text.encode(), "")
    file = {"bucket": "ingest", "fileKey": key, "versionId": "v1", "bytes": len(text), "executionName": "e"}
    print(json.dumps(handler(file, None)), file=sys.stderr)
print(json.dumps("PIL" in sys.modules), file=sys.stderr)
"""
ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "eu-west-1",
    "DENYLIST_TABLE": "denylist",
    "MAX_BYTES": "100000",
    "POWERTOOLS_METRICS_NAMESPACE": "img-pipeline/test",
    "POWERTOOLS_SERVICE_NAME": "validate",
    "PYTHONDONTWRITEBYTECODE": "1",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with README's media type and a transform for it."""
    copy = tmp_path_factory.mktemp("project")
    for name in FILES:
        shutil.copy(PROJECT / name, copy / name)
    for name in FOLDERS:
        shutil.copytree(PROJECT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    (PROJECT / ".build").mkdir(exist_ok=True)
    (copy / ".build").symlink_to(PROJECT / ".build")  # the layer, which depends only on its lock
    entry, module, handler = readme_blocks(HEADING, "python")
    (schema,), (settings,) = readme_blocks(HEADING, "json"), readme_blocks(HEADING, "yaml")
    with (copy / "contract" / "media.py").open("a", encoding="utf-8") as registry:
        registry.write(entry)
    (copy / "functions" / "validate" / "text.py").write_text(module, encoding="utf-8")
    (copy / "functions" / "validate" / "text.schema.json").write_text(schema, encoding="utf-8")
    (copy / "functions" / "summary").mkdir()
    (copy / "functions" / "summary" / "__init__.py").touch()
    (copy / "functions" / "summary" / "handler.py").write_text(handler, encoding="utf-8")
    stack = copy / "Pulumi.local.yaml"
    values = merge_patch(yaml.safe_load(stack.read_text(encoding="utf-8")), yaml.safe_load(settings))
    stack.write_text(yaml.safe_dump(values), encoding="utf-8")
    return copy


def run(project: Path, program: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program in the copy; fails with its standard error."""
    command = [sys.executable, "-c", program, *arguments]
    finished = subprocess.run(  # noqa: S603 - our own interpreter
        command, cwd=project, env=ENVIRONMENT | environment, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr
    return finished


@pytest.fixture(scope="module")
def media(project: Path) -> str:
    """The value of validate's variable MEDIA."""
    return run(project, MEDIA).stdout.splitlines()[-1]


def verdicts_on(project: Path, media: str, files: dict[str, str]) -> tuple[list[dict[str, Any]], bool]:
    """The verdict on each file, and whether Pillow was imported for them."""
    *verdicts, pillow = run(project, VERDICTS, json.dumps(files), MEDIA=media).stderr.splitlines()
    return [json.loads(verdict) for verdict in verdicts], json.loads(pillow)


def test_a_family_of_types_is_added_without_changing_existing_ones(project: Path, media: str) -> None:
    assert json.loads(media)["text"] == {"accepted": ["text/plain"], "maxLines": 100}
    assert "image/jpeg" in json.loads(media)["image"]["accepted"]
    files = {
        "uploads/a.txt": "BM, the first line\n" * 100,
        "uploads/b.txt": "line\n" * 101,
        "uploads/c.png": "line\n",
        "uploads/d.html": "<!doctype html>",
    }
    (fits, long, misnamed, page), pillow = verdicts_on(project, media, files)
    assert (fits["accepted"], fits["mediaType"], fits["measures"]) == (True, "text/plain", {"lines": 100})
    assert long["reasonCode"] == "LIMIT_EXCEEDED"
    assert long["reason"] == "The text/plain file has 101 lines; at most 100 are accepted."
    assert misnamed["reasonCode"] == "TYPE_MISMATCH"
    assert (page["reasonCode"], page["mediaType"]) == ("UNSUPPORTED_TYPE", "text/html")
    assert not pillow


def test_the_transform_of_the_example_runs(project: Path) -> None:
    event = {"file": {"fileKey": "uploads/a.txt"}, "media": {"measures": {"lines": 3}}}
    program = "import sys, json; from functions.summary.handler import handler; "
    program += "print(json.dumps(handler(json.loads(sys.argv[1]), None)), file=sys.stderr)"
    answer = json.loads(run(project, program, json.dumps(event)).stderr)
    assert (answer["transform"], answer["record"], answer["renditions"]) == ("summary", {"lines": 3}, [])


def test_the_example_is_short() -> None:
    blocks = [block for language in ("python", "json", "yaml") for block in readme_blocks(HEADING, language)]
    assert sum(len(block.splitlines()) for block in blocks) < 40


@pytest.mark.parametrize("head", [b"BMW,blue\n", b"MZ,Mozambique\n", b"8BPS is a signature"])
def test_a_text_with_the_first_letters_of_a_binary_signature_is_not_detected_as_that_type(head: bytes) -> None:
    assert sniff(head) == "application/octet-stream"


def test_an_unknown_type_is_not_called_an_image(project: Path, media: str) -> None:
    (verdict,), _ = verdicts_on(project, media, {"uploads/a": "\0\1\2"})
    assert verdict["reason"] == "The file is of an unknown type, which is not accepted."
