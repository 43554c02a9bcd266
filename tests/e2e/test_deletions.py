"""What remains of a file that was deleted, whatever else happens to it at the same time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from client.uploads import Upload
from contract.jobs import version_job_id
from contract.keys import PROCESSED, renditions_folder
from testing.stack import Stack
from testing.waiting import eventually


def delete(stack: Stack, file_key: str, **version: str) -> Upload:
    """Delete a file, or one version of it; the version that S3's event names."""
    bucket = stack.outputs["ingestBucket"]
    answer = stack.cloud.client("s3").delete_object(Bucket=bucket, Key=file_key, **version)
    return Upload(bucket=bucket, file_key=file_key, version_id=answer["VersionId"])


def record(stack: Stack, file_key: str) -> dict[str, Any]:
    table, key = stack.outputs["assetsTable"], {"fileKey": {"S": file_key}}
    return stack.cloud.client("dynamodb").get_item(TableName=table, Key=key, ConsistentRead=True).get("Item", {})


def is_deleted(stack: Stack, file_key: str) -> bool:
    return "deletedAt" in record(stack, file_key) and not renditions(stack, f"{PROCESSED}{file_key}/")


def renditions(stack: Stack, folder: str) -> list[str]:
    """Everything stored under a folder of the processed bucket, old versions and delete markers included."""
    listed = stack.cloud.client("s3").list_object_versions(Bucket=stack.outputs["processedBucket"], Prefix=folder)
    return [each["Key"] for each in [*listed.get("Versions", []), *listed.get("DeleteMarkers", [])]]


def deletions(stack: Stack, file_key: str) -> list[dict[str, Any]]:
    """The messages about a file's deletion that subscribers have received since the last look."""
    urls = stack.outputs["resultsQueueUrls"].values()
    messages = [message for url in urls for message in stack.pipeline.take_messages(url)]
    return [each for each in messages if each["type"] == "AssetDeleted" and each["fileKey"] == file_key]


def audit_lines(stack: Stack) -> list[dict[str, Any]]:
    group = stack.outputs["logGroups"]["audit"]
    events = stack.cloud.client("logs").filter_log_events(logGroupName=group)["events"]
    return [json.loads(event["message"]) for event in events]


def test_deleted_file_leaves_no_rendition_of_any_version_and_no_record(stack: Stack) -> None:
    file_key = "uploads/deleted.jpg"
    for _ in range(2):
        stack.finish(stack.upload(file_key))
    assert len({key.split("/")[3] for key in renditions(stack, f"{PROCESSED}{file_key}/")}) == 2

    delete(stack, file_key)

    eventually(lambda: is_deleted(stack, file_key), "the file's deletion")
    stack.await_idle()
    assert record(stack, file_key).keys() == {
        "fileKey",
        "versionId",
        "sequencer",
        "run",
        "mediaType",
        "eventTime",
        "deletedAt",
        "expiresAt",
    }
    (message,) = eventually(lambda: deletions(stack, file_key), "the message about the deletion")
    assert message["mediaType"] == "image/jpeg"
    (line,) = [line for line in audit_lines(stack) if line.get("fileKey") == file_key]
    assert (line["action"], line["event"], line["counts"]["jobs"]) == ("asset erase", "completed", 2)
    assert line["counts"]["renditions"] > 2


def test_deletion_leaves_a_file_alone_whose_key_begins_alike(stack: Stack) -> None:
    other = "uploads/album/picture.jpg"
    stack.finish(stack.upload("uploads/album"), stack.upload(other))

    delete(stack, "uploads/album")

    eventually(lambda: "deletedAt" in record(stack, "uploads/album"), "the file's deletion")
    stack.await_idle()
    assert "renditions" in record(stack, other)
    assert renditions(stack, f"{PROCESSED}{other}/")


def test_late_event_of_an_older_version_restores_nothing(stack: Stack) -> None:
    upload = stack.upload("uploads/late.jpg")
    stack.finish(upload)
    event = stack.event_of(upload)
    delete(stack, upload.file_key)
    eventually(lambda: is_deleted(stack, upload.file_key), "the file's deletion")

    # Again, as when somebody renders a file anew.
    stack.deliver(event | {"run": "9999-12-31T00:00:00Z"})

    job = eventually(
        lambda: (row := stack.pipeline.job(upload)) and row["status"] == "SUPERSEDED" and row, "the end of the late run"
    )
    assert job["status"] == "SUPERSEDED"
    assert is_deleted(stack, upload.file_key)


