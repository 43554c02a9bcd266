"""The HTTP API: its stage, what a caller's token may allow, and what its function is told of the stack."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

STAGE = "api"
"""The API's stage, and so the first part of every path."""

RESOURCE_SERVER = "img-pipeline"
"""What a Cognito user pool puts before a scope's name, with a slash."""

OPERATORS = "operators"
"""The user pool's group whose members are operators. A scope belongs to a client, a group to a person: everybody who
signs in to the console has the console's scopes, and only these have `Scope.OPERATE` beside them."""

ANONYMOUS = "anonymous"
"""The `owner` of what is uploaded where callers do not say who they are."""

UPLOAD_URL_SECONDS, DOWNLOAD_URL_SECONDS = 300, 3600
"""How long a signed request may be used."""

EXPIRED = "EXPIRED"
"""The status that the API reports for a job whose file never came. No row holds it."""

LATE_UPLOAD_SECONDS = 3600
"""How long after its signature's end a job may still get its file: S3 accepts an upload that began in time."""

PENDING_DAYS = 7
"""Days that the row of a job without a file is kept."""

MAX_BATCH = 100
"""Uploads that one request may ask for."""

MULTIPART_BYTES = 64 * 2**20
"""A file larger than this is uploaded in parts."""


class Scope(StrEnum):
    """What a token allows."""

    WRITE = "files:write"
    READ = "files:read"
    OPERATE = "files:operate"

    @property
    def spellings(self) -> tuple[str, str]:
        """As an issuer of one's own may spell it, and as a Cognito user pool does."""
        return self.value, f"{RESOURCE_SERVER}/{self.value}"


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
}
"""The scopes of which a token needs one, by route."""


@dataclass(frozen=True, kw_only=True)
class ApiConfiguration:
    """What the API's function is told of the stack's settings, in its variable `API_SETTINGS`.

    Args:
        auth: ``jwt``, or ``none`` where everybody may do everything.
        max_bytes: the largest file that is accepted.
        media: what is accepted by media family, as in validate's variable MEDIA: {family: {accepted, …limits}}.
        daily_uploads_per_caller: upload URLs that one caller gets in a day (UTC).
        callback_hosts: hosts that a job's `callbackUrl` may name.
        max_receive_count: how often the transform queue delivers a file that fails.
    """

    auth: str
    max_bytes: int
    media: Mapping[str, Mapping[str, Any]]
    daily_uploads_per_caller: int
    callback_hosts: tuple[str, ...]
    max_receive_count: int

    @property
    def accepted(self) -> tuple[str, ...]:
        """The accepted media types."""
        return tuple(name for family in self.media.values() for name in family["accepted"])

    def to_json(self) -> str:
        """The variable's text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read the variable."""
        values = json.loads(text)
        return cls(**{**values, "callback_hosts": tuple(values["callback_hosts"])})
