"""The workflow of an uploaded file version, as a Step Functions Express definition in JSONata.

::

    Receive ▶ IsDeletion ▶ CarriesJobId ▶ MarkProcessing ▶ Validate ▶ Verdict
              the key carries a job id ▶ FindOlderVersion ▶ IsFirstVersion ▶ ClaimJob ▶ MarkProcessing
              a later version ▶ FindOwner ▶ HasOwner ▶ InheritOwner ▶ MarkProcessing
      rejected ▶ RecordRejection ▶ SendToValidateDlq ▶ PublishRejection ▶ FinishRejection ▶ Rejected
      accepted, with the content of the recorded version ▶ KeepRecord, see components/workflow/identical_content.py
      accepted ▶ MarkTransforming ▶ Transform ▶ CheckAnswers ▶ Persist ▶ Publish ▶ MarkPublished ▶ Complete ▶ Completed
                 CheckAnswers finds a transform's rejection ▶ RecordRejection
                 Persist refused ▶ CheckExisting ▶ WhoseRecord ▶ Publish, Complete or Supersede ▶ Superseded
                                   the file was deleted ▶ EraseLate ▶ Supersede
      deleted ▶ Erase, see components/workflow/deletion.py
    any failure ▶ RecordFailure ▶ Failed: the message stays on the queue and is received again

A job is finished when its row has ``finishedAt``, which is written last. If an execution stops before that, the next
one repeats the workflow from the start; an execution whose job is finished ends at once. So every step may be executed
twice, and none is skipped.

To process a finished file again, send its event with a ``run``, the time of the request. Runs of one file version are
ordered by that text, and the run of an upload is empty. The job's row and the record contain their run; a newer run
replaces both, and executions of an older run end at once.

The job id in a key (contract/jobs.py) belongs to the first version under that key, whichever version's event arrives
first: S3 lists whether there is an older one. A later version has an id derived from bucket, key and version, like a
version whose key contains no id. The same holds if the first version was deleted, as long as its job's row exists.

Versions of a file are ordered by their ``sequencer``, 32 digits that compare as text: S3's sequencer, padded. With
malware scanning the event is the scan's, which has no sequencer, and validate derives one
(functions/validate/order.py); until it has returned, the job's row contains zeros.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from components.workflow.deletion import deletion, late_erasure
from components.workflow.identical_content import identical_content, may_be_skipped
from components.workflow.jsonata import expression, string
from components.workflow.tasks import (
    CONDITION_FAILED,
    DYNAMODB_RETRY,
    FAILURE_CATCH,
    S3_RETRY,
    SQS_RETRY,
    TRANSFORM_FAILURE_CATCH,
    UNRECORDED_FAILURE_CATCH,
    JobsTable,
    State,
    claim_job,
    finish_job,
    function_call,
    notification,
    service_call,
    update_job,
)
from components.workflow.values import (
    ACCEPTANCE,
    ASSET,
    ASSET_MESSAGE,
    EXPLANATION,
    FAILURE_HINT,
    FILE,
    INVALID_ANSWER,
    INVALID_ANSWER_CAUSE,
    INVALID_ANSWERS,
    IS_FIRST_VERSION,
    KEY_CARRIES_JOB_ID,
    KEY_OWNER,
    MEDIA,
    OWNER,
    PAYLOAD_OR_NULL,
    RECEIVED,
    RECORDED_RUN,
    REJECTED_BY_TRANSFORM,
    REJECTED_FILE,
    REJECTION,
    REJECTION_MESSAGE,
    SCANNED_FILE,
    VERDICT_OF_TRANSFORM,
    WITH_JOB_ID_OF_KEY,
    stages_and,
)
from contract.assets import DELETED_AT
from contract.jobs import JobStatus, Stage
from contract.messages import Outcome

States = dict[str, State]


@dataclass(frozen=True, kw_only=True)
class TransformSpec:
    """A transform that runs on every accepted file of its media types.

    Attributes:
        name: as in the settings, for example `thumbnail`.
        media_types: MIME types of the files that it runs on.
        function_arn: ARN of the function or of its alias.
        timeout_seconds: the function's own timeout.
    """

    name: str
    media_types: tuple[str, ...]
    function_arn: str
    timeout_seconds: int


@dataclass(frozen=True, kw_only=True)
class WorkflowSpec:
    """Everything the definition depends on.

    Attributes:
        validate_function_arn: ARN of the validate function or of its alias.
        validate_timeout_seconds: that function's own timeout.
        erase_function_arn: ARN of the erase function or of its alias.
        transforms: at least one for each media type that validate accepts.
        assets_table, jobs_table: table names.
        validate_dlq_url, results_topic_arn: where rejected files and results are sent.
        map_concurrency: transforms of one file that run at the same time.
        timeout_seconds: timeout of the execution, at least one full run of each function. Many retries of slow calls
            exceed it on purpose: the execution then ends and its message stays on the queue.
        job_retention_days: days until time to live deletes a job's row, from its last attempt.
        malware_scan: whether the events are results of malware scans.
        skips_identical: media types of which a file with the content of the recorded version is not processed again.
    """

    validate_function_arn: str
    validate_timeout_seconds: int
    erase_function_arn: str
    transforms: tuple[TransformSpec, ...]
    assets_table: str
    jobs_table: str
    validate_dlq_url: str
    results_topic_arn: str
    map_concurrency: int
    timeout_seconds: int
    job_retention_days: int
    malware_scan: bool = False
    skips_identical: tuple[str, ...] = ()

    @property
    def jobs(self) -> JobsTable:
        """The jobs table and its retention."""
        return JobsTable(name=self.jobs_table, retention_days=self.job_retention_days)


def workflow_definition(spec: WorkflowSpec) -> dict[str, Any]:
    """Build the state machine's definition, in Amazon States Language."""
    return {
        "Comment": "One uploaded file version: validate, transform, persist, publish",
        "QueryLanguage": "JSONata",
        "StartAt": "Receive",
        "TimeoutSeconds": spec.timeout_seconds,
        "States": {
            **_reception(spec),
            **deletion(spec.erase_function_arn, spec.results_topic_arn, otherwise="CarriesJobId"),
            **_identification(spec),
            **_validation(spec),
            **_rejection(spec),
            **(identical_content(spec.assets_table, spec.jobs) if spec.skips_identical else {}),
            **_transformation(spec),
            **_persistence(spec),
            **_publication(spec),
            **_completion(spec),
            **_failure(spec),
        },
    }


