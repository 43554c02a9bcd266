"""Sends every stored file under a prefix through the workflow, as a Step Functions Distributed Map in JSONata.

::

    EnqueueAll: for every ten objects that S3 lists, one child execution
      Enqueue, for each of the ten: FindVersion ▶ FindRecord ▶ IsItFinished ▶ Send
      Hold ▶ WereAllSent

A child execution sends its ten messages and then waits for ten seconds, so the limit of concurrent children is the
average number of messages per second. From the transform queue on, a file is processed like any upload. A child that
cannot send all ten fails, and its result contains the reason; a message that is sent twice is harmless.

Input: ``{"prefix": …, "run": …}``. A run that is not empty processes finished files again (file_workflow.py).
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

EVENT_SOURCES = {
    "s3": events.S3_SOURCE,
    "object_created": events.OBJECT_CREATED,
    "guardduty": events.GUARDDUTY_SOURCE,
    "scan_result": events.SCAN_RESULT,
}

# S3 returns a sequencer in events only. A version without an event is ordered after the recorded version of its file
# and before any version that S3 sends an event for: S3's sequencers have more digits than these.
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

# With malware scanning, the event is that of a scan, with the result from the file's tag; a file without the tag is
# skipped. validate orders the versions, except a recorded one, which keeps its sequencer.
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
        ingest_bucket, assets_table, queue_url: the files, their records, and the queue for messages.
        results_bucket, results_prefix: where the results of the child executions are written.
        messages_per_second: the pace, on average.
        tolerated_failure_percent: percentage of files that may fail before the Distributed Map stops.
        malware_scan: whether the workflow processes results of malware scans.
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
        "Comment": "Every stored file under a prefix to the transform queue, at a limited rate",
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
    """The child workflow for ten objects: ``{"Items": […], "BatchInput": {"run": …}}``."""
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
    """For one object: send its event to the queue, unless the file is finished."""
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
                (SCAN_EVENT if spec.malware_scan else EVENT) % {**EVENT_SOURCES, "bucket": spec.ingest_bucket}
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
    """Call a service. A backfill is not urgent, so every error is retried before it counts as a failure."""
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
