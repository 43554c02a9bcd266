"""The HTTP API: its stage, routes and scopes, limits, and the function's configuration."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

STAGE = "api"
"""The API's stage, the first part of every path."""

RESOURCE_SERVER = "img-pipeline"
"""The resource server of the user pool; Cognito prefixes scopes with it and a slash."""

OPERATORS = "operators"
"""The user pool's group whose members are operators. Everybody who signs in to the console gets the console
client's scopes; members of this group are operators as well, as if they had `Scope.OPERATE`."""

ANONYMOUS = "anonymous"
"""The `owner` of uploads to an API without authentication."""

UPLOAD_URL_SECONDS, DOWNLOAD_URL_SECONDS = 300, 3600
"""Lifetime of presigned requests."""

EXPIRED = "EXPIRED"
"""The status that the API reports for a job whose file was not uploaded in time. It is not stored."""

LATE_UPLOAD_SECONDS = 3600
"""Seconds after its URL expired in which a job may still receive its file: S3 accepts an upload that began in time."""

PENDING_DAYS = 7
"""Days until the row of a job without a file expires."""

MAX_BATCH = 100
"""Maximum number of uploads in one batch request."""

MULTIPART_BYTES = 64 * 2**20
"""Files larger than this use a multipart upload."""


class Scope(StrEnum):
    """An OAuth 2.0 scope."""

    WRITE = "files:write"
    READ = "files:read"
    OPERATE = "files:operate"

    @property
    def spellings(self) -> tuple[str, str]:
        """The scope as any other issuer may name it, and as a Cognito user pool names it."""
        return self.value, f"{RESOURCE_SERVER}/{self.value}"


OPERATOR_ROUTES = ("GET /operations/health", "GET /operations/dead-letters")
REPLAY_ROUTE = "POST /operations/dead-letters/replay"
"""Routes for operators only, answered by functions of their own. People have the scopes of the client for the console,
and are operators by their group; so the authorizer accepts every token that may read, and the function decides."""

FAILED_ORDERS_ROUTE = "GET /operations/failed-orders"
REDRIVE_ROUTE = "POST /operations/failed-orders/redrive"
"""Operators' routes of a stack that takes orders; the functions of the routes above answer them."""

_SEE = (Scope.READ, Scope.OPERATE)
ROUTES: Mapping[str, Sequence[Scope]] = {
    "GET /health": (),
    "GET /openapi.json": (),
    "GET /limits": _SEE,
    "POST /uploads": (Scope.WRITE,),
    "POST /uploads/batch": (Scope.WRITE,),
    "POST /uploads/{jobId}/sign": (Scope.WRITE,),
    "GET /jobs": _SEE,
    "GET /jobs/{jobId}": _SEE,
    "GET /assets": _SEE,
    "GET /assets/{fileKey+}": _SEE,
    "DELETE /assets/{fileKey+}": (Scope.WRITE, Scope.OPERATE),
    **dict.fromkeys(OPERATOR_ROUTES, _SEE),
    REPLAY_ROUTE: _SEE,
}
"""The scopes of each route, of which a token needs one; routes without scopes are public."""

ORDER_ROUTES: Mapping[str, Sequence[Scope]] = {
    "POST /orders": (Scope.WRITE,),
    "GET /orders": _SEE,
    "GET /orders/{orderId}": _SEE,
    FAILED_ORDERS_ROUTE: _SEE,
    REDRIVE_ROUTE: _SEE,
}
"""The routes of a stack that takes orders."""


@dataclass(frozen=True, kw_only=True)
class ApiConfiguration:
    """The configuration of the API's function, its environment variable `API_SETTINGS`.

    Args:
        auth: ``jwt``, or ``none`` for an API without authentication.
        max_bytes: the size of the largest accepted file.
        media: accepted types and limits by media family, as in validate's variable MEDIA.
        daily_uploads_per_caller: uploads that one caller may request per day (UTC).
        callback_hosts: hosts that a job's `callbackUrl` may name.
        order_presets: the presets that orders may name; None if the stack takes no orders.
        orders_watermarks: whether orders may ask for the watermark.
        max_receive_count: how often the transform queue delivers a message.
    """

    auth: str
    max_bytes: int
    media: Mapping[str, Mapping[str, Any]]
    daily_uploads_per_caller: int
    callback_hosts: tuple[str, ...]
    order_presets: Mapping[str, Mapping[str, Any]] | None
    orders_watermarks: bool
    max_receive_count: int

    @property
    def accepted(self) -> tuple[str, ...]:
        """The accepted media types."""
        return tuple(name for family in self.media.values() for name in family["accepted"])

    def to_json(self) -> str:
        """The value of the environment variable."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read the environment variable."""
        values = json.loads(text)
        return cls(**{**values, "callback_hosts": tuple(values["callback_hosts"])})
