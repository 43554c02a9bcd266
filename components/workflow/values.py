"""The workflow's values: the file, the rows, the messages, and the hints for failures."""

from __future__ import annotations

import json

from components.workflow.jsonata import AS_ATTRIBUTE, expression, number, string
from contract.assets import NO_OWNER, PIPELINE_ATTRIBUTES
from contract.events import OBJECT_DELETED
from contract.jobs import JOB_ID_DIGITS, KEY_WITH_JOB_ID, Stage
from contract.keys import UPLOADS
from contract.messages import MessageType

# The fields of every `file`, from $message, $bucket, $key and $version. The job id is that of
# `contract.jobs.version_job_id`.
_FILE_FIELDS = f"""
    "jobId": $substring($hash($bucket & "/" & $key & "#" & $version, "SHA-256"), 0, {JOB_ID_DIGITS}),
    "bucket": $bucket,
    "fileKey": $key,
    "versionId": $version,
    "run": $exists($message.event.run) ? $message.event.run : "",
    "eventTime": $message.event.time,
    "executionName": $states.context.Execution.Name,
    "attempt": $number($message.receiveCount)
"""

# The pipe's batch size is 1. S3's sequencers compare as strings when padded to one length
# (Amazon S3 User Guide, "Event message structure").
FILE = f"""(
  $message := $states.input[0];
  $bucket := $message.event.detail.bucket.name;
  $object := $message.event.detail.object;
  $key := $object.key;
  $version := $object.`version-id`;
  {{
    {_FILE_FIELDS},
    "sequencer": $pad($object.sequencer, -32, "0"),
    "bytes": $object.size,
    "etag": $object.etag
  }}
)"""

# With malware scanning, the pipe sends the event of the scan ("Monitoring S3 object scans with Amazon EventBridge",
# Amazon GuardDuty User Guide), which contains neither size nor sequencer: validate determines both, and until then the
# sequencer is all zeros. An event that is sent again contains the recorded sequencer next to its detail.
# An S3 event that was on the queue when scanning was turned on is that of a file without a scan result.
SCANNED_FILE = f"""(
  $message := $states.input[0];
  $detail := $message.event.detail;
  $isScan := $exists($detail.s3ObjectDetails);
  $bucket := $isScan ? $detail.s3ObjectDetails.bucketName : $detail.bucket.name;
  $key := $isScan ? $detail.s3ObjectDetails.objectKey : $detail.object.key;
  $version := $isScan ? $detail.s3ObjectDetails.versionId : $detail.object.`version-id`;
  $sequencer := $isScan ? $message.event.sequencer : $detail.object.sequencer;
  {{
    {_FILE_FIELDS},
    "sequencer": $pad($exists($sequencer) ? $sequencer : "", -32, "0"),
    "bytes": 0,
    "etag": $isScan ? $detail.s3ObjectDetails.eTag : $detail.object.etag,
    "scan": {{
      "status": $isScan ? $detail.scanResultDetails.scanResultStatus : "",
      "threats": [$detail.scanResultDetails.threats.name]
    }}
  }}
)"""

IS_DELETION = f'$event.`detail-type` = "{OBJECT_DELETED}"'
DELETION = """{
  "type": $event.detail.`deletion-type`,
  "requestedBy": $event.detail.requester
}"""

_SLASH = r"\/"
KEY_CARRIES_JOB_ID = f"$contains($file.fileKey, /{KEY_WITH_JOB_ID.replace('/', _SLASH)}/)"
WITH_JOB_ID_OF_KEY = f"""$merge([$file, {{
  "jobId": $substring($file.fileKey, {len(UPLOADS)}, {JOB_ID_DIGITS})
}}])"""
# S3 lists older versions and delete markers after this version, and those of keys with the same prefix.
IS_FIRST_VERSION = """$not($exists(
  [$states.result.Versions, $states.result.DeleteMarkers][Key = $file.fileKey]
))"""

# The first entry of this attempt's stage history, as a DynamoDB attribute value.
RECEIVED = {
    "M": {
        "attempt": number("$number($states.input[0].receiveCount)"),
        "stage": {"S": Stage.RECEIVED},
        "at": string("$now()"),
    }
}

# The event of a transform contains this and the file. Measures depend on the media type, and are passed through. Only
# transforms get the sample; the key is absent for media types without one.
MEDIA = """{
  "mediaType": $verdict.mediaType,
  "measures": $verdict.measures,
  "sample": $verdict.sample,
  "sha256": $verdict.sha256
}"""

REJECTED_FILE = """$string({
  "file": $file,
  "reasonCode": $verdict.reasonCode,
  "reason": $verdict.reason,
  "hint": $verdict.hint,
  "mediaType": $verdict.mediaType,
  "sha256": $verdict.sha256,
  "rejectedAt": $now(),
  "event": $event
})"""

# The fields of every message about a file.
_MESSAGE_FILE = """
  "jobId": $file.jobId,
  "bucket": $file.bucket,
  "fileKey": $file.fileKey,
  "versionId": $file.versionId,
  "sequencer": $file.sequencer,
  "run": $file.run,
  "mediaType": $verdict.mediaType
"""

REJECTION_MESSAGE = f"""$string({{
  "type": "{MessageType.ASSET_REJECTED}",
  {_MESSAGE_FILE},
  "reasonCode": $verdict.reasonCode,
  "reason": $verdict.reason,
  "hint": $verdict.hint
}})"""

ASSET_MESSAGE = f"""$string({{
  "type": "{MessageType.ASSET_READY}",
  {_MESSAGE_FILE},
  "measures": $verdict.measures,
  "sha256": $verdict.sha256,
  "renditions": $renditions
}})"""

