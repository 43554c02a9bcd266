"""The outcome of a file, whatever the order and number of its events."""

from __future__ import annotations

import io

from PIL import Image

from client.uploads import Upload
from testing.pictures import photograph
from testing.stack import Stack
from testing.waiting import eventually


def test_a_photograph_becomes_renditions_a_record_and_one_notification(stack: Stack) -> None:
    upload = stack.upload("uploads/first.jpg")
    (job,) = stack.finish(upload)
    stack.await_idle()

    assert job["status"] == "COMPLETED"
    assert [stage["stage"] for stage in job["stages"]] == [
        "RECEIVED",
        "VALIDATED",
        "TRANSFORMED",
        "PERSISTED",
        "PUBLISHED",
        "COMPLETED",
    ]
    asset = stack.pipeline.asset("uploads/first.jpg")
    assert asset is not None
    assert (asset["versionId"], asset["measures"]["width"], asset["measures"]["height"]) == (
        upload.version_id,
        480,
        320,
    )
    assert asset["publishedAt"]
    assert asset["traceId"]
    assert {rendition["name"] for rendition in asset["renditions"]} >= {"w160-jpeg", "w160-webp", "watermark"}
    for rendition in asset["renditions"]:
        stored = stack.cloud.client("s3").get_object(Bucket=stack.outputs["processedBucket"], Key=rendition["key"])
        body = stored["Body"].read()
        assert len(body) == rendition["bytes"]
        assert stored["ContentType"] == rendition["contentType"]
        with Image.open(io.BytesIO(body)) as picture:
            assert picture.size == (rendition["width"], rendition["height"])
            assert not picture.getexif()
    (notification,) = stack.notifications(upload)
    assert notification["type"] == "AssetReady"
    assert len(notification["renditions"]) == len(asset["renditions"])


def test_the_same_event_twice_gives_one_record_and_one_notification(stack: Stack) -> None:
    upload = stack.upload("uploads/twice.jpg")
    stack.finish(upload)
    persisted_at = _asset(stack, upload)["persistedAt"]

    stack.deliver(stack.event_of(upload))
    stack.await_idle()

    assert _asset(stack, upload)["persistedAt"] == persisted_at
    assert len(stack.notifications(upload)) == 1
    (job,) = stack.finish(upload)
    assert job["status"] == "COMPLETED"


def test_the_same_event_twice_at_once_gives_one_record(stack: Stack) -> None:
    with stack.paused():
        upload = stack.upload("uploads/at-once.jpg")
        stack.deliver(stack.event_of(upload))
    stack.finish(upload)
    stack.await_idle()

    assert _asset(stack, upload)["versionId"] == upload.version_id
    # Both executions may find the record unpublished: subscribers see the version at least once.
    assert {message["versionId"] for message in stack.notifications(upload)} == {upload.version_id}


def test_a_newer_version_replaces_the_record(stack: Stack) -> None:
    old = stack.upload("uploads/newer.jpg", photograph(seed=1))
    stack.finish(old)
    new = stack.upload("uploads/newer.jpg", photograph(seed=2, size=(300, 200)))
    stack.finish(new)

    asset = _asset(stack, new)
    assert (asset["versionId"], asset["measures"]["width"]) == (new.version_id, 300)
    assert len(stack.notifications(old, new)) == 2


def test_an_older_version_arriving_late_changes_nothing(stack: Stack) -> None:
    with stack.paused():
        old = stack.upload("uploads/late.jpg", photograph(seed=1))
        new = stack.upload("uploads/late.jpg", photograph(seed=2, size=(300, 200)))
        events = [stack.event_of(new), stack.event_of(old)]
        eventually(lambda: stack.pipeline.queue_depth(stack.outputs["transformQueueUrl"]) == 2, "both events")
        stack.pipeline.take_messages(stack.outputs["transformQueueUrl"])
    for event, upload in zip(events, (new, old), strict=True):
        stack.deliver(event)
        stack.finish(upload)

    asset = _asset(stack, new)
    assert asset["versionId"] == new.version_id
    assert all(new.version_id in rendition["key"] for rendition in asset["renditions"])
    (late,) = stack.finish(old)
    assert late["status"] == "SUPERSEDED"
    assert [message["versionId"] for message in stack.notifications(old, new)] == [new.version_id]