# The first values of a job's row.
_STARTED = {"status": {"S": JobStatus.PROCESSING}, "stage": {"S": Stage.RECEIVED}}


def _reception(spec: WorkflowSpec) -> States:
    """Read the event and mark the job as being processed, unless an earlier delivery of the same run finished it."""
    return {
        "Receive": {
            "Type": "Pass",
            "Assign": {
                "event": expression("$states.input[0].event"),
                "file": expression(SCANNED_FILE if spec.malware_scan else FILE),
                "stages": [RECEIVED],
            },
            "Next": "IsDeletion",
        },
        "MarkProcessing": update_job(
            spec.jobs,
            {**_STARTED, "startedAt": string("$now()")},
            remove=(*EXPLANATION, "finishedAt"),
            assign={"owner": expression(OWNER)},
            next_state="Validate",
        ),
        "AlreadyFinished": {
            "Type": "Succeed",
            "Comment": "Another delivery finished this job, or a newer run replaced it: nothing to do",
        },
    }


def _identification(spec: WorkflowSpec) -> States:
    """Give the job id in the key, if there is one, to the first version under that key."""
    return {
        "CarriesJobId": {
            "Type": "Choice",
            "Choices": [{"Condition": expression(KEY_CARRIES_JOB_ID), "Next": "FindOlderVersion"}],
            "Default": "MarkProcessing",
        },
        "FindOlderVersion": service_call(
            "aws-sdk:s3:listObjectVersions",
            {
                "Bucket": expression("$file.bucket"),
                "Prefix": expression("$file.fileKey"),
                "KeyMarker": expression("$file.fileKey"),
                "VersionIdMarker": expression("$file.versionId"),
                "MaxKeys": 1,
            },
            retry=S3_RETRY,
            assign={"isFirstVersion": expression(IS_FIRST_VERSION)},
            on_failure=UNRECORDED_FAILURE_CATCH,
            next_state="IsFirstVersion",
        ),
        "IsFirstVersion": {
            "Type": "Choice",
            "Choices": [{"Condition": expression("$isFirstVersion"), "Next": "ClaimJob"}],
            "Default": "FindOwner",
        },
        "ClaimJob": claim_job(
            spec.jobs,
            _STARTED,
            job_id=f"{WITH_JOB_ID_OF_KEY}.jobId",
            assign={"file": expression(WITH_JOB_ID_OF_KEY)},
            otherwise="FindOwner",
        ),
        **_ownership(spec),
    }


