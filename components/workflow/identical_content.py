"""The states of an upload whose content is that of the recorded version of the same file.

::

    Verdict ▶ KeepRecord ▶ FinishIdentical ▶ Completed
              other content, or none that was published ▶ MarkTransforming

One conditional write decides: the record gets this upload's version and sequencer, and keeps all that was made from the
earlier upload, which `processedVersionId` names. Nothing is made or published again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from components.workflow.jsonata import expression, string
from components.workflow.tasks import CONDITION_FAILED, DYNAMODB_RETRY, JobsTable, State, finish_job, service_call
from components.workflow.values import ACCEPTANCE, EXPLANATION
from contract.assets import DELETED_AT, PROCESSED_VERSION
from contract.jobs import JobStatus

_REPLACED = ("versionId", "sequencer", "jobId", "eventTime", "executionName")


def may_be_skipped(media_types: Sequence[str]) -> str:
    """Whether a file is of one of these types, and this is not a request to process it again."""
    return f'($verdict.mediaType in {json.dumps(list(media_types))} and $file.run = "")'


def identical_content(assets_table: str, jobs: JobsTable) -> dict[str, State]:
    """What happens to an accepted file that may be skipped."""
    changes = [f"{PROCESSED_VERSION} = if_not_exists({PROCESSED_VERSION}, versionId)"]
    changes += [f"{name} = :{name}" for name in _REPLACED]
    return {
        "KeepRecord": service_call(
            "dynamodb:updateItem",
            {
                "TableName": assets_table,
                "Key": {"fileKey": string("$file.fileKey")},
                "UpdateExpression": f"SET {', '.join(changes)}",
                "ConditionExpression": "sha256 = :sha256 AND sequencer <= :sequencer "
                f"AND attribute_exists(publishedAt) AND attribute_not_exists({DELETED_AT})",
                "ExpressionAttributeValues": {
                    ":sha256": string("$verdict.sha256"),
                    **{f":{name}": string(f"$file.{name}") for name in _REPLACED},
                },
                "ReturnValues": "ALL_NEW",
            },
            retry=DYNAMODB_RETRY,
            assign={"processedVersionId": expression(f"$states.result.Attributes.{PROCESSED_VERSION}.S")},
            catch=[{"ErrorEquals": [CONDITION_FAILED], "Next": "MarkTransforming"}],
            next_state="FinishIdentical",
        ),
        "FinishIdentical": finish_job(
            jobs,
            JobStatus.COMPLETED,
            {**ACCEPTANCE, PROCESSED_VERSION: string("$processedVersionId")},
            remove=EXPLANATION,
            next_state="Completed",
        ),
    }