def test_the_job_id_in_a_key_belongs_to_the_first_version_and_the_second_is_a_job_of_its_own(stack: Stack) -> None:
    job_id = "0123456789abcdef0123456789abcdef"
    first = stack.upload(f"uploads/{job_id}/cat.jpg", photograph(seed=1))
    second = stack.upload(first.file_key, photograph(seed=2, size=(300, 200)))
    rows = stack.finish(first, second)

    assert [row["jobId"] for row in rows] == [job_id, second.job_id]
    assert [row["versionId"] for row in rows] == [first.version_id, second.version_id]
    assert rows[1]["status"] == "COMPLETED"
    assert rows[0]["status"] in ("COMPLETED", "SUPERSEDED")
    assert _asset(stack, second)["versionId"] == second.version_id


def test_a_rejected_file_is_recorded_with_a_reason_kept_and_published(stack: Stack) -> None:
    upload = stack.upload("uploads/cut.jpg", photograph()[:4000])
    (job,) = stack.finish(upload)

    assert (job["status"], job["reasonCode"]) == ("REJECTED", "CORRUPT")
    assert job["reason"]
    assert job["hint"]
    (kept,) = [
        message
        for message in stack.pipeline.take_messages(stack.outputs["validateDlqUrl"])
        if message["file"]["jobId"] == upload.job_id
    ]
    assert kept["reasonCode"] == "CORRUPT"
    assert kept["event"]["detail"]["object"]["version-id"] == upload.version_id
    (notification,) = stack.notifications(upload)
    assert (notification["type"], notification["reasonCode"]) == ("AssetRejected", "CORRUPT")
    assert stack.pipeline.asset("uploads/cut.jpg") is None
    stack.await_idle()
    assert stack.pipeline.queue_depth(stack.outputs["transformDlqUrl"]) == 0


def test_a_hundred_concurrent_uploads_each_have_one_record_and_one_notification(stack: Stack) -> None:
    with stack.paused():
        uploads = [stack.upload(f"uploads/burst/{number:03}.jpg", photograph(seed=number % 5)) for number in range(100)]
        stack.notifications()
    jobs = stack.finish(*uploads, timeout_seconds=240)
    stack.await_idle()

    assert [job["status"] for job in jobs] == ["COMPLETED"] * 100
    assert {_asset(stack, upload)["versionId"] for upload in uploads} == {upload.version_id for upload in uploads}
    announced = [message["fileKey"] for message in stack.notifications(*uploads)]
    assert sorted(announced) == sorted(upload.file_key for upload in uploads)
    for queue in ("transformQueueUrl", "transformDlqUrl", "validateDlqUrl", "deliveryDlqUrl"):
        assert stack.pipeline.queue_depth(stack.outputs[queue]) == 0, queue


def test_keys_with_unicode_spaces_and_signs_are_unchanged(stack: Stack) -> None:
    uploads = [stack.upload(f"uploads/{name}.jpg") for name in ("Ærø sund", "a+b", "100%", "写真", "x" * 600)]
    assert [job["status"] for job in stack.finish(*uploads)] == ["COMPLETED"] * len(uploads)
    for upload in uploads:
        for rendition in _asset(stack, upload)["renditions"]:
            stack.cloud.client("s3").head_object(Bucket=stack.outputs["processedBucket"], Key=rendition["key"])


def _asset(stack: Stack, upload: Upload) -> dict:
    asset = stack.pipeline.asset(upload.file_key)
    assert asset is not None, f"no record of {upload.file_key}"
    return asset
