"""Lambda entry point: the workflow's `file` and what S3 said of its deletion in, what was removed out."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from contract.messages import Outcome
from functions.erase.audit import audit_deletion
from functions.erase.deletion import Deletion
from functions.erase.jobs import remove_personal_data
from functions.erase.record import Recorded, record_deletion
from functions.erase.renditions import remove_renditions
from functions.shared.aws import client
from functions.shared.errors import EraseError
from functions.shared.runtime import lambda_handler


@dataclass(frozen=True, kw_only=True)
class Erased:
    """What was removed.

    Args:
        media_type: of the asset that is no more; "" where the file had no record, or has a newer one.
        renditions, jobs: how many objects were removed, and how many jobs were marked.
    """

    media_type: str
    renditions: int
    jobs: int
    outcome: str = Outcome.DELETED

    def payload(self) -> dict[str, Any]:
        """The answer as the workflow reads it."""
        return {"mediaType": self.media_type, "renditions": self.renditions, "jobs": self.jobs}


@lambda_handler(failure=EraseError)
def handler(event: dict[str, Any]) -> Erased:
    """Erase the file, or the version, that was deleted. Repeating it changes nothing."""
    deletion = Deletion.from_payload(event)
    s3, dynamodb, jobs_table = client("s3"), client("dynamodb"), os.environ["JOBS_TABLE"]
    recorded = Recorded() if deletion.is_late else record_deletion(dynamodb, os.environ["ASSETS_TABLE"], deletion)
    renditions = 0
    if not recorded.keeps_renditions:
        renditions = remove_renditions(s3, dynamodb, os.environ["PROCESSED_BUCKET"], jobs_table, deletion)
    jobs = remove_personal_data(dynamodb, jobs_table, deletion)
    audit_deletion(deletion, {"renditions": renditions, "jobs": jobs})
    return Erased(media_type=recorded.media_type, renditions=renditions, jobs=jobs)
