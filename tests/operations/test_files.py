"""Interrupted uploads continue; jobs are found by status, file and id, and followed to their end."""

from __future__ import annotations

import json
import threading
import uuid
from pathlib import Path

import pytest

from client.audit import audit_file
from client.errors import PipelineError
from client.jobs import find_jobs, follow, newest_jobs
from client.pipeline import Pipeline
from client.uploads import LocalFile, Outcome, Upload, find_files, is_stored, upload_files
from contract.assets import DELETED_RUN
from operations.interruption import Interruption
from testing.pictures import photograph
from testing.stack import Stack
from tests.operations.conftest import RunCommand


def keys(files: list[LocalFile]) -> list[str]:
    return [file.key for file in files]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """photos/ with two pictures, one of them in a folder, and things that are no uploads."""
    root = tmp_path / "photos"
    (root / "beach").mkdir(parents=True)
    (root / ".cache").mkdir()
    (root / "dog.jpg").write_bytes(photograph(1))
    (root / "beach" / "cat ä.jpg").write_bytes(photograph(2))
    (root / ".DS_Store").write_bytes(b"x")
    (root / ".cache" / "thumbnail.jpg").write_bytes(b"x")
    return root


def test_folder_keeps_its_name_and_all_files_that_are_not_hidden(folder: Path) -> None:
    assert keys(find_files([str(folder)])) == ["uploads/photos/beach/cat ä.jpg", "uploads/photos/dog.jpg"]


def test_key_has_the_files_name_or_the_part_that_the_pattern_matched(folder: Path) -> None:
    assert keys(find_files([str(folder / "beach" / "cat ä.jpg")])) == ["uploads/cat ä.jpg"]
    assert keys(find_files([str(folder / "**" / "*.jpg")])) == ["uploads/beach/cat ä.jpg", "uploads/dog.jpg"]


@pytest.mark.parametrize("prefix", ["summer/2026", "/summer/2026/", "uploads/summer/2026"])
def test_a_prefix_is_a_folder_below_uploads(folder: Path, prefix: str) -> None:
    assert keys(find_files([str(folder / "dog.jpg")], prefix)) == ["uploads/summer/2026/dog.jpg"]


def test_two_files_that_would_get_one_key_are_refused(folder: Path) -> None:
    (folder / "beach" / "dog.jpg").write_bytes(b"another")
    with pytest.raises(PipelineError, match=r"would both become uploads/dog\.jpg"):
        find_files([str(folder / "dog.jpg"), str(folder / "beach" / "dog.jpg")])


def test_a_file_named_twice_is_one_upload(folder: Path) -> None:
    assert len(find_files([str(folder / "dog.jpg"), str(folder / "*.jpg")])) == 1


@pytest.mark.parametrize("path", ["missing.jpg", "missing/", "missing/*.jpg"])
def test_path_without_files_is_an_error(tmp_path: Path, path: str) -> None:
    with pytest.raises(PipelineError, match="does not exist: name a file"):
        find_files([str(tmp_path / path)])


def test_unchanged_file_is_skipped(connection: Pipeline, folder: Path) -> None:
    files = find_files([str(folder)], "again")
    first = upload_files(connection, files)
    assert {transfer.outcome for transfer in first} == {Outcome.UPLOADED}

    (folder / "dog.jpg").write_bytes(photograph(3))
    cat, dog = upload_files(connection, files)
    assert (cat.outcome, dog.outcome) == (Outcome.UNCHANGED, Outcome.UPLOADED)
    assert cat.upload == first[0].upload, "the version that is there is the one to follow"

    (forced,) = upload_files(connection, files[:1], force=True)
    assert forced.outcome is Outcome.UPLOADED
    assert forced.upload != cat.upload


def test_same_size_but_other_content_is_uploaded(connection: Pipeline, folder: Path) -> None:
    (file,) = find_files([str(folder / "dog.jpg")], "same-size")
    upload_files(connection, [file])
    file.path.write_bytes(file.path.read_bytes()[::-1])
    assert [transfer.outcome for transfer in upload_files(connection, [file])] == [Outcome.UPLOADED]


def test_interrupted_upload_starts_no_further_file_and_continues_next_time(
    connection: Pipeline, tmp_path: Path
) -> None:
    for number in range(12):
        (tmp_path / f"{number:02}.jpg").write_bytes(photograph(number, (32, 32)))
    files = find_files([str(tmp_path / "*.jpg")], "stopped")
    interruption = Interruption()
    done = upload_files(connection, files, parallel=1, clock=interruption, on_done=lambda _: interruption.request())
    assert len(done) == 1
    outcomes = [transfer.outcome for transfer in upload_files(connection, files)]
    assert outcomes == [Outcome.UNCHANGED] + 11 * [Outcome.UPLOADED]


def test_unreadable_file_does_not_stop_the_other_uploads(connection: Pipeline, folder: Path) -> None:
    files = [*find_files([str(folder)], "partly"), LocalFile(path=folder / "gone.jpg", key="uploads/partly/gone.jpg")]
    transfers = upload_files(connection, files)
    assert [transfer.outcome for transfer in transfers] == [Outcome.UPLOADED, Outcome.UPLOADED, Outcome.FAILED]
    assert "gone.jpg" in transfers[-1].error


