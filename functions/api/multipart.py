"""The requests of an upload that its client sends one after the other, and of one that has to be signed again."""

from __future__ import annotations

from functions.api import presigning, uploads
from functions.api.models import Signed, SignRequest
from functions.http_api.problems import Problem, ProblemCode, invalid_field
from functions.shared.rows import Row


def signed_step(row: Row, step: SignRequest) -> Signed:
    """Sign one of S3's requests for a job's file; the job waits for it as long as the signature holds.

    Args:
        row: the job's row.
        step: which request.

    Raises:
        Problem: it is no request of such an upload, or the job's file has arrived.
    """
    signed = _signed(row, step)
    if not uploads.renewed(row):
        raise Problem(ProblemCode.UPLOAD_ENDED, job_id=row["jobId"])
    return signed


def _signed(row: Row, step: SignRequest) -> Signed:
    if step.upload_id is None:
        return _first(row, step)
    match step.method:
        case "PUT":
            if step.part_number is None:
                raise invalid_field("partNumber", "It is needed to upload a part.")
            return presigning.part(row, step.upload_id, step.part_number)
        case "POST":
            return presigning.complete(row, step.upload_id)
        case "GET":
            return presigning.list_parts(row, step.upload_id)
        case "DELETE":
            return presigning.abort(row, step.upload_id)


def _first(row: Row, step: SignRequest) -> Signed:
    """The request that begins an upload, or is all of it, as POST /uploads returned it."""
    if "upload" not in row:
        raise Problem(ProblemCode.UPLOAD_ENDED, job_id=row["jobId"])
    if step.part_number is not None or step.method in {"GET", "DELETE"}:
        raise invalid_field("uploadId", "It is needed for everything but the upload's first request.")
    if (step.method == "POST") != (row["upload"] == uploads.IN_PARTS):
        raise invalid_field("method", "Without uploadId it is POST for a file in parts and PUT for a whole one.")
    return uploads.signed_upload(row)