def _ownership(spec: WorkflowSpec) -> States:
    """Give a later version under a key to whom the key was handed out."""
    owner = {"ExpressionAttributeNames": {"#owner": "owner"}}
    return {
        "FindOwner": service_call(
            "dynamodb:getItem",
            {
                "TableName": spec.jobs_table,
                "Key": {"jobId": string(f"{WITH_JOB_ID_OF_KEY}.jobId")},
                "ConsistentRead": True,
                "ProjectionExpression": "#owner",
                **owner,
            },
            retry=DYNAMODB_RETRY,
            assign={"keyOwner": expression(KEY_OWNER)},
            on_failure=UNRECORDED_FAILURE_CATCH,
            next_state="HasOwner",
        ),
        "HasOwner": {
            "Type": "Choice",
            "Choices": [{"Condition": expression('$keyOwner != ""'), "Next": "InheritOwner"}],
            "Default": "MarkProcessing",
        },
        "InheritOwner": service_call(
            "dynamodb:updateItem",
            {
                "TableName": spec.jobs_table,
                "Key": {"jobId": string("$file.jobId")},
                "UpdateExpression": "SET #owner = :owner",
                **owner,
                "ExpressionAttributeValues": {":owner": string("$keyOwner")},
            },
            retry=DYNAMODB_RETRY,
            on_failure=UNRECORDED_FAILURE_CATCH,
            next_state="MarkProcessing",
        ),
    }


def _validation(spec: WorkflowSpec) -> States:
    """Validate the file. A rejection is a result, not a failure."""
    # Assigned here, because Validate itself reads $file for the history of stages.
    ways = {"$verdict.accepted": "MarkTransforming"}
    if spec.skips_identical:
        is_skipped = may_be_skipped(spec.skips_identical)
        ways = {f"$verdict.accepted and $not({is_skipped})": "MarkTransforming", "$verdict.accepted": "KeepRecord"}
    updated_file = {"Assign": {"file": expression("$merge([$file, $verdict.file])")}} if spec.malware_scan else {}
    return {
        "Validate": function_call(
            spec.validate_function_arn,
            payload=expression("$file"),
            function_timeout_seconds=spec.validate_timeout_seconds,
            assign={"verdict": expression("$states.result.Payload"), "stages": stages_and(Stage.VALIDATED)},
            next_state="Verdict",
        ),
        "Verdict": {
            "Type": "Choice",
            "Choices": [
                {"Condition": expression(condition), **updated_file, "Next": next_state}
                for condition, next_state in ways.items()
            ],
            **updated_file,
            "Default": "RecordRejection",
        },
    }


def _rejection(spec: WorkflowSpec) -> States:
    """Record the rejection, send it to the validate DLQ, publish it, and finish the job last."""
    return {
        "RecordRejection": update_job(
            spec.jobs,
            {"status": {"S": JobStatus.REJECTED}, "stage": {"S": JobStatus.REJECTED}, **REJECTION},
            next_state="SendToValidateDlq",
        ),
        "SendToValidateDlq": service_call(
            "sqs:sendMessage",
            {"QueueUrl": spec.validate_dlq_url, "MessageBody": expression(REJECTED_FILE)},
            retry=SQS_RETRY,
            next_state="PublishRejection",
        ),
        "PublishRejection": notification(
            spec.results_topic_arn, REJECTION_MESSAGE, Outcome.REJECTED, next_state="FinishRejection"
        ),
        "FinishRejection": finish_job(spec.jobs, JobStatus.REJECTED, REJECTION, next_state="Rejected"),
        "Rejected": {"Type": "Succeed"},
    }