def test_upload_and_wait_prints_the_status_of_each_file(img_pipeline: RunCommand, folder: Path) -> None:
    (folder / "note.jpg").write_text("no image")
    result = img_pipeline("upload", str(folder), "--prefix", "told", "--wait")
    assert result.exit_code == 1, "one file was rejected"
    assert "3 uploaded" in result.stdout
    lines = {line.split("  ")[0]: line for line in result.stdout.splitlines()}
    assert "COMPLETED" in lines["uploads/told/photos/dog.jpg"]
    assert "9 renditions" in lines["uploads/told/photos/beach/cat ä.jpg"]
    assert "REJECTED" in lines["uploads/told/photos/note.jpg"]
    assert "UNSUPPORTED_TYPE" in lines["uploads/told/photos/note.jpg"]


def test_upload_and_wait_as_json_prints_each_job(img_pipeline: RunCommand, folder: Path) -> None:
    result = img_pipeline("upload", str(folder / "dog.jpg"), "--prefix", "json", "--wait", "--json")
    assert result.exit_code == 0, result.output
    (record,) = json.loads(result.stdout)
    assert record["fileKey"] == "uploads/json/dog.jpg"
    assert record["outcome"] == "uploaded"
    assert record["job"]["status"] == "COMPLETED"
    assert record["job"]["attempt"] == 1


def test_upload_as_json_has_the_job_id_of_the_key_for_its_first_version_only(
    stack: Stack, connection: Pipeline, img_pipeline: RunCommand, tmp_path: Path
) -> None:
    carried = uuid.uuid4().hex
    folder = tmp_path / carried
    folder.mkdir()
    records, uploads = [], []
    with stack.paused():
        for seed in (1, 2):
            (folder / "cat.jpg").write_bytes(photograph(seed))
            (record,) = json.loads(img_pipeline("upload", str(folder), "--json").stdout)
            records.append(record)
            uploads.append(
                Upload(
                    bucket=stack.outputs["ingestBucket"],
                    file_key=f"uploads/{carried}/cat.jpg",
                    version_id=record["versionId"],
                )
            )
        assert [connection.job_id(upload) for upload in uploads] == [carried, uploads[1].job_id]
        assert (
            img_pipeline("trace", f"{carried}/cat.jpg", "--version", uploads[0].version_id).stdout.count(carried) == 2
        )
    stack.finish(*uploads)
    connection.client("s3").delete_object(
        Bucket=uploads[0].bucket, Key=uploads[0].file_key, VersionId=uploads[0].version_id
    )

    rows = connection.jobs_of(uploads)
    assert [record["jobId"] for record in records] == [rows[upload]["jobId"] for upload in uploads]
    assert [connection.job_id(upload) for upload in uploads] == [rows[upload]["jobId"] for upload in uploads]


def test_waiting_ends_with_the_last_delivery_of_a_file_that_keeps_failing(stack: Stack, connection: Pipeline) -> None:
    with stack.broken("watermark", SETTINGS="{}"):
        upload = stack.upload("uploads/waiting/fails.jpg")
        row = follow(connection, [upload], clock=Interruption(), timeout_seconds=60)[upload]
    assert row is not None
    assert row["status"] == "FAILED"
    assert row["attempt"] == 5


def test_waiting_ends_when_it_is_interrupted(stack: Stack, connection: Pipeline) -> None:
    interruption = Interruption()
    with stack.paused():
        upload = stack.upload("uploads/waiting/paused.jpg")
        threading.Timer(0.3, interruption.request).start()
        assert follow(connection, [upload], clock=interruption, timeout_seconds=60) == {upload: None}
    stack.finish(upload)


def test_jobs_are_listed_newest_first_and_by_status(
    stack: Stack, connection: Pipeline, img_pipeline: RunCommand
) -> None:
    good = stack.upload("uploads/listed/good.jpg")
    stack.finish(good)
    bad = stack.upload("uploads/listed/bad.jpg", b"no image")
    stack.finish(bad)
    assert [row["jobId"] for row in newest_jobs(connection, limit=2)] == [bad.job_id, good.job_id]
    assert [row["jobId"] for row in newest_jobs(connection, status="REJECTED", limit=1)] == [bad.job_id]

    listed = img_pipeline("jobs", "list", "--status", "rejected", "--limit", "1").stdout
    assert "uploads/listed/bad.jpg" in listed
    assert "UNSUPPORTED_TYPE" in listed
    (row,) = json.loads(img_pipeline("jobs", "list", "--limit", "1", "--json").stdout)
    assert row["fileKey"] == "uploads/listed/bad.jpg"


def test_unknown_status_is_reported_with_the_existing_ones(img_pipeline: RunCommand) -> None:
    assert "a job is PENDING, PROCESSING, COMPLETED" in str(img_pipeline("jobs", "list", "--status", "DONE").exception)