@pytest.mark.parametrize("rendered_anew", [False, True], ids=["upload", "rerender"])
def test_deletion_during_the_processing_wins(stack: Stack, rendered_anew: bool) -> None:
    file_key = f"uploads/raced-{rendered_anew}.jpg"
    with stack.paused():
        upload = stack.upload(file_key)
        event = stack.event_of(upload)
        if rendered_anew:
            stack.deliver(event | {"run": "2026-01-01T00:00:00Z"})
        delete(stack, file_key)

    eventually(lambda: "deletedAt" in record(stack, file_key), "the file's deletion")
    stack.await_idle()
    eventually(lambda: is_deleted(stack, file_key), "the end of what was still being processed")


def test_upload_after_a_deletion_is_processed(stack: Stack) -> None:
    file_key = "uploads/again.jpg"
    stack.finish(stack.upload(file_key))
    delete(stack, file_key)
    eventually(lambda: is_deleted(stack, file_key), "the file's deletion")

    upload = stack.upload(file_key)
    stack.finish(upload)

    assert record(stack, file_key)["versionId"]["S"] == upload.version_id
    assert "deletedAt" not in record(stack, file_key)


def test_deletion_that_comes_again_after_a_newer_upload_leaves_it_alone(stack: Stack) -> None:
    file_key = "uploads/replaced.jpg"
    stack.finish(stack.upload(file_key))
    marker = delete(stack, file_key)
    eventually(lambda: is_deleted(stack, file_key), "the file's deletion")
    newer = stack.upload(file_key)
    stack.finish(newer)
    eventually(lambda: deletions(stack, file_key), "the message about the deletion")

    stack.deliver(stack.event_of(marker))
    stack.await_idle()

    assert record(stack, file_key)["versionId"]["S"] == newer.version_id
    assert renditions(stack, renditions_folder(file_key, newer.version_id))
    assert deletions(stack, file_key) == []


def test_permanent_deletion_of_the_current_version_removes_its_record_and_renditions(stack: Stack) -> None:
    file_key = "uploads/gone.jpg"
    older, current = stack.upload(file_key), stack.upload(file_key)
    stack.finish(older, current)

    delete(stack, file_key, VersionId=current.version_id)

    eventually(lambda: "deletedAt" in record(stack, file_key), "the version's deletion")
    stack.await_idle()
    assert renditions(stack, renditions_folder(file_key, current.version_id)) == []
    eventually(lambda: deletions(stack, file_key), "the message about the deletion")


def test_permanent_deletion_of_an_older_version_leaves_the_record(stack: Stack) -> None:
    file_key = "uploads/kept.jpg"
    older = stack.upload(file_key)
    stack.finish(older)
    current = stack.upload(file_key)
    stack.finish(current)

    delete(stack, file_key, VersionId=older.version_id)

    eventually(
        lambda: not renditions(stack, renditions_folder(file_key, older.version_id)), "the older renditions' end"
    )
    stack.await_idle()
    assert record(stack, file_key)["versionId"]["S"] == current.version_id
    assert renditions(stack, renditions_folder(file_key, current.version_id))
    assert deletions(stack, file_key) == []


def test_jobs_of_a_deleted_file_lose_what_its_uploader_said(stack: Stack) -> None:
    upload = stack.upload("uploads/personal.jpg")
    stack.finish(upload)
    bucket, table = stack.outputs["ingestBucket"], stack.outputs["jobsTable"]
    key = {"jobId": {"S": version_job_id(bucket, upload.file_key, upload.version_id)}}
    dynamodb = stack.cloud.client("dynamodb")
    dynamodb.update_item(
        TableName=table,
        Key=key,
        UpdateExpression="SET fileName = :name, callbackUrl = :url",
        ExpressionAttributeValues={":name": {"S": "Jo Doe.jpg"}, ":url": {"S": "https://example.com/jo"}},
    )

    delete(stack, upload.file_key)

    def marked() -> dict[str, Any] | None:
        row = dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]
        return row if "deletedAt" in row else None

    row = eventually(marked, "the job's mark")
    assert {"fileName", "callbackUrl"}.isdisjoint(row)
    assert row["status"]["S"] == "COMPLETED"
