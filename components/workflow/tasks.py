"""The workflow's tasks, with their retries, timeouts and error handling."""

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
    """The jobs table's name, and the retention of a row in days after its job's last attempt."""

    name: str
    retention_days: int


# A call of DynamoDB, SQS or SNS takes milliseconds; a call that takes this long is not going to succeed.
SERVICE_CALL_TIMEOUT_SECONDS = 10
# The init phase of a cold start takes at most this long and does not count towards the function's timeout
# (Lambda Developer Guide, "Understanding the Lambda execution environment lifecycle").
COLD_START_SECONDS = 10
SECONDS_PER_DAY = 24 * 60 * 60

CONDITION_FAILED = "DynamoDB.ConditionalCheckFailedException"


def _retry(errors: Sequence[str], *, first_delay: int, attempts: int, max_delay: int) -> State:
    """Exponential back-off with full jitter, so that throttled executions do not retry at the same time."""
    return {
        "ErrorEquals": list(errors),
        "IntervalSeconds": first_delay,
        "BackoffRate": 2,
        "MaxAttempts": attempts,
        "MaxDelaySeconds": max_delay,
        "JitterStrategy": "FULL",
    }


# Only throttling and service errors are retried here; other errors fail the execution, and the queue delivers the
# message again. That includes timeouts: a step that timed out once would time out again. Names: Step Functions
# Developer Guide, "Handle transient Lambda service exceptions", and the "Errors" of each action in the API references.
LAMBDA_RETRY = [
    # Reserved concurrency limits the pipeline, so a burst is throttled. A throttled call is free, but a failed
    # execution uses up one receive of the message: retry longer here than elsewhere.
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
# The AWS SDK integrations name the service differently ("Learning to use AWS service SDK integrations").
TRANSACTION_RETRY = [
    _retry(
        [
            "DynamoDb.TransactionInProgressException",
            "DynamoDb.ProvisionedThroughputExceededException",
            "DynamoDb.RequestLimitExceededException",
            "DynamoDb.ThrottlingException",
            "DynamoDb.InternalServerErrorException",
            "DynamoDb.SdkClientException",
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
# Before the job id is known, there is no row to write a failure to.
UNRECORDED_FAILURE_CATCH = {**FAILURE_CATCH, "Next": "Failed"}
# Adds the transform's name to the error: a timeout, for example, does not contain it.
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
    """Call a service. ``catch`` handles expected errors; None as ``next_state`` ends the branch."""
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
    topic_arn: str,
    message: str,
    outcome: str,
    *,
    next_state: str,
    assign: Mapping[str, Any] | None = None,
    on_failure: State = FAILURE_CATCH,
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
        on_failure=on_failure,
        next_state=next_state,
    )


def claim_job(
    jobs: JobsTable, values: Mapping[str, Any], *, job_id: str, assign: Mapping[str, Any], otherwise: str
) -> State:
    """Assign a job's row to this version, unless it belongs to another.

    Writes only missing attributes, so that a finished job is unchanged.

    Args:
        jobs: the table.
        values: the first values of the row.
        job_id: an expression.
        assign: variables to assign if the row belongs to this version.
        otherwise: the state if the row belongs to another version.
    """
    values = {
        **JOB,
        "updatedAt": string("$now()"),
        "createdAt": string("$now()"),
        "expiresAt": expiry(jobs.retention_days),
        **values,
    }
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
        catch=[{"ErrorEquals": [CONDITION_FAILED], "Next": otherwise}],
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
    assign: Mapping[str, Any] | None = None,
    output: Mapping[str, Any] | None = None,
    on_failure: State = FAILURE_CATCH,
) -> State:
    """Update the job's row; if it is finished or of a newer run, end the execution instead.

    Every update writes the row's identity, so the row is complete whichever update comes first. ``stages`` is an
    expression of the entries to append to the history. ``assign`` may read the updated row.
    """
    return service_call(
        "dynamodb:updateItem",
        {
            "TableName": jobs.name,
            "Key": {"jobId": string("$file.jobId")},
            "ConditionExpression": "attribute_not_exists(#run) OR #run < :run "
            "OR (#run = :run AND attribute_not_exists(finishedAt))",
            **_row_update(
                {**JOB, "updatedAt": string("$now()"), "expiresAt": expiry(jobs.retention_days), **values},
                remove,
                stages,
            ),
            **({"ReturnValues": "ALL_NEW"} if assign else {}),
        },
        retry=DYNAMODB_RETRY,
        assign=assign,
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
    """Finish a job: write its complete outcome, whatever other executions wrote before."""
    return update_job(
        jobs,
        {"status": {"S": status}, "stage": {"S": status}, "finishedAt": string("$now()"), **values},
        remove=remove,
        stages=stages_and(status),
        output={"jobId": expression("$file.jobId"), "status": status},
        next_state=next_state,
    )


def expiry(days: int) -> dict[str, str]:
    """A row's time to live, in epoch seconds."""
    return number(f"$floor($millis() / 1000) + {days * SECONDS_PER_DAY}")
