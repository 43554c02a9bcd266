"""Commands about files, tried with tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from client.audit import audit_file
from client.jobs import find_jobs
from contract import queues
from testing.stack import Stack
from testing.waiting import eventually
from tests.operations.conftest import RunCommand, answers_of_saved_query
from tests.operations.test_dead_letters import empty, tried_once

ROWS = b"id,name\n" + b"1,Ann\n" * 30 + b"2\n"


@pytest.fixture(autouse=True)
def clean(stack: Stack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Each test begins and ends without dead letters, and has its own home for the audit file."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(queues, "WAIT_SECONDS", 0)
    empty(stack)
    yield
    empty(stack)


def test_a_table_is_uploaded_shown_traced_and_downloaded(
    stack: Stack, img_pipeline: RunCommand, tmp_path: Path
) -> None:
    file = tmp_path / "people.csv"
    file.write_bytes(ROWS)
    assert "4 renditions" in img_pipeline("upload", str(file), "--wait").stdout

    shown = img_pipeline("asset", "show", "people.csv").stdout.splitlines()
    assert [line.split() for line in shown if line.startswith(("rowCount", "quarantined"))] == [
        ["rowCount", "30"],
        ["quarantined", "1"],
    ]
    assert ["id", "bigint", "0", "1", "1", "1"] in [line.split() for line in shown]
    trace = json.loads(img_pipeline("trace", "people.csv", "--json").stdout)
    what = [entry["what"] for entry in trace["entries"]]
    assert "recorded with 4 renditions; 30 rows, 1 more in quarantine" in what
    assert not [entry for entry in trace["entries"] if entry["failed"]]
    eventually(
        lambda: (
            {
                line["function"]
                for line in json.loads(img_pipeline("logs", "people.csv", "--json").stdout)
                if line["named"]
            }
            == {"validate", "table"}
        ),
        "the functions' lines",
    )
    assert img_pipeline("download", "people.csv", str(tmp_path / "out")).exit_code == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "table.parquet",
        "preview.json",
        "profile.json",
        "quarantine.jsonl",
    }
    (job,) = find_jobs(stack.pipeline, "people.csv")
    assert f"version {job['versionId']}" in img_pipeline("trace", job["jobId"]).stdout


def test_rejected_tables_are_grouped_by_cause_and_validated_again(stack: Stack, img_pipeline: RunCommand) -> None:
    misfits = [stack.upload(f"uploads/tables/{number}.csv", b"a,b\n1,2\n3\n4,5\n") for number in range(2)]
    binary = stack.upload("uploads/tables/binary.csv", bytes(range(256)) * 8)
    stack.finish(*misfits, binary)

    (shown,) = json.loads(img_pipeline("dlq", "show", "validate", "--json").stdout)
    causes = {cause["cause"]: cause for cause in shown["causes"]}
    assert causes["ROWS_MISFIT"]["count"] == 2
    assert set(causes["ROWS_MISFIT"]["sampleKeys"]) == {upload.file_key for upload in misfits}
    assert len(causes) == 2
    assert "line 3" in img_pipeline("dlq", "peek", misfits[0].file_key).stdout
    logged = eventually(
        lambda: [
            row for row in answers_of_saved_query(stack, "rejections-by-reason") if row["outcome"] == "ROWS_MISFIT"
        ],
        "the function's lines",
    )
    assert [(row["service"], row["files"]) for row in logged] == [("table", "2")]

    with stack.broken("table", SETTINGS=json.dumps(table_settings(stack) | {"toleratedPercent": 50})):
        replayed = img_pipeline("dlq", "replay", "validate", "--only", "ROWS_MISFIT", "--yes").stdout
        assert "replayed 2 to" in replayed
        for upload in misfits:
            eventually(lambda upload=upload: stack.pipeline.asset(upload.file_key), "the table's record", 60)
    (left,) = json.loads(img_pipeline("dlq", "show", "validate", "--json").stdout)
    assert [cause["sampleKeys"] for cause in left["causes"]] == [[binary.file_key]]


def test_failed_table_is_explained_replayed_and_completed(stack: Stack, img_pipeline: RunCommand) -> None:
    transform_dlq = stack.outputs["transformDlqUrl"]
    with stack.broken("table", SETTINGS="{"), tried_once(stack):
        upload = stack.upload("uploads/tables/failing.csv", ROWS)
        eventually(lambda: stack.pipeline.queue_depth(transform_dlq) == 1, "the dead letter", 120)

    (shown,) = json.loads(img_pipeline("dlq", "show", "transform", "--json").stdout)
    assert [(cause["cause"], cause["sampleKeys"]) for cause in shown["causes"]] == [
        ("ConfigurationError", [upload.file_key])
    ]
    trace = json.loads(img_pipeline("trace", upload.file_key, "--json").stdout)
    assert trace["now"][0].startswith("Attempt 1 failed with ConfigurationError: ")
    assert "ConfigurationError" in img_pipeline("logs", upload.file_key).stdout

    assert "replayed 1 to" in img_pipeline("dlq", "replay", "transform", "--all", "--yes").stdout

    (job,) = stack.finish(upload)
    assert job["status"] == "COMPLETED"
    assert stack.pipeline.queue_depth(transform_dlq) == 0


def test_recorded_tables_are_processed_again_although_their_content_is_the_same(
    stack: Stack, img_pipeline: RunCommand
) -> None:
    upload = stack.upload("uploads/tables/again/ledger.csv", ROWS)
    stack.finish(upload)
    first = processed_at(stack, upload.file_key)
    assert "sent 1 files" in img_pipeline("rerender", "tables/again/ledger.csv", "--yes").stdout
    second = eventually(lambda: _later(stack, upload.file_key, first), "the table in a new run", 60)
    finished = img_pipeline("backfill", "--prefix", "uploads/tables/again/").stdout
    assert "backfill would send 0 of 1 files (1 are finished)" in finished
    assert (
        "sent 1 of 1 files" in img_pipeline("backfill", "--prefix", "uploads/tables/again/", "--force", "--yes").stdout
    )
    eventually(lambda: _later(stack, upload.file_key, second), "the table in another new run", 60)
    stack.await_idle()
    assert [json.loads(line)["action"] for line in audit_file("local").read_text().splitlines()][::2] == [
        "rerender",
        "backfill",
    ]


def table_settings(stack: Stack) -> dict[str, Any]:
    """The settings of the function for tables, as it has them."""
    configuration = stack.cloud.client("lambda").get_function_configuration(
        FunctionName=stack.outputs["functionNames"]["table"], Qualifier="live"
    )
    return json.loads(configuration["Environment"]["Variables"]["SETTINGS"])


def processed_at(stack: Stack, file_key: str) -> str:
    """When the record was written, once its result is published."""
    asset = stack.pipeline.asset(file_key)
    return asset["persistedAt"] if asset and "publishedAt" in asset else ""


def _later(stack: Stack, file_key: str, before: str) -> str:
    at = processed_at(stack, file_key)
    return at if at > before else ""
