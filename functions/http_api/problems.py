"""Error responses: RFC 9457 problem documents with a stable code and a hint."""

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
    NOT_AN_OPERATOR = "NOT_AN_OPERATOR"
    NOT_FOUND = "NOT_FOUND"
    JOB_NOT_FOUND = "JOB_NOT_FOUND"
    ASSET_NOT_FOUND = "ASSET_NOT_FOUND"
    QUEUE_NOT_FOUND = "QUEUE_NOT_FOUND"
    ORDER_NOT_FOUND = "ORDER_NOT_FOUND"
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
    NOT_AUDITED = "NOT_AUDITED"


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
        "This API did not return the cursor.",
        "Send the cursor of the previous page unchanged, or no cursor for the first page.",
    ),
    ProblemCode.UNAUTHENTICATED: Wording(
        HTTPStatus.UNAUTHORIZED,
        "Unknown caller",
        "The token does not identify the caller.",
        "Send an access token of the API's issuer with the claim sub or client_id.",
    ),
    ProblemCode.NOT_AN_OPERATOR: Wording(
        HTTPStatus.FORBIDDEN,
        "Operators only",
        "The caller is not an operator.",
        "Send a token with the scope files:operate, or one of a member of the group operators.",
    ),
    ProblemCode.NOT_FOUND: Wording(
        HTTPStatus.NOT_FOUND,
        "No such route",
        "There is no route {path}.",
        "GET /openapi.json lists the routes.",
    ),
    ProblemCode.JOB_NOT_FOUND: Wording(
        HTTPStatus.NOT_FOUND,
        "No such job",
        "There is no job {job_id}, or it belongs to another caller.",
        "Use the jobId that POST /uploads returned. Jobs are kept for a limited time.",
    ),
    ProblemCode.ASSET_NOT_FOUND: Wording(
        HTTPStatus.NOT_FOUND,
        "No such asset",
        "There is no asset {file_key}, or it belongs to another caller.",
        "Use a fileKey that GET /assets returned. A file is an asset once its job is COMPLETED, until it is deleted.",
    ),
    ProblemCode.QUEUE_NOT_FOUND: Wording(
        HTTPStatus.NOT_FOUND,
        "No such dead-letter queue",
        "There is no dead-letter queue {queue}.",
        "Name one of GET /operations/dead-letters.",
    ),
    ProblemCode.ORDER_NOT_FOUND: Wording(
        HTTPStatus.NOT_FOUND,
        "No such order",
        "There is no order {order_id}, or it belongs to another caller.",
        "Use the orderId that POST /orders returned. Orders are kept for a limited time.",
    ),
    ProblemCode.METHOD_NOT_ALLOWED: Wording(
        HTTPStatus.METHOD_NOT_ALLOWED,
        "Method not allowed",
        "{path} does not support {method}.",
        "The header Allow lists the supported methods.",
    ),
    ProblemCode.UPLOAD_ENDED: Wording(
        HTTPStatus.CONFLICT,
        "The upload is complete",
        "The file of job {job_id} was uploaded; the job accepts no other upload.",
        "Follow the job with GET /jobs/{{jobId}}, or request another upload with POST /uploads.",
    ),
    ProblemCode.BODY_TOO_LARGE: Wording(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "The body is too large",
        "The request body has more than {limit:,} bytes.",
        "Send files to the uploadUrl that POST /uploads returns, not to the API.",
    ),
    ProblemCode.TOO_LARGE: Wording(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "The file is too large",
        "The file has {size:,} bytes; at most {limit:,} are accepted.",
        "Reduce the file's size or split it. GET /limits lists what is accepted.",
    ),
    ProblemCode.UNSUPPORTED_BODY: Wording(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "The body is not declared as JSON",
        "The request's Content-Type is {content_type}; the API reads application/json.",
        "Send the header Content-Type: application/json.",
    ),
    ProblemCode.UNSUPPORTED_TYPE: Wording(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "The media type is not accepted",
        "Files of type {content_type} are not accepted.",
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
        "The callbackUrl is not an https URL on an allowed host.",
        "Use an https URL without credentials, on a host that the operators allow in api.callbackHosts.",
    ),
    ProblemCode.IDEMPOTENCY_KEY_REUSED: Wording(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The idempotency key was used for another request",
        "This Idempotency-Key was already sent with another body.",
        "Use a new key for each upload, and repeat a request with the same body.",
    ),
    ProblemCode.DAILY_QUOTA_EXCEEDED: Wording(
        HTTPStatus.TOO_MANY_REQUESTS,
        "The daily quota is exceeded",
        "A caller may request {limit:,} uploads per day (UTC).",
        "Try again after the seconds in Retry-After, or ask the operators for a higher quota.",
    ),
    ProblemCode.INTERNAL: Wording(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "The request failed",
        "The request failed because of an error in the service.",
        "Try again later. If it fails again, send the operators the request ID in instance.",
    ),
    ProblemCode.UNAVAILABLE: Wording(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The service is busy",
        "The request could not be answered in time.",
        "Try again after the seconds in Retry-After.",
    ),
    ProblemCode.NOT_AUDITED: Wording(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The action could not be written to the audit log",
        "Nothing was changed, because the audit log could not be written.",
        "Try again after the seconds in Retry-After. If it fails again, check the audit log group and its key.",
    ),
}


class Problem(Exception):
    """An error response.

    Args:
        code: the kind of problem; `values` fill the placeholders in its detail.
        headers: headers of the response.
        errors: the invalid fields, [{field, message}].
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
    """The problem of a request with invalid fields."""
    fields = ", ".join(dict.fromkeys(error["field"] for error in errors))
    return Problem(ProblemCode.INVALID_REQUEST, errors=errors, summary=f"These fields are not valid: {fields}")


def invalid_field(field: str, message: str) -> Problem:
    """The problem of a request with one invalid field."""
    return invalid_fields([{"field": field, "message": message}])
