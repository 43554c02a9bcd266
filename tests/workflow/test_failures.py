"""Transient errors are retried; other failures are recorded, and the message stays on the queue."""

from __future__ import annotations

import json

import pytest

from components.workflow.tasks import DYNAMODB_RETRY, SNS_RETRY, SQS_RETRY
from tests.workflow.rig import REJECTED, RENDITIONS, Fault, Rig, Upload, as_stored

BROKEN = {"raise": "ThumbnailError", "message": "the ICC profile is broken"}
BUSY = {"raise": "TransientError", "message": "S3 says slow down"}

# Each state that calls a service other than Lambda, with one of the errors in its Retry.
REJECTING = ("RecordRejection", "SendToValidateDlq", "PublishRejection", "FinishRejection")
IDENTICAL = ("KeepRecord", "FinishIdentical")
SERVICE_CALLS = {
    "MarkProcessing": DYNAMODB_RETRY,
    "RecordRejection": DYNAMODB_RETRY,
    "SendToValidateDlq": SQS_RETRY,
    "PublishRejection": SNS_RETRY,
    "FinishRejection": DYNAMODB_RETRY,
    "MarkTransforming": DYNAMODB_RETRY,
    "KeepRecord": DYNAMODB_RETRY,
    "FinishIdentical": DYNAMODB_RETRY,
    "Persist": DYNAMODB_RETRY,
    "CheckExisting": DYNAMODB_RETRY,
    "Publish": SNS_RETRY,
    "MarkPublished": DYNAMODB_RETRY,
    "Complete": DYNAMODB_RETRY,
    "Supersede": DYNAMODB_RETRY,
}


@pytest.mark.parametrize("function", ["validate", "thumbnail"])
def test_transient_error_of_a_function_is_retried(rig: Rig, upload: Upload, function: str) -> None:
    rig.set_responses(upload, function, BUSY, BUSY, {})

    execution = rig.run(upload)

    assert execution.output["status"] == "COMPLETED"
    assert len(rig.calls(upload, function)) == 3
    assert len(rig.calls(upload, "metadata")) == 1


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "done",
        [],
        {},
        {"renditions": []},
        {"renditions": {}, "metadata": {}},
        {"renditions": [], "metadata": []},
        {"renditions": [], "metadata": {}, "record": ["rowCount"]},
        {"renditions": [], "metadata": {}, "record": {"rowCount": 5, "owner": "mallory"}},
        {"renditions": [], "metadata": {}, "record": {"deletedAt": "2026-11-20T10:00:00Z"}},
    ],
)
def test_transform_with_an_invalid_response_fails_the_execution(rig: Rig, upload: Upload, answer: object) -> None:
    rig.set_responses(upload, "thumbnail", {"answer_alone": answer})

    execution = rig.run(upload)

    assert (execution.status, execution.error) == ("FAILED", "InvalidAnswer")
    assert execution.cause.startswith("thumbnail: ")
    job = rig.job(upload)
    assert (job["status"], job["reasonCode"]) == ("FAILED", "InvalidAnswer")
    assert "replay" in job["hint"]
    assert rig.asset(upload) == {}


@pytest.mark.parametrize("count", [0, 1, 2])
def test_any_number_of_renditions_is_valid(rig: Rig, upload: Upload, count: int) -> None:
    rig.set_responses(upload, "thumbnail", {"answer": {"renditions": RENDITIONS[:count]}})

    assert rig.run(upload).output["status"] == "COMPLETED"

    assert rig.asset(upload)["renditions"] == as_stored(RENDITIONS[:count])


def test_persistent_transient_error_fails_the_execution_after_the_retries(rig: Rig, upload: Upload) -> None:
    rig.set_responses(upload, "thumbnail", BUSY)

    execution = rig.run(upload)

    assert execution.status == "FAILED"
    assert len(rig.calls(upload, "thumbnail")) == 3
    job = rig.job(upload)
    assert job["reasonCode"] == "TransientError"
    assert job["reason"] == "thumbnail: S3 says slow down"
    assert "reservedConcurrency" in job["hint"]