def _transformation(spec: WorkflowSpec) -> States:
    """Run the transforms in parallel. Each call has its own retries, so that one retry does not repeat the others."""
    return {
        "MarkTransforming": update_job(
            spec.jobs, {"stage": {"S": Stage.VALIDATED}, **ACCEPTANCE}, next_state="Transform"
        ),
        "Transform": {
            "Type": "Map",
            "Items": expression(f"$lookup({json.dumps(_transforms_by_media_type(spec))}, $verdict.mediaType)"),
            "MaxConcurrency": spec.map_concurrency,
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "INLINE"},
                "StartAt": "RunTransform",
                "States": _one_transform(spec),
            },
            "Assign": {"answers": expression("[$states.result]")},
            "Catch": [FAILURE_CATCH],
            "Next": "CheckAnswers",
        },
        "CheckAnswers": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": expression(f"$count({INVALID_ANSWERS}) = 0 and $not({REJECTED_BY_TRANSFORM})"),
                    "Assign": {
                        "renditions": expression("[$answers.answer.renditions]"),
                        "metadata": expression("$merge([$answers.answer.metadata])"),
                        "record": expression("$merge([$answers.answer.record])"),
                        "stages": stages_and(Stage.TRANSFORMED),
                    },
                    "Next": "Persist",
                },
                {
                    "Condition": expression(REJECTED_BY_TRANSFORM),
                    "Assign": {"verdict": expression(VERDICT_OF_TRANSFORM)},
                    "Next": "RecordRejection",
                },
            ],
            "Default": "AnswerInvalid",
        },
        "AnswerInvalid": {
            "Type": "Pass",
            "Assign": {"failure": {"error": INVALID_ANSWER, "cause": expression(INVALID_ANSWER_CAUSE)}},
            "Next": "RecordFailure",
        },
    }


def _one_transform(spec: WorkflowSpec) -> States:
    """What the Map runs for each transform."""
    return {
        "RunTransform": function_call(
            expression("$states.input.functionArn"),
            payload={"file": expression("$file"), "media": expression(MEDIA)},
            function_timeout_seconds=max(each.timeout_seconds for each in spec.transforms),
            output={"name": expression("$states.input.name"), "answer": expression(PAYLOAD_OR_NULL)},
            on_failure=TRANSFORM_FAILURE_CATCH,
            next_state=None,
        ),
        "TransformFailed": {
            "Type": "Fail",
            "Error": expression("$states.input.error"),
            "Cause": expression("$states.input.cause"),
        },
    }


def _transforms_by_media_type(spec: WorkflowSpec) -> dict[str, list[dict[str, str]]]:
    """The Map's items for each media type. A type without transforms has no entry, so its files fail."""
    items: dict[str, list[dict[str, str]]] = {}
    for transform in spec.transforms:
        for media_type in transform.media_types:
            items.setdefault(media_type, []).append({"name": transform.name, "functionArn": transform.function_arn})
    return items


