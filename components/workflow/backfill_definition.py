"""Sends every stored file under a prefix through the workflow, as a Step Functions Distributed Map in JSONata.

::

    EnqueueAll: for every ten objects that S3 lists, one child execution
      Enqueue, for each of the ten: FindVersion ▶ FindRecord ▶ IsItFinished ▶ Send
      Hold ▶ WereAllSent

A child sends its ten messages at once and then holds its place for ten seconds, so as many children as may run at the
same time are the messages sent in a second, on average. The transform queue takes the rest from there: its pipe, its
retries and its dead-letter queue are those of any upload. A child that could not send all ten fails, and its report
says why; what it had sent already does no harm when it is sent again.

Input: ``{"prefix": …, "run": …}``. A run that is not empty has finished files go through again, as the workflow says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from components.workflow.jsonata import expression, string
from contract import events
from contract.scan import SCAN_TAG

MESSAGES_PER_CHILD = 10
HOLD_SECONDS = 10
CALL_TIMEOUT_SECONDS = 10

ANNOUNCED_BY = {
    "s3": events.S3_SOURCE,
    "object_created": events.OBJECT_CREATED,
    "guardduty": events.GUARDDUTY_SOURCE,
    "scan_result": events.SCAN_RESULT,
}

# S3 names no sequencer of what it stores, only of what it announces. A version that was never announced comes after
# what is recorded of its file, and before what S3 will announce of it: a sequencer of S3's has more digits than these.
EVENT = """(
  $object := $states.input.object;
  $version := $states.input.versionId;
  $record := $states.result.Item;
  $isRecorded := $record.versionId.S = $version;
  $stored := $pad($uppercase($formatBase($object.LastModified * 1000, 16)), -11, "0");
  $isRecorded and $exists($record.publishedAt) and $states.input.run = "" ? {} : $merge([{
    "version": "0",
    "id": $uuid(),
    "detail-type": "%(object_created)s",
    "source": "%(s3)s",
    "time": $fromMillis($object.LastModified * 1000),
    "detail": {
      "version": "0",
      "bucket": {"name": "%(bucket)s"},
      "object": {
        "key": $object.Key,
        "size": $object.Size,
        "etag": $replace($object.Etag, '"', ""),
        "version-id": $version,
        "sequencer": $isRecorded ? $record.sequencer.S
          : $exists($record) ? $substringBefore($record.sequencer.S, "+") & "+" & $stored
          : $stored
      },
      "reason": "backfill"
    }
  }, $states.input.run = "" ? {} : {"run": $states.input.run}])
)"""

# With malware scanning, the event is that of a scan, with the result that the file's tag has; a file without that tag
# is left to GuardDuty. validate orders the versions, but for one that is recorded: that keeps the sequencer it has.
SCAN_EVENT = """(
  $object := $states.input.object;
  $version := $states.input.versionId;
  $status := $states.input.scanStatus;
  $record := $states.result.Item;
  $isRecorded := $record.versionId.S = $version;
  $not($exists($status)) or ($isRecorded and $exists($record.publishedAt) and $states.input.run = "") ? {} : $merge([{
    "version": "0",
    "id": $uuid(),
    "detail-type": "%(scan_result)s",
    "source": "%(guardduty)s",
    "time": $fromMillis($object.LastModified * 1000),
    "detail": {
      "schemaVersion": "1.0",
      "scanStatus": "COMPLETED",
      "resourceType": "S3_OBJECT",
      "s3ObjectDetails": {
        "bucketName": "%(bucket)s",
        "objectKey": $object.Key,
        "eTag": $replace($object.Etag, '"', ""),
        "versionId": $version
      },
      "scanResultDetails": {"scanResultStatus": $status}
    }
  }, $isRecorded ? {"sequencer": $record.sequencer.S} : {}, $states.input.run = "" ? {} : {"run": $states.input.run}])
)"""

VERSION = '{"versionId": $states.result.VersionId}'
SCANNED_VERSION = f"""{{
  "versionId": $states.result.VersionId,
  "scanStatus": $states.result.TagSet[Key = "{SCAN_TAG}"].Value
}}"""

NOT_SENT = """{
  "key": $states.context.Map.Item.Value.Key,
  "error": $states.errorOutput.Error,
  "cause": $states.errorOutput.Cause
}"""


@dataclass(frozen=True, kw_only=True)
class BackfillSpec:
    """Everything the definition depends on.

    Attributes:
        ingest_bucket, assets_table, queue_url: where the files are, what is recorded of them, and where messages go.
        results_bucket, results_prefix: where the report on every child is written.
        messages_per_second: the pace, on average.
        tolerated_failure_percent: how much of the files may fail before the rest is left alone.
        malware_scan: whether the workflow takes results of malware scans.
    """

    ingest_bucket: str
    assets_table: str
    queue_url: str
    results_bucket: str
    results_prefix: str
    messages_per_second: int
    tolerated_failure_percent: float
    malware_scan: bool = False


def backfill_definition(spec: BackfillSpec) -> dict[str, Any]:
    """Build the state machine's definition, in Amazon States Language."""
    return {
        "Comment": "Every stored file under a prefix, into the transform queue at a bounded pace",
        "QueryLanguage": "JSONata",
        "StartAt": "EnqueueAll",
        "States": {
            "EnqueueAll": {
                "Type": "Map",
                "ItemReader": {
                    "Resource": "arn:aws:states:::s3:listObjectsV2",
                    "Arguments": {"Bucket": spec.ingest_bucket, "Prefix": expression("$states.input.prefix")},
                },
                "ItemBatcher": {
                    "MaxItemsPerBatch": MESSAGES_PER_CHILD,
                    "BatchInput": {"run": expression("$states.input.run")},
                },
                "MaxConcurrency": spec.messages_per_second * HOLD_SECONDS // MESSAGES_PER_CHILD,
                "ToleratedFailurePercentage": spec.tolerated_failure_percent,
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
                    **child_workflow(spec),
                },
                "ResultWriter": {
                    "Resource": "arn:aws:states:::s3:putObject",
                    "Arguments": {"Bucket": spec.results_bucket, "Prefix": spec.results_prefix},
                },
                "End": True,
            }
        },
    }