@pytest.mark.parametrize("function", ["validate", "metadata"])
def test_throttled_function_is_retried(rig: Rig, upload: Upload, function: str) -> None:
    with rig.throttled(function):
        execution = rig.run(upload)

    assert execution.task_errors == ("Lambda.TooManyRequestsException",) * 7
    assert rig.job(upload)["reasonCode"] == execution.error == "Lambda.TooManyRequestsException"
    assert rig.run(upload, receive_count=2).output["status"] == "COMPLETED"


def test_failed_transform_is_recorded_and_its_message_stays_on_the_queue(rig: Rig, upload: Upload) -> None:
    rig.set_responses(upload, "thumbnail", BROKEN, {})

    execution = rig.run(upload)

    assert (execution.status, execution.error) == ("FAILED", "ThumbnailError")
    assert execution.cause == "thumbnail: the ICC profile is broken"
    job = rig.job(upload)
    assert job["status"] == "FAILED"
    assert job["stage"] == "VALIDATED"
    assert job["reasonCode"] == "ThumbnailError"
    assert job["reason"] == execution.cause
    assert "executionName" in job["hint"]
    assert "finishedAt" not in job
    assert rig.asset(upload) == {}
    assert rig.notifications(upload) == rig.dead_letters(upload) == []
    assert len(rig.calls(upload, "thumbnail")) == 1


def test_next_delivery_of_a_failed_file_can_complete_it(rig: Rig, upload: Upload) -> None:
    rig.set_responses(upload, "thumbnail", BROKEN, {})
    rig.run(upload)
    created = rig.job(upload)["createdAt"]

    rig.run(upload, receive_count=2)

    job = rig.job(upload)
    assert job["status"] == "COMPLETED"
    assert job["createdAt"] == created
    assert job.keys().isdisjoint({"reasonCode", "reason", "hint"})
    assert rig.stages(upload) == [
        (1, "RECEIVED"),
        (1, "VALIDATED"),
        (1, "FAILED"),
        *((2, stage) for stage in ("RECEIVED", "VALIDATED", "TRANSFORMED", "PERSISTED", "PUBLISHED", "COMPLETED")),
    ]
    assert len(rig.notifications(upload)) == 1


def test_function_that_exceeds_its_timeout_is_not_retried(rig: Rig, upload: Upload) -> None:
    rig.set_responses(upload, "thumbnail", {"sleep_seconds": 10})

    execution = rig.run(upload)

    assert execution.status == "FAILED"
    assert len(rig.calls(upload, "thumbnail")) == 1
    job = rig.job(upload)
    assert job["reasonCode"] == "Sandbox.Timedout"
    assert job["reason"].startswith("thumbnail: ")
    assert "timed out" in job["reason"]
    assert "timeoutSeconds" in job["hint"]


def test_timed_out_state_is_recorded_by_name_without_a_cause(rig: Rig, upload: Upload) -> None:
    execution = rig.run(upload, faults={"Validate": Fault(error="States.Timeout", cause="")})

    assert (execution.error, execution.cause) == ("States.Timeout", "No cause was given.")
    assert execution.task_errors == ("States.Timeout",)
    assert "timeoutSeconds" in rig.job(upload)["hint"]


@pytest.mark.parametrize("state", SERVICE_CALLS)
def test_throttled_service_call_is_attempted_four_times_then_recorded(rig: Rig, upload: Upload, state: str) -> None:
    if state in REJECTING:
        rig.set_responses(upload, "validate", {"answer": REJECTED})
    if state in IDENTICAL:
        earlier = Upload(file_key=upload.file_key, version_id="v0", sequencer="0A1B2B")
        for each in (earlier, upload):
            rig.set_responses(each, "validate", {"answer": {"mediaType": "text/csv"}})
        rig.run(earlier)
    if state in ("CheckExisting", "Supersede"):
        rig.run(Upload(file_key=upload.file_key, version_id="v2", sequencer="FFFFFF"))
    throttled = SERVICE_CALLS[state][0]["ErrorEquals"][0]

    execution = rig.run(upload, faults={state: Fault(error=throttled)})

    assert (execution.status, execution.error) == ("FAILED", throttled)
    assert execution.task_errors[-4:] == (throttled,) * 4
    assert execution.states[-3:] == (state, "RecordFailure", "Failed")
    job = rig.job(upload)
    assert job.items() >= {"status": "FAILED", "reasonCode": throttled, "reason": "the service said no"}.items()
    assert job["fileKey"] == upload.file_key
    assert "finishedAt" not in job