def _persistence(spec: WorkflowSpec) -> States:
    """Put the record unless the table has this run of this version or a newer one; in that case check which."""
    return {
        "Persist": service_call(
            "dynamodb:putItem",
            {
                "TableName": spec.assets_table,
                "Item": expression(ASSET),
                "ConditionExpression": "attribute_not_exists(fileKey) OR sequencer < :sequencer "
                "OR (sequencer = :sequencer AND #run < :run)",
                **RECORDED_RUN,
            },
            retry=DYNAMODB_RETRY,
            assign={"stages": stages_and(Stage.PERSISTED)},
            catch=[{"ErrorEquals": [CONDITION_FAILED], "Next": "CheckExisting"}],
            next_state="Publish",
        ),
        "CheckExisting": service_call(
            "dynamodb:getItem",
            {
                "TableName": spec.assets_table,
                "Key": {"fileKey": string("$file.fileKey")},
                "ConsistentRead": True,
                "ProjectionExpression": f"sequencer, #run, publishedAt, {DELETED_AT}",
                "ExpressionAttributeNames": RECORDED_RUN["ExpressionAttributeNames"],
            },
            retry=DYNAMODB_RETRY,
            assign={
                "recordedSequencer": expression("$states.result.Item.sequencer.S"),
                "recordedRun": expression("$states.result.Item.run.S"),
                "recordIsPublished": expression("$exists($states.result.Item.publishedAt)"),
                "recordIsOfDeletion": expression(f"$exists($states.result.Item.{DELETED_AT})"),
            },
            next_state="WhoseRecord",
        ),
        "WhoseRecord": {
            "Type": "Choice",
            "Comment": "This version's record without publishedAt: an earlier execution stopped in between",
            "Choices": [
                {"Condition": expression("$recordIsOfDeletion"), "Next": "EraseLate"},
                {
                    "Condition": expression("$recordedSequencer != $file.sequencer or $recordedRun != $file.run"),
                    "Next": "Supersede",
                },
                {"Condition": expression("$recordIsPublished"), "Next": "Complete"},
            ],
            "Default": "Publish",
        },
        **late_erasure(spec.erase_function_arn, next_state="Supersede"),
    }


def _publication(spec: WorkflowSpec) -> States:
    """Publish the asset, then mark its record, so that a crash in between repeats the notification."""
    return {
        "Publish": notification(
            spec.results_topic_arn,
            ASSET_MESSAGE,
            Outcome.COMPLETED,
            assign={"stages": stages_and(Stage.PUBLISHED)},
            next_state="MarkPublished",
        ),
        "MarkPublished": service_call(
            "dynamodb:updateItem",
            {
                "TableName": spec.assets_table,
                "Key": {"fileKey": string("$file.fileKey")},
                "UpdateExpression": "SET publishedAt = :now",
                "ConditionExpression": "sequencer = :sequencer AND #run = :run",
                "ExpressionAttributeNames": RECORDED_RUN["ExpressionAttributeNames"],
                "ExpressionAttributeValues": {
                    ":now": string("$now()"),
                    **RECORDED_RUN["ExpressionAttributeValues"],
                },
            },
            retry=DYNAMODB_RETRY,
            # A newer version or run replaced the record after this one was published.
            catch=[{"ErrorEquals": [CONDITION_FAILED], "Next": "Complete"}],
            next_state="Complete",
        ),
    }


def _completion(spec: WorkflowSpec) -> States:
    """Finish the job of an accepted file."""
    return {
        "Complete": finish_job(spec.jobs, JobStatus.COMPLETED, ACCEPTANCE, remove=EXPLANATION, next_state="Completed"),
        "Completed": {"Type": "Succeed"},
        "Supersede": finish_job(
            spec.jobs, JobStatus.SUPERSEDED, ACCEPTANCE, remove=EXPLANATION, next_state="Superseded"
        ),
        "Superseded": {"Type": "Succeed", "Comment": "A newer version is recorded: this one changes nothing"},
    }


def _failure(spec: WorkflowSpec) -> States:
    """Write the failure to the job's row, then fail with the same error, even if the row cannot be written."""
    return {
        "RecordFailure": update_job(
            spec.jobs,
            {
                "status": {"S": JobStatus.FAILED},
                "stage": string("$stages[-1].M.stage.S"),
                "reasonCode": string("$failure.error"),
                "reason": string("$failure.cause"),
                "hint": string(FAILURE_HINT),
            },
            stages=stages_and(JobStatus.FAILED),
            on_failure={"ErrorEquals": ["States.ALL"], "Next": "Failed"},
            next_state="Failed",
        ),
        "Failed": {
            "Type": "Fail",
            "Error": expression("$failure.error"),
            "Cause": expression("$failure.cause"),
        },
    }