def child_workflow(spec: BackfillSpec) -> dict[str, Any]:
    """What happens to ten objects: ``{"Items": […], "BatchInput": {"run": …}}``."""
    return {
        "StartAt": "Enqueue",
        "States": {
            "Enqueue": {
                "Type": "Map",
                "Items": expression("$states.input.Items"),
                "ItemSelector": {
                    "object": expression("$states.context.Map.Item.Value"),
                    "run": expression("$states.input.BatchInput.run"),
                },
                "MaxConcurrency": MESSAGES_PER_CHILD,
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "INLINE"},
                    "StartAt": "FindVersion",
                    "States": _enqueueing(spec),
                },
                "Output": {
                    "notSent": expression("[$filter($states.result, function($file) { $exists($file.error) })]")
                },
                "Next": "Hold",
            },
            "Hold": {"Type": "Wait", "Seconds": HOLD_SECONDS, "Next": "WereAllSent"},
            "WereAllSent": {
                "Type": "Choice",
                "Choices": [{"Condition": expression("$count($states.input.notSent) > 0"), "Next": "NotAllSent"}],
                "Default": "AllSent",
            },
            "NotAllSent": {
                "Type": "Fail",
                "Error": "NotAllSent",
                "Cause": expression("$string($states.input.notSent)"),
            },
            "AllSent": {"Type": "Succeed"},
        },
    }


def _enqueueing(spec: BackfillSpec) -> dict[str, Any]:
    """One object: send the event that would have been sent about it, unless it is finished."""
    return {
        "FindVersion": _call(
            "aws-sdk:s3:getObjectTagging" if spec.malware_scan else "aws-sdk:s3:headObject",
            {"Bucket": spec.ingest_bucket, "Key": expression("$states.input.object.Key")},
            output=expression(f"$merge([$states.input, {SCANNED_VERSION if spec.malware_scan else VERSION}])"),
            next_state="FindRecord",
        ),
        "FindRecord": _call(
            "dynamodb:getItem",
            {
                "TableName": spec.assets_table,
                "Key": {"fileKey": string("$states.input.object.Key")},
                "ProjectionExpression": "versionId, sequencer, publishedAt",
            },
            output=expression(
                (SCAN_EVENT if spec.malware_scan else EVENT) % {**ANNOUNCED_BY, "bucket": spec.ingest_bucket}
            ),
            next_state="IsItFinished",
        ),
        "IsItFinished": {
            "Type": "Choice",
            "Choices": [{"Condition": expression("$exists($states.input.detail)"), "Next": "Send"}],
            "Default": "Finished",
        },
        "Finished": {"Type": "Succeed"},
        "Send": _call(
            "sqs:sendMessage",
            {"QueueUrl": spec.queue_url, "MessageBody": expression("$string($states.input)")},
            output={},
            next_state="Finished",
        ),
        "NotSent": {"Type": "Succeed"},
    }


def _call(action: str, arguments: dict[str, Any], *, output: Any, next_state: str) -> dict[str, Any]:
    """Call a service; nobody waits for a backfill, so any failure may pass before it counts."""
    return {
        "Type": "Task",
        "Resource": f"arn:aws:states:::{action}",
        "Arguments": arguments,
        "TimeoutSeconds": CALL_TIMEOUT_SECONDS,
        "Retry": [
            {
                "ErrorEquals": ["States.TaskFailed"],
                "IntervalSeconds": 2,
                "BackoffRate": 2,
                "MaxAttempts": 3,
                "MaxDelaySeconds": 20,
                "JitterStrategy": "FULL",
            }
        ],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Output": expression(NOT_SENT), "Next": "NotSent"}],
        "Output": output,
        "Next": next_state,
    }
