"""Tables through the same pipeline as pictures."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from client.uploads import Upload
from contract.assets import DELETED_AT, PIPELINE_ATTRIBUTES
from testing.stack import Stack, deployed_stack
from testing.waiting import eventually

CUSTOMERS = b"""customer_id,name,email,country,balance
1,Ann Lee,ann@example.com,US,10.50
2,Bob Ray,bob@example.com,DE,-3
3,Zo\xc3\xab Kay,zoe@example.com,FR,0
4,"Moe, Sam",sam@example.com,NL,99.99
5,Liz Orr,liz@example.com,US,7
"""


@pytest.fixture(scope="module")
def small_stack() -> Iterator[Stack]:
    """A stack whose queue delivers a message three times, and that processes the same content again."""
    table = {"identicalContent": "reprocess"}
    with deployed_stack(maxReceiveCount=3, media={"table": table}) as deployed:
        yield deployed


def test_a_table_of_five_rows_is_processed(stack: Stack, tmp_path: Path) -> None:
    upload = stack.upload("uploads/customer-data.csv", CUSTOMERS)
    (job,) = stack.finish(upload)
    asset = _asset(stack, upload)

    assert (job["status"], job["mediaType"]) == ("COMPLETED", "text/csv")
    assert (asset["rowCount"], asset["status"]) == (5, "PROCESSED")
    assert (asset["fileId"], asset["fileName"]) == (upload.job_id, "customer-data.csv")
    assert (asset["sha256"], asset["quarantined"]) == (hashlib.sha256(CUSTOMERS).hexdigest(), 0)
    assert [column["type"] for column in asset["columns"]] == ["bigint", "text", "text", "text", "double"]
    parquet = tmp_path / "table.parquet"
    parquet.write_bytes(_rendition(stack, asset, "table"))
    assert duckdb.connect().read_parquet(str(parquet)).fetchall()[2] == (3, "Zoë Kay", "zoe@example.com", "FR", 0.0)
    assert len(json.load(io.BytesIO(_rendition(stack, asset, "preview")))["rows"]) == 5
    (notification,) = stack.notifications(upload)
    assert (notification["type"], notification["mediaType"]) == ("AssetReady", "text/csv")


def test_the_same_table_again_changes_nothing(stack: Stack) -> None:
    first = stack.upload("uploads/tables/twice.csv", CUSTOMERS)
    stack.finish(first)
    before, renditions = _asset(stack, first), _keys(stack)
    again = stack.upload(first.file_key, CUSTOMERS)
    (job,) = stack.finish(again)
    after = _asset(stack, again)

    assert (job["status"], job["processedVersionId"]) == ("COMPLETED", first.version_id)
    assert "TRANSFORMED" not in [stage["stage"] for stage in job["stages"]]
    assert _keys(stack) == renditions
    assert (after["versionId"], after["processedVersionId"]) == (again.version_id, first.version_id)
    for name in ("rowCount", "columns", "fileId", "renditions", "sha256", "persistedAt", "publishedAt"):
        assert after[name] == before[name], name
    assert len(stack.notifications(first, again)) == 1


def test_the_upload_that_was_processed_can_be_deleted_while_a_later_one_has_its_renditions(stack: Stack) -> None:
    first = stack.upload("uploads/tables/shared.csv", CUSTOMERS)
    stack.finish(first)
    again = stack.upload(first.file_key, CUSTOMERS)
    stack.finish(again)
    bucket, before = stack.outputs["ingestBucket"], len(_audited(stack, first))
    stack.cloud.client("s3").delete_object(Bucket=bucket, Key=first.file_key, VersionId=first.version_id)
    eventually(lambda: len(_audited(stack, first)) > before, "the deletion")

    assert _rendition(stack, _asset(stack, again), "table")


def test_nothing_of_a_table_is_left_in_the_record_of_its_deletion(stack: Stack) -> None:
    upload = stack.upload("uploads/tables/deleted.csv", CUSTOMERS)
    stack.finish(upload)
    stack.cloud.client("s3").delete_object(Bucket=stack.outputs["ingestBucket"], Key=upload.file_key)

    def record() -> dict[str, Any]:
        return stack.pipeline.records([upload.file_key])[upload.file_key]

    eventually(lambda: DELETED_AT in record() and "rowCount" not in record(), "the deletion")
    assert record().keys() <= PIPELINE_ATTRIBUTES


def test_a_table_with_too_many_rows_that_do_not_fit_is_rejected(stack: Stack) -> None:
    upload = stack.upload("uploads/tables/broken.csv", b"a,b\n1,2\n3\n4,5\n")
    (job,) = stack.finish(upload)

    assert (job["status"], job["reasonCode"]) == ("REJECTED", "ROWS_MISFIT")
    assert "line 3" in job["reason"]
    assert stack.pipeline.asset(upload.file_key) is None


def test_rows_that_do_not_fit_are_quarantined(stack: Stack) -> None:
    upload = stack.upload("uploads/tables/orders.csv", b"a,b\n" + b"1,2\n" * 30 + b"3\n")
    stack.finish(upload)
    asset = _asset(stack, upload)

    assert (asset["rowCount"], asset["quarantined"]) == (30, 1)
    assert json.loads(_rendition(stack, asset, "quarantine"))["line"] == 32


def test_a_failing_table_is_tried_as_often_as_the_settings_say_and_completes_after_a_replay(small_stack: Stack) -> None:
    stack, sqs = small_stack, small_stack.cloud.client("sqs")
    transform_dlq = stack.outputs["transformDlqUrl"]
    with stack.broken("table", SETTINGS="{"):
        upload = stack.upload("uploads/customer-data.csv", CUSTOMERS)
        eventually(lambda: stack.pipeline.queue_depth(transform_dlq) == 1, "the dead letter", 120)
    job = stack.pipeline.job(upload)
    assert job is not None
    assert (job["status"], job["reasonCode"]) == ("FAILED", "ConfigurationError")
    assert [stage["attempt"] for stage in job["stages"] if stage["stage"] == "FAILED"] == [1, 2, 3]
    assert stack.pipeline.asset(upload.file_key) is None

    (message,) = sqs.receive_message(QueueUrl=transform_dlq)["Messages"]
    sqs.send_message(QueueUrl=stack.outputs["transformQueueUrl"], MessageBody=message["Body"])
    sqs.delete_message(QueueUrl=transform_dlq, ReceiptHandle=message["ReceiptHandle"])

    (job,) = stack.finish(upload)
    assert job["status"] == "COMPLETED"
    assert _asset(stack, upload)["rowCount"] == 5
    assert stack.pipeline.queue_depth(transform_dlq) == 0


def test_the_same_table_again_is_processed_where_the_settings_say_so(small_stack: Stack) -> None:
    first = small_stack.upload("uploads/twice.csv", CUSTOMERS)
    small_stack.finish(first)
    again = small_stack.upload(first.file_key, CUSTOMERS)
    small_stack.finish(again)
    asset = _asset(small_stack, again)

    assert asset["versionId"] == again.version_id
    assert "processedVersionId" not in asset
    assert all(again.version_id in rendition["key"] for rendition in asset["renditions"])


def _asset(stack: Stack, upload: Upload) -> dict[str, Any]:
    asset = stack.pipeline.asset(upload.file_key)
    assert asset is not None, f"no record of {upload.file_key}"
    return asset


def _audited(stack: Stack, upload: Upload) -> list[str]:
    """The audit log's lines about a file version."""
    events = stack.cloud.client("logs").filter_log_events(logGroupName=stack.outputs["logGroups"]["audit"])["events"]
    return [event["message"] for event in events if upload.version_id in event["message"]]


def _keys(stack: Stack) -> list[str]:
    """Every object in the processed bucket."""
    pages = stack.cloud.client("s3").get_paginator("list_objects_v2").paginate(Bucket=stack.outputs["processedBucket"])
    return [entry["Key"] for page in pages for entry in page.get("Contents", [])]


def _rendition(stack: Stack, asset: dict[str, Any], name: str) -> bytes:
    """The content of a rendition."""
    (key,) = [rendition["key"] for rendition in asset["renditions"] if rendition["name"] == name]
    return stack.cloud.client("s3").get_object(Bucket=stack.outputs["processedBucket"], Key=key)["Body"].read()
