"""Job ids, events and outputs."""

from dataclasses import fields
from typing import Any

import pytest

from contract.events import ObjectVersion, announced_version, object_created, scan_result
from contract.jobs import key_job_id, possible_job_ids, version_job_id
from contract.outputs import DeadLetterKind, MissingOutputsError, StackOutputs, read_outputs

JOB_ID = "0123456789abcdef0123456789abcdef"
VERSION = ObjectVersion(bucket="ingest", key="uploads/cat.jpg", version_id="v1")


@pytest.mark.parametrize(
    ("key", "job_id"),
    [
        (f"uploads/{JOB_ID}/cat.jpg", JOB_ID),
        ("uploads/cat.jpg", None),
        (f"uploads/{JOB_ID}", None),
        (f"uploads/{JOB_ID}/", None),
        (f"uploads/{JOB_ID}/folder/cat.jpg", None),
        (f"uploads/{JOB_ID.upper()}/cat.jpg", None),
        (f"uploads/{JOB_ID}0/cat.jpg", None),
        (f"uploads/{JOB_ID[1:]}/cat.jpg", None),
        (f"other/uploads/{JOB_ID}/cat.jpg", None),
        (f"uploads/{JOB_ID}/cat\n.jpg", JOB_ID),
    ],
)
def test_a_key_contains_a_job_id_only_as_the_folder_directly_below_uploads(key: str, job_id: str | None) -> None:
    assert key_job_id(key) == job_id


def test_a_version_of_a_key_with_a_job_id_can_have_that_id_or_a_derived_one() -> None:
    key = f"uploads/{JOB_ID}/cat.jpg"
    assert possible_job_ids("ingest", key, "v1") == (JOB_ID, version_job_id("ingest", key, "v1"))
    assert possible_job_ids("ingest", "uploads/cat.jpg", "v1") == (version_job_id("ingest", "uploads/cat.jpg", "v1"),)


def test_derived_job_ids_differ_by_bucket_key_and_version() -> None:
    triples = [("a", "k", "1"), ("b", "k", "1"), ("a", "l", "1"), ("a", "k", "2")]
    assert len({version_job_id(*triple) for triple in triples}) == len(triples)


def test_each_kind_of_event_has_the_version_that_it_was_created_for() -> None:
    common = {"etag": "e", "time": "2026-01-01T00:00:00Z", "region": "us-east-1"}
    created = object_created(VERSION, bytes=1, sequencer="0A", reason="backfill", **common)
    scanned = scan_result(VERSION, status="NO_THREATS_FOUND", **common)
    assert announced_version(created) == announced_version(scanned) == VERSION


def test_exported_outputs_are_read_back_unchanged(outputs: StackOutputs[str]) -> None:
    assert read_outputs(outputs.exports()) == outputs
    assert outputs.exports()["transformDlqUrl"] == "transform_dlq_url"


def test_missing_outputs_are_named(outputs: StackOutputs[str]) -> None:
    exported = outputs.exports()
    del exported["jobsTable"], exported["pipeName"]
    with pytest.raises(MissingOutputsError, match="jobsTable, pipeName"):
        read_outputs(exported)


def test_dead_letter_queues_are_the_pipelines_own_and_one_for_each_subscriber(outputs: StackOutputs[str]) -> None:
    queues = {queue.name: queue for queue in outputs.dead_letter_queues}
    assert list(queues) == ["transform", "validate", "delivery", "results-search", "webhooks", "order"]
    assert {name for name, queue in queues.items() if queue.is_redrive_target} == {
        "transform",
        "results-search",
        "webhooks",
        "order",
    }
    assert queues["order"].replays_to == "order_queue_url"
    assert queues["webhooks"].replays_to == "webhooks_queue_url"
    assert queues["results-search"].replays_to == "queue of search"
    assert queues["validate"].kind is DeadLetterKind.REJECTIONS


@pytest.fixture
def outputs() -> StackOutputs[str]:
    """Outputs whose values are their fields' names."""
    values: dict[str, Any] = {field.name: field.name for field in fields(StackOutputs)}
    values |= {"function_names": {}, "log_groups": {}, "role_arns": {}, "alarm_names": []}
    values |= {"results_queue_urls": {"search": "queue of search"}, "results_dlq_urls": {"search": "dlq of search"}}
    return StackOutputs(**values)