DELETION_MESSAGE = f"""$string({{
  "type": "{MessageType.ASSET_DELETED}",
  "bucket": $file.bucket,
  "fileKey": $file.fileKey,
  "versionId": $file.versionId,
  "sequencer": $file.sequencer,
  "run": $file.run,
  "mediaType": $verdict.mediaType,
  "deletedAt": $file.eventTime
}})"""

# From the job's row as it is after it was marked, which the API may have written before.
KEY_OWNER = '$exists($states.result.Item.owner) ? $states.result.Item.owner.S : ""'
OWNER = f'$exists($states.result.Attributes.owner) ? $states.result.Attributes.owner.S : "{NO_OWNER}"'

# What transforms record is beneath the pipeline's own attributes, so that it can replace none of them.
ASSET = f"""({AS_ATTRIBUTE} $asAttribute($merge([$record, {{
  "fileKey": $file.fileKey,
  "owner": $owner,
  "shard": $substring($file.jobId, 0, 1),
  "sequencer": $file.sequencer,
  "run": $file.run,
  "versionId": $file.versionId,
  "bucket": $file.bucket,
  "jobId": $file.jobId,
  "mediaType": $verdict.mediaType,
  "bytes": $file.bytes,
  "measures": $verdict.measures,
  "sha256": $verdict.sha256,
  "renditions": $renditions,
  "metadata": $metadata,
  "eventTime": $file.eventTime,
  "persistedAt": $now(),
  "executionName": $file.executionName,
  "traceId": $verdict.traceId
}}])).M)"""

# Names and values in conditions on the record.
RECORDED_RUN = {
    "ExpressionAttributeNames": {"#run": "run"},
    "ExpressionAttributeValues": {":sequencer": string("$file.sequencer"), ":run": string("$file.run")},
}

# Attributes in every write to a job's row.
JOB = {
    "fileKey": string("$file.fileKey"),
    "versionId": string("$file.versionId"),
    "sequencer": string("$file.sequencer"),
    "run": string("$file.run"),
    "bucket": string("$file.bucket"),
    "attempt": number("$file.attempt"),
    "executionName": string("$file.executionName"),
}
# Attributes of the validation result.
ACCEPTANCE = {"mediaType": string("$verdict.mediaType"), "traceId": string("$verdict.traceId")}
REJECTION = {
    **ACCEPTANCE,
    "reasonCode": string("$verdict.reasonCode"),
    "reason": string("$verdict.reason"),
    "hint": string("$verdict.hint"),
}
# Attributes of a failed attempt; removed from the row when the job is retried and when it completes.
EXPLANATION = ("reasonCode", "reason", "hint")

PAYLOAD_OR_NULL = "$exists($states.result.Payload) ? $states.result.Payload : null"
# `$lookup` returns a list of one as a list; a path would return its only item.
INVALID_ANSWERS = """[$filter($answers, function($each) {(
  $answer := $lookup($each, "answer");
  $type($answer) = "object"
    ? $not($type($lookup($answer, "renditions")) = "array" and $type($lookup($answer, "metadata")) = "object"
      and $type($exists($answer.record) ? $answer.record : {}) = "object"
      and $count($filter($keys($answer.record), function($name) { $name in RESERVED })) = 0)
    : true
)}).name]""".replace("RESERVED", json.dumps(sorted(PIPELINE_ATTRIBUTES)))
# The first rejection by a transform: like validate's verdict on a file that is not accepted.
REJECTED_BY_TRANSFORM = "$exists($answers.answer.rejection)"
VERDICT_OF_TRANSFORM = '$merge([$verdict, $answers.answer.rejection[0], {"accepted": false}])'
INVALID_ANSWER = "InvalidAnswer"
INVALID_ANSWER_CAUSE = (
    f'$join({INVALID_ANSWERS}, ", ") & ": the function returned something other than an object with the list '
    '`renditions`, the object `metadata` and no attribute of the pipeline in `record`"'
)

RAISE_LIMITS = (
    "The step ran out of time or memory. Compare the function's duration and memory with its settings, "
    "raise timeoutSeconds or memoryMb, then replay the message."
)
WAIT_FOR_CAPACITY = (
    "AWS throttled the call or was unavailable. The queue delivers the file again; "
    "if this continues, raise the function's reservedConcurrency or the account's limits."
)
HINTS = {
    "States.Timeout": RAISE_LIMITS,
    "Sandbox.Timedout": RAISE_LIMITS,
    "Runtime.ExitError": RAISE_LIMITS,
    "Lambda.Unknown": RAISE_LIMITS,
    "TransientError": WAIT_FOR_CAPACITY,
    "Lambda.TooManyRequestsException": WAIT_FOR_CAPACITY,
    INVALID_ANSWER: (
        "The transform's code is wrong: its handler has to return what functions/shared/answers.py describes. Correct "
        "and deploy it, then replay the message."
    ),
    "DynamoDB.ProvisionedThroughputExceededException": WAIT_FOR_CAPACITY,
}
DEFAULT_HINT = (
    "Search the functions' logs for this job's executionName, correct the cause, then replay the message. "
    "The queue delivers it again a few times first, then moves it to the transform DLQ."
)
FAILURE_HINT = f"""(
  $hint := $lookup({json.dumps(HINTS)}, $failure.error);
  $exists($hint) ? $hint : {json.dumps(DEFAULT_HINT)}
)"""


def stages_and(name: str) -> str:
    """An expression: the stages of this attempt, and one more."""
    return expression(
        f"""$append($stages, {{
          "M": {{"attempt": {{"N": $string($file.attempt)}}, "stage": {{"S": "{name}"}}, "at": {{"S": $now()}}}}
        }})"""
    )
