"""The kinds of task the workflow is made of, each with its retries, its time limit and what happens when it fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.workflow.jsonata import READABLE_CAUSE, expression, number, string
from components.workflow.values import JOB, stages_and
from contract.messages import MessageAttribute

State = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class JobsTable:
    """The jobs table's name, and the days a row is kept after its job's last attempt."""

    name: str
    retention_days: int


# A call of DynamoDB, SQS or SNS takes milliseconds; one that takes this long will not answer any more.
SERVICE_CALL_TIMEOUT_SECONDS = 10
# A cold start's initialisation takes at most this long and does not count towards the function's own timeout
# (Lambda Developer Guide, "Understanding the Lambda execution environment lifecycle").
COLD_START_SECONDS = 10
SECONDS_PER_DAY = 24 * 60 * 60

CONDITION_FAILED = "DynamoDB.ConditionalCheckFailedException"


def _retry(errors: Sequence[str], *, first_delay: int, attempts: int, max_delay: int) -> State:
    """Exponential back-off with full jitter, so that executions throttled together do not return together."""
    return {
        "ErrorEquals": list(errors),
        "IntervalSeconds": first_delay,
        "BackoffRate": 2,
        "MaxAttempts": attempts,
        "MaxDelaySeconds": max_delay,
        "JitterStrategy": "FULL",
    }


# Only throttling and service errors are tried again here; anything else fails the execution and is left to the queue.
# That includes timeouts: a step that used up its time once would use it up again. Names: Step Functions Developer
# Guide, "Handle transient Lambda service exceptions", and the "Errors" of each action in the services' API references.
LAMBDA_RETRY = [
    # Reserved concurrency is what bounds the pipeline, so a burst shows as throttling. Being throttled costs nothing,
    # while giving up costs the file one of its deliveries: wait for longer here than for anything else.
    _retry(["Lambda.TooManyRequestsException"], first_delay=2, attempts=6, max_delay=20),
    _retry(
        [
            "TransientError",
            "Lambda.ServiceException",
            "Lambda.AWSLambdaException",
            "Lambda.SdkClientException",
            "Lambda.ClientExecutionTimeoutException",
        ],
        first_delay=1,
        attempts=2,
        max_delay=5,
    ),
]
DYNAMODB_RETRY = [
    _retry(
        [
            "DynamoDB.ProvisionedThroughputExceededException",
            "DynamoDB.RequestLimitExceeded",
            "DynamoDB.ThrottlingException",
            "DynamoDB.InternalServerErrorException",
            "DynamoDB.SdkClientException",
        ],
        first_delay=1,
        attempts=3,
        max_delay=5,
    )
]
S3_RETRY = [_retry(["S3.S3Exception", "S3.SdkClientException"], first_delay=1, attempts=3, max_delay=5)]
SQS_RETRY = [
    _retry(
        ["SQS.RequestThrottledException", "SQS.KmsThrottledException", "SQS.SdkClientException"],
        first_delay=1,
        attempts=3,
        max_delay=5,
    )
]
SNS_RETRY = [
    _retry(
        [
            "SNS.ThrottledException",
            "SNS.InternalErrorException",
            "SNS.KMSThrottlingException",
            "SNS.SdkClientException",
        ],
        first_delay=1,
        attempts=3,
        max_delay=5,
    )
]


FAILURE_CATCH = {
    "ErrorEquals": ["States.ALL"],
    "Assign": {
        "failure": {
            "error": expression("$states.errorOutput.Error"),
            "cause": expression(f"({READABLE_CAUSE} $readableCause($states.errorOutput.Cause))"),
        }
    },
    "Next": "RecordFailure",
}
# Before it is known whose job this is, there is no row to record a failure in.
UNRECORDED_FAILURE_CATCH = {**FAILURE_CATCH, "Next": "Failed"}
# The error that leaves the Map names its transform; not every error does so by itself, a timeout for one.
TRANSFORM_FAILURE_CATCH = {
    "ErrorEquals": ["States.ALL"],
    "Output": {
        "error": expression("$states.errorOutput.Error"),
        "cause": expression(
            f'({READABLE_CAUSE} $states.input.name & ": " & $readableCause($states.errorOutput.Cause))'
        ),
    },
    "Next": "TransformFailed",
}


def service_call(
    action: str,
    arguments: Mapping[str, Any],
    *,
    retry: Sequence[State],
    next_state: str | None,
    timeout_seconds: int = SERVICE_CALL_TIMEOUT_SECONDS,
    assign: Mapping[str, Any] | None = None,
    output: Mapping[str, Any] | None = None,
    catch: Sequence[State] = (),
    on_failure: State = FAILURE_CATCH,
) -> State:
    """Call a service. ``catch`` is for errors that are part of the flow; None as ``next_state`` ends the branch."""
    return {
        "Type": "Task",
        "Resource": f"arn:aws:states:::{action}",
        "Arguments": dict(arguments),
        "TimeoutSeconds": timeout_seconds,
        "Retry": list(retry),
        "Catch": [*catch, on_failure],
        **({"Assign": dict(assign)} if assign else {}),
        **({"Output": dict(output)} if output else {}),
        **({"Next": next_state} if next_state else {"End": True}),
    }


def function_call(
    function_arn: str,
    *,
    payload: Any,
    function_timeout_seconds: int,
    next_state: str | None,
    assign: Mapping[str, Any] | None = None,
    output: Mapping[str, Any] | None = None,
    on_failure: State = FAILURE_CATCH,
) -> State:
    return service_call(
        "lambda:invoke",
        {"FunctionName": function_arn, "Payload": payload},
        retry=LAMBDA_RETRY,
        timeout_seconds=function_timeout_seconds + COLD_START_SECONDS,
        assign=assign,
        output=output,
        on_failure=on_failure,
        next_state=next_state,
    )


def notification(
    topic_arn: str, message: str, outcome: str, *, next_state: str, assign: Mapping[str, Any] | None = None
) -> State:
    """Publish a result, with the attributes by which subscribers filter."""
    return service_call(
        "sns:publish",
        {
            "TopicArn": topic_arn,
            "Message": expression(message),
            "MessageAttributes": {
                MessageAttribute.OUTCOME: {"DataType": "String", "StringValue": outcome},
                MessageAttribute.MEDIA_TYPE: {"DataType": "String", "StringValue": expression("$verdict.mediaType")},
            },
        },
        retry=SNS_RETRY,
        assign=assign,
        next_state=next_state,
    )


def claim_job(jobs: JobsTable, values: Mapping[str, Any], *, job_id: str, assign: Mapping[str, Any]) -> State:
    """Give a job's row to this version unless it is another's; whose it is, is decided once.

    Writes only what the row lacks, so that a job that is finished stays as it is.

    Args:
        jobs: the table.
        values: the row of a job that begins.
        job_id: an expression.
        assign: variables that change when the row is this version's.
    """
    values = {**JOB, "updatedAt": string("$now()"), "createdAt": string("$now()"), "expiresAt": _expiry(jobs), **values}
    return service_call(
        "dynamodb:updateItem",
        {
            "TableName": jobs.name,
            "Key": {"jobId": string(job_id)},
            "UpdateExpression": f"SET {', '.join(f'#{name} = if_not_exists(#{name}, :{name})' for name in values)}",
            "ConditionExpression": "attribute_not_exists(#versionId) OR #versionId = :versionId",
            "ExpressionAttributeNames": {f"#{name}": name for name in values},
            "ExpressionAttributeValues": {f":{name}": value for name, value in values.items()},
        },
        retry=DYNAMODB_RETRY,
        assign=assign,
        catch=[{"ErrorEquals": [CONDITION_FAILED], "Next": "MarkProcessing"}],
        on_failure=UNRECORDED_FAILURE_CATCH,
        next_state="MarkProcessing",
    )


def update_job(
    jobs: JobsTable,
    values: Mapping[str, Any],
    *,
    next_state: str,
    remove: Sequence[str] = (),
    stages: str | None = None,
    output: Mapping[str, Any] | None = None,
    on_failure: State = FAILURE_CATCH,
) -> State:
    """Write to the job's row, unless it is finished or of a newer run: then this execution has nothing left to do.

    Every write says whose row it is, so the row is whole whichever write comes first. ``stages`` is what to add to the
    history, an expression.
    """
    return service_call(
        "dynamodb:updateItem",
        {
            "TableName": jobs.name,
            "Key": {"jobId": string("$file.jobId")},
            "ConditionExpression": "attribute_not_exists(#run) OR #run < :run "
            "OR (#run = :run AND attribute_not_exists(finishedAt))",
            **_row_update({**JOB, "updatedAt": string("$now()"), "expiresAt": _expiry(jobs), **values}, remove, stages),
        },
        retry=DYNAMODB_RETRY,
        output=output,
        catch=[
            {
                "ErrorEquals": [CONDITION_FAILED],
                "Output": {"jobId": expression("$file.jobId"), "status": "ALREADY_FINISHED"},
                "Next": "AlreadyFinished",
            }
        ],
        on_failure=on_failure,
        next_state=next_state,
    )


def _row_update(values: Mapping[str, Any], remove: Sequence[str], stages: str | None) -> dict[str, Any]:
    """The update expression with its names and values: set `values`, append `stages`, keep the first `createdAt`."""
    changes = [*(f"#{name} = :{name}" for name in values), "#createdAt = if_not_exists(#createdAt, :createdAt)"]
    values = {**values, "createdAt": string("$now()")}
    if stages:
        changes.append("#stages = list_append(if_not_exists(#stages, :none), :stages)")
        values["stages"] = {"L": stages}
    update = f"SET {', '.join(changes)}"
    if remove:
        update += f" REMOVE {', '.join(f'#{name}' for name in remove)}"
    return {
        "UpdateExpression": update,
        "ExpressionAttributeNames": {f"#{name}": name for name in (*values, *remove)},
        "ExpressionAttributeValues": {
            **{f":{name}": value for name, value in values.items()},
            **({":none": {"L": []}} if stages else {}),
        },
    }


def finish_job(
    jobs: JobsTable, status: str, values: Mapping[str, Any], *, next_state: str, remove: Sequence[str] = ()
) -> State:
    """The write that finishes a job says its whole outcome, whatever other executions wrote before."""
    return update_job(
        jobs,
        {"status": {"S": status}, "stage": {"S": status}, "finishedAt": string("$now()"), **values},
        remove=remove,
        stages=stages_and(status),
        output={"jobId": expression("$file.jobId"), "status": status},
        next_state=next_state,
    )


def _expiry(jobs: JobsTable) -> dict[str, str]:
    """When DynamoDB may remove the row, in epoch seconds."""
    return number(f"$floor($millis() / 1000) + {jobs.retention_days * SECONDS_PER_DAY}")