def test_denied_service_call_is_not_retried(rig: Rig, upload: Upload) -> None:
    execution = rig.run(upload, faults={"Persist": Fault(error="DynamoDB.AmazonDynamoDBException", cause="denied")})

    assert execution.task_errors == ("DynamoDB.AmazonDynamoDBException",)
    assert rig.job(upload)["reason"] == "denied"


@pytest.mark.parametrize(
    "error", ["DynamoDB.ProvisionedThroughputExceededException", "DynamoDB.AmazonDynamoDBException"]
)
def test_failure_that_cannot_be_recorded_fails_the_execution(rig: Rig, upload: Upload, error: str) -> None:
    rig.set_responses(upload, "validate", {"raise": "ValidateError", "message": "what really happened"})

    execution = rig.run(upload, faults={"RecordFailure": Fault(error=error)})

    assert (execution.status, execution.error) == ("FAILED", "ValidateError")
    assert execution.cause == "what really happened"


def test_new_attempt_clears_the_previous_failure(rig: Rig, upload: Upload) -> None:
    rig.set_responses(upload, "validate", BROKEN)
    rig.run(upload)
    assert rig.job(upload)["reasonCode"] == "ThumbnailError"

    rig.run(upload, receive_count=2, faults={"RecordFailure": Fault(error="States.Timeout")})

    job = rig.job(upload)
    assert (job["status"], job["attempt"]) == ("PROCESSING", 2)
    assert job.keys().isdisjoint({"reasonCode", "reason", "hint"})


def test_incomplete_validation_result_is_a_failure(rig: Rig, upload: Upload) -> None:
    rig.set_responses(upload, "validate", {"answer": {"accepted": False}})

    execution = rig.run(upload)

    assert execution.status == "FAILED"
    assert rig.job(upload)["reasonCode"] == "States.QueryEvaluationError"


def test_record_deleted_during_the_lookup_is_written_by_the_next_delivery(rig: Rig, upload: Upload) -> None:
    refused = Fault(error="DynamoDB.ConditionalCheckFailedException")

    execution = rig.run(upload, faults={"Persist": refused})

    assert execution.states[-3:] == ("CheckExisting", "RecordFailure", "Failed")
    assert rig.run(upload, receive_count=2).output["status"] == "COMPLETED"
    assert len(rig.notifications(upload)) == 1


@pytest.mark.parametrize(
    ("message", "recorded"),
    [
        ('He said "no",\nthen \\ left: ü 🙂', 'He said "no",\nthen \\ left: ü 🙂'),
        ("x" * 5000, "x" * 1000),
        ("", "No cause was given."),
    ],
    ids=["escapes", "long", "empty"],
)
def test_reason_is_the_message_of_the_functions_error(rig: Rig, upload: Upload, message: str, recorded: str) -> None:
    rig.set_responses(upload, "validate", {"raise": "ValidateError", "message": message})

    execution = rig.run(upload)

    assert execution.cause == rig.job(upload)["reason"] == recorded


@pytest.mark.parametrize("cause", ["plain words", "{ no JSON", '{"errorMessage": 5}', json.dumps(["a"])])
def test_cause_of_any_other_form_is_kept_unchanged(rig: Rig, upload: Upload, cause: str) -> None:
    rig.run(upload, faults={"Validate": Fault(error="Lambda.Unknown", cause=cause)})

    assert rig.job(upload)["reason"] == cause