def test_a_job_is_shown_by_id_and_by_file_with_its_older_versions(
    stack: Stack, connection: Pipeline, img_pipeline: RunCommand
) -> None:
    older = stack.upload("uploads/shown/cat.jpg")
    stack.finish(older)
    newer = stack.upload("uploads/shown/cat.jpg", b"no image")
    stack.finish(newer)
    assert [row["jobId"] for row in find_jobs(connection, "shown/cat.jpg")] == [newer.job_id, older.job_id]
    assert [row["jobId"] for row in find_jobs(connection, older.job_id)] == [older.job_id]

    shown = img_pipeline("jobs", "show", "shown/cat.jpg").stdout
    assert shown.index("UNSUPPORTED_TYPE") < shown.index("RECEIVED") < shown.index("older versions")
    assert "TRANSFORMED" in img_pipeline("jobs", "show", older.job_id).stdout


def test_watching_files_ends_when_all_are_over(stack: Stack, img_pipeline: RunCommand) -> None:
    for name in ("one", "two"):
        stack.upload(f"uploads/watched/{name}.jpg")
    watched = img_pipeline("jobs", "watch", "watched/one.jpg", "watched/two.jpg")
    assert watched.exit_code == 0
    for name in ("one", "two"):
        assert f"COMPLETED  uploads/watched/{name}.jpg" in watched.stdout


def test_an_asset_is_shown_with_its_renditions_and_metadata(stack: Stack, img_pipeline: RunCommand) -> None:
    upload = stack.upload("uploads/kept/cat.jpg")
    stack.finish(upload)
    shown = img_pipeline("asset", "show", "kept/cat.jpg").stdout
    assert f"processed/uploads/kept/cat.jpg/{upload.version_id}/w160.webp" in shown
    assert "dominantColours" in shown
    record = json.loads(img_pipeline("asset", "show", "kept/cat.jpg", "--json").stdout)
    assert (record["measures"]["width"], record["measures"]["height"]) == (480, 320)
    assert len(record["renditions"]) == len({rendition["key"] for rendition in record["renditions"]})
    missing = img_pipeline("asset", "show", "kept/dog.jpg").exception
    assert "jobs show uploads/kept/dog.jpg --stack local" in str(missing)


def test_deleted_asset_is_gone_for_every_command(
    connection: Pipeline, stack: Stack, img_pipeline: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    key = "uploads/deleted/cat.jpg"
    stack.finish(stack.upload(key))

    done = img_pipeline("asset", "delete", "deleted/cat.jpg", "--yes")

    assert (done.exit_code, done.stdout.startswith(f"{key} was deleted at 20")) == (0, True)
    assert connection.asset(key) is None
    assert list(connection.scan_assets("uploads/deleted/")) == []
    assert connection.records([key])[key]["run"] == DELETED_RUN
    for command in (
        ("asset", "show", key),
        ("asset", "delete", key, "--yes"),
        ("download", key, str(tmp_path / "out")),
        ("rerender", key, "--yes"),
    ):
        assert f"{key} was deleted at 20" in str(img_pipeline(*command).exception), command
    assert img_pipeline("jobs", "show", key).stdout.startswith(f"{key} was deleted at 20")
    started, completed = map(json.loads, audit_file("local").read_text().splitlines())
    assert (started["action"], started["key"], completed["event"]) == ("asset delete", key, "completed")


def test_delete_without_consent_changes_nothing(connection: Pipeline, stack: Stack, img_pipeline: RunCommand) -> None:
    key = "uploads/not-deleted.jpg"
    stack.finish(stack.upload(key))

    asked = img_pipeline("asset", "delete", key)

    assert f"{key}: its original gets a delete marker" in asked.stdout
    assert is_stored(connection, key)
    assert (connection.asset(key) or {})["fileKey"] == key
    missing = str(img_pipeline("asset", "delete", "nothing.jpg", "--yes").exception)
    assert "has no record of uploads/nothing.jpg" in missing


def test_deletion_that_is_not_recorded_in_time_is_an_error(
    connection: Pipeline, stack: Stack, img_pipeline: RunCommand
) -> None:
    key = "uploads/slowly-deleted.jpg"
    stack.finish(stack.upload(key))
    with stack.paused():
        late = str(img_pipeline("asset", "delete", key, "--yes", "--timeout", "0").exception)
    assert "its record does not say so after 0 seconds: `img-pipeline drain" in late
    assert not is_stored(connection, key)


def test_job_that_waits_for_its_file_is_listed(connection: Pipeline, img_pipeline: RunCommand) -> None:
    row = {
        "jobId": {"S": "ab" * 16},
        "status": {"S": "PENDING"},
        "fileKey": {"S": f"uploads/{'ab' * 16}/waiting.jpg"},
        "createdAt": {"S": "2126-01-01T00:00:00.000Z"},
        "updatedAt": {"S": "2126-01-01T00:00:00.000Z"},
    }
    connection.client("dynamodb").put_item(TableName=connection.outputs.jobs_table, Item=row)

    listed = img_pipeline("jobs", "list", "--status", "pending")

    assert "waiting.jpg" in listed.stdout
    assert img_pipeline("jobs", "show", "ab" * 16).exit_code == 0
    connection.client("dynamodb").delete_item(TableName=connection.outputs.jobs_table, Key={"jobId": row["jobId"]})
