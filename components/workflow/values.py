"""What the workflow's states carry: the file, the rows, the messages, and what a failure's row advises."""

from __future__ import annotations

import json

from components.workflow.jsonata import AS_ATTRIBUTE, expression, number, string
from contract.jobs import JOB_ID_DIGITS, KEY_WITH_JOB_ID, Stage
from contract.keys import UPLOADS
from contract.messages import MessageType

# What every `file` says, from $message, $bucket, $key and $version, whoever announced it. The job id is the version's
# own, as `contract.jobs.version_job_id` derives it.
_ANNOUNCED = f"""
    "jobId": $substring($hash($bucket & "/" & $key & "#" & $version, "SHA-256"), 0, {JOB_ID_DIGITS}),
    "bucket": $bucket,
    "fileKey": $key,
    "versionId": $version,
    "run": $exists($message.event.run) ? $message.event.run : "",
    "eventTime": $message.event.time,
    "executionName": $states.context.Execution.Name,
    "attempt": $number($message.receiveCount)
"""

# The pipe sends a batch of one. S3's sequencers compare as strings once padded to one length
# (Amazon S3 User Guide, "Event message structure").
FILE = f"""(
  $message := $states.input[0];
  $bucket := $message.event.detail.bucket.name;
  $object := $message.event.detail.object;
  $key := $object.key;
  $version := $object.`version-id`;
  {{
    {_ANNOUNCED},
    "sequencer": $pad($object.sequencer, -32, "0"),
    "bytes": $object.size,
    "etag": $object.etag
  }}
)"""

# With malware scanning, the pipe sends the event of the scan ("Monitoring S3 object scans with Amazon EventBridge",
# Amazon GuardDuty User Guide), which knows neither the size nor the order: validate looks both up, and until then the
# sequencer is all zeros. Whoever sends the event again knows the recorded sequencer, and puts it beside the detail.
# An event of S3's that still waited when scanning began comes as one of a file that was never scanned.
SCANNED_FILE = f"""(
  $message := $states.input[0];
  $detail := $message.event.detail;
  $isScan := $exists($detail.s3ObjectDetails);
  $bucket := $isScan ? $detail.s3ObjectDetails.bucketName : $detail.bucket.name;
  $key := $isScan ? $detail.s3ObjectDetails.objectKey : $detail.object.key;
  $version := $isScan ? $detail.s3ObjectDetails.versionId : $detail.object.`version-id`;
  $sequencer := $isScan ? $message.event.sequencer : $detail.object.sequencer;
  {{
    {_ANNOUNCED},
    "sequencer": $pad($exists($sequencer) ? $sequencer : "", -32, "0"),
    "bytes": 0,
    "etag": $isScan ? $detail.s3ObjectDetails.eTag : $detail.object.etag,
    "scan": {{
      "status": $isScan ? $detail.scanResultDetails.scanResultStatus : "",
      "threats": [$detail.scanResultDetails.threats.name]
    }}
  }}
)"""

_SLASH = r"\/"
KEY_CARRIES_JOB_ID = f"$contains($file.fileKey, /{KEY_WITH_JOB_ID.replace('/', _SLASH)}/)"
WITH_JOB_ID_OF_KEY = f"""$merge([$file, {{
  "jobId": $substring($file.fileKey, {len(UPLOADS)}, {JOB_ID_DIGITS})
}}])"""
# From the versions and delete markers that S3 lists after this version, which are older, or of keys that begin alike.
IS_FIRST_VERSION = """$not($exists(
  [$states.result.Versions, $states.result.DeleteMarkers][Key = $file.fileKey]
))"""

# The first entry of this attempt's stage history, which is kept as DynamoDB takes it.
RECEIVED = {
    "M": {
        "attempt": number("$number($states.input[0].receiveCount)"),
        "stage": {"S": Stage.RECEIVED},
        "at": string("$now()"),
    }
}

# What a transform is told of the file beside where it is. Measures are the media type's own, and only passed on here.
MEDIA = """{
  "mediaType": $verdict.mediaType,
  "measures": $verdict.measures,
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

# What every message about a file says of it.
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

ASSET = {
    "fileKey": string("$file.fileKey"),
    "sequencer": string("$file.sequencer"),
    "run": string("$file.run"),
    "versionId": string("$file.versionId"),
    "bucket": string("$file.bucket"),
    "jobId": string("$file.jobId"),
    "mediaType": string("$verdict.mediaType"),
    "bytes": number("$file.bytes"),
    "measures": expression(f"({AS_ATTRIBUTE} $asAttribute($verdict.measures))"),
    "sha256": string("$verdict.sha256"),
    "renditions": expression(f"({AS_ATTRIBUTE} $asAttribute($renditions))"),
    "metadata": expression(f"({AS_ATTRIBUTE} $asAttribute($metadata))"),
    "eventTime": string("$file.eventTime"),
    "persistedAt": string("$now()"),
    "executionName": string("$file.executionName"),
    "traceId": string("$verdict.traceId"),
}
# What conditions on the record speak of.
RECORDED_RUN = {
    "ExpressionAttributeNames": {"#run": "run"},
    "ExpressionAttributeValues": {":sequencer": string("$file.sequencer"), ":run": string("$file.run")},
}

# What every write to a job's row says of the job.
JOB = {
    "fileKey": string("$file.fileKey"),
    "versionId": string("$file.versionId"),
    "sequencer": string("$file.sequencer"),
    "run": string("$file.run"),
    "bucket": string("$file.bucket"),
    "attempt": number("$file.attempt"),
    "executionName": string("$file.executionName"),
}
# What it says of the verdict.
ACCEPTANCE = {"mediaType": string("$verdict.mediaType"), "traceId": string("$verdict.traceId")}
REJECTION = {
    **ACCEPTANCE,
    "reasonCode": string("$verdict.reasonCode"),
    "reason": string("$verdict.reason"),
    "hint": string("$verdict.hint"),
}
# Of an attempt that ended badly; gone from the row when the job is tried anew and when it ends well.
EXPLANATION = ("reasonCode", "reason", "hint")

PAYLOAD_OR_NULL = "$exists($states.result.Payload) ? $states.result.Payload : null"
# `$lookup` finds a list of one as a list, where a path would find its only member.
INVALID_ANSWERS = """[$filter($answers, function($each) {(
  $answer := $lookup($each, "answer");
  $type($answer) = "object"
    ? $not($type($lookup($answer, "renditions")) = "array" and $type($lookup($answer, "metadata")) = "object")
    : true
)}).name]"""
INVALID_ANSWER = "InvalidAnswer"
INVALID_ANSWER_CAUSE = (
    f'$join({INVALID_ANSWERS}, ", ") & ": the function answered something other than an object with the list '
    '`renditions` and the object `metadata`"'
)

RAISE_LIMITS = (
    "The step ran out of time or memory. Compare the function's duration and memory with its settings, "
    "raise timeoutSeconds or memoryMb, then replay the message."
)
WAIT_FOR_CAPACITY = (
    "AWS was busy or throttled the call. The queue delivers the file again by itself; "
    "if this goes on, raise the function's reservedConcurrency or the account's limits."
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
    """The stages this attempt has reached, and one more: an expression."""
    return expression(
        f"""$append($stages, {{
          "M": {{"attempt": {{"N": $string($file.attempt)}}, "stage": {{"S": "{name}"}}, "at": {{"S": $now()}}}}
        }})"""
    )
