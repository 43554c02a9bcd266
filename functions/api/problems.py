"""What is answered instead of a result: RFC 9457 problem documents, with stable codes and what to do."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any

CONTENT_TYPE = "application/problem+json"


class ProblemCode(StrEnum):
    """The closed set of codes. Clients rely on them: add, never rename."""

    INVALID_JSON = "INVALID_JSON"
    INVALID_CURSOR = "INVALID_CURSOR"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    NOT_FOUND = "NOT_FOUND"
    JOB_NOT_FOUND = "JOB_NOT_FOUND"
    ASSET_NOT_FOUND = "ASSET_NOT_FOUND"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    UPLOAD_ENDED = "UPLOAD_ENDED"
    BODY_TOO_LARGE = "BODY_TOO_LARGE"
    TOO_LARGE = "TOO_LARGE"
    UNSUPPORTED_BODY = "UNSUPPORTED_BODY"
    UNSUPPORTED_TYPE = "UNSUPPORTED_TYPE"
    INVALID_REQUEST = "INVALID_REQUEST"
    CALLBACK_NOT_ALLOWED = "CALLBACK_NOT_ALLOWED"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    DAILY_QUOTA_EXCEEDED = "DAILY_QUOTA_EXCEEDED"
    INTERNAL = "INTERNAL"
    UNAVAILABLE = "UNAVAILABLE"


@dataclass(frozen=True)
class Wording:
    """How a code reads; the braces in `detail` name the values that a `Problem` is made with."""

    status: HTTPStatus
    title: str
    detail: str
    hint: str


WORDINGS: Mapping[ProblemCode, Wording] = {
    ProblemCode.INVALID_JSON: Wording(
        HTTPStatus.BAD_REQUEST,
        "The body is not JSON",
        "The request's body cannot be read as JSON.",
        "Check quotes and commas, and send the body as UTF-8.",
    ),
    ProblemCode.INVALID_CURSOR: Wording(
        HTTPStatus.BAD_REQUEST,
        "Unknown cursor",
        "The cursor is none that this API returned.",
        "Send the cursor of the previous page as it was returned, or none for the first page.",
    ),
    ProblemCode.UNAUTHENTICATED: Wording(
        HTTPStatus.UNAUTHORIZED,
        "Unknown caller",
        "The token does not say who is calling.",
        "Send an access token of the API's issuer with the claim sub or client_id.",
    ),
    ProblemCode.NOT_FOUND: Wording(
        HTTPStatus.NOT_FOUND,
        "No such address",
        "There is nothing under {path}.",
        "GET /openapi.json lists what there is.",
    ),
    ProblemCode.JOB_NOT_FOUND: Wording(
        HTTPStatus.NOT_FOUND,
        "No such job",
        "There is no job {job_id}, or it is somebody else's.",
        "Use the jobId that POST /uploads returned. Jobs are kept for a limited time.",
    ),
    ProblemCode.ASSET_NOT_FOUND: Wording(
        HTTPStatus.NOT_FOUND,
        "No such asset",
        "There is no asset {file_key}, or it is somebody else's.",
        "Use a fileKey that GET /assets returned. A file is an asset once its job is COMPLETED, until it is deleted.",
    ),
    ProblemCode.METHOD_NOT_ALLOWED: Wording(
        HTTPStatus.METHOD_NOT_ALLOWED,
        "Method not allowed",
        "{method} is not possible on {path}.",
        "The header Allow lists the possible methods.",
    ),
    ProblemCode.UPLOAD_ENDED: Wording(
        HTTPStatus.CONFLICT,
        "The upload has ended",
        "The file of job {job_id} has arrived, so nothing more can be uploaded for it.",
        "Follow the job with GET /jobs/{{jobId}}, or ask for another upload with POST /uploads.",
    ),
    ProblemCode.BODY_TOO_LARGE: Wording(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "The body is too large",
        "The request's body has more than {limit:,} bytes.",
        "Send files to the uploadUrl that POST /uploads returns, not to the API.",
    ),
    ProblemCode.TOO_LARGE: Wording(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "The file is too large",
        "The file has {size:,} bytes; at most {limit:,} are accepted.",
        "Make the file smaller or split it. GET /limits says what is accepted.",
    ),
    ProblemCode.UNSUPPORTED_BODY: Wording(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "The body is not declared as JSON",
        "The request's Content-Type is {content_type}; the API reads application/json.",
        "Send the header Content-Type: application/json.",
    ),
    ProblemCode.UNSUPPORTED_TYPE: Wording(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "The type of file is not accepted",
        "Files of the type {content_type} are not accepted.",
        "Convert the file to an accepted type; GET /limits lists them.",
    ),
    ProblemCode.INVALID_REQUEST: Wording(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The request is not valid",
        "{summary}.",
        "Correct the fields in errors. GET /openapi.json describes each request.",
    ),
    ProblemCode.CALLBACK_NOT_ALLOWED: Wording(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The callback URL is not allowed",
        "The callbackUrl is no https address of a host that this API calls.",
        "Use an https URL without credentials, on a host that the operators allow in api.callbackHosts.",
    ),
    ProblemCode.IDEMPOTENCY_KEY_REUSED: Wording(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The idempotency key belongs to another request",
        "This Idempotency-Key was sent before with another body.",
        "Use a new key for each upload, and repeat a request with its first body.",
    ),
    ProblemCode.DAILY_QUOTA_EXCEEDED: Wording(
        HTTPStatus.TOO_MANY_REQUESTS,
        "The daily quota is used up",
        "A caller may ask for {limit:,} uploads in a day (UTC).",
        "Try again after the seconds in Retry-After, or ask the operators for a larger quota.",
    ),
    ProblemCode.INTERNAL: Wording(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "The request failed",
        "The request failed for a reason that lies in the service.",
        "Try again later. If it fails again, give the operators the request id in instance.",
    ),
    ProblemCode.UNAVAILABLE: Wording(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The service is busy",
        "The request could not be answered in time.",
        "Try again after the seconds in Retry-After.",
    ),
}


class Problem(Exception):
    """A request that has no result.

    Args:
        code: says which; the values fill its wording.
        headers: of the answer.
        errors: what is wrong with single fields, [{field, message}].
    """

    def __init__(
        self,
        code: ProblemCode,
        *,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[Mapping[str, str]] = (),
        **values: Any,
    ) -> None:
        self.code = code
        self.wording = WORDINGS[code]
        self.headers = dict(headers or {})
        self.errors = list(errors)
        self.detail = self.wording.detail.format(**values)
        super().__init__(self.detail)

    def document(self, *, request_id: str = "") -> dict[str, Any]:
        """The problem document; `request_id` identifies this occurrence of the problem."""
        return {
            "type": f"urn:img-pipeline:problem:{self.code}",
            "title": self.wording.title,
            "status": int(self.wording.status),
            "detail": self.detail,
            "code": self.code.value,
            "hint": self.wording.hint,
            **({"instance": f"urn:img-pipeline:request:{request_id}"} if request_id else {}),
            **({"errors": self.errors} if self.errors else {}),
        }

    def body(self, *, request_id: str) -> str:
        """The document as JSON."""
        return json.dumps(self.document(request_id=request_id), ensure_ascii=False)


def invalid_fields(errors: Sequence[Mapping[str, str]]) -> Problem:
    """The problem with a request of which single fields are wrong."""
    fields = ", ".join(dict.fromkeys(error["field"] for error in errors))
    return Problem(ProblemCode.INVALID_REQUEST, errors=errors, summary=f"These fields are not valid: {fields}")


def invalid_field(field: str, message: str) -> Problem:
    """The problem with a request of which one field is wrong."""
    return invalid_fields([{"field": field, "message": message}])
