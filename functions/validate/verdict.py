"""Validates one file: the cheapest checks first, and the deny-list before all checks of the content."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from contract.media import UNKNOWN_MEDIA_TYPE
from contract.signatures import SNIFF_BYTES
from functions.shared.errors import SourceMissingError
from functions.shared.reasons import ReasonCode, Rejection, reject
from functions.shared.runtime import trace_id
from functions.shared.sniffing import sniff
from functions.shared.source import Download, FileVersion, RangedReader, downloaded
from functions.validate.accepted import Accepted
from functions.validate.claims import check_type, registered_type_by_name
from functions.validate.families import measure
from functions.validate.limits import MAX_KEY_BYTES, Limits


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The result of validating a file.

    Args:
        finding: what it contains if it is accepted, else why it is not.
        media_type: the detected media type.
        sha256: hex digest, "" if the file was not read.
        bytes: the object's size.
    """

    finding: Accepted | Rejection
    media_type: str = UNKNOWN_MEDIA_TYPE
    sha256: str = ""
    bytes: int = 0

    @property
    def outcome(self) -> str:
        """ACCEPTED, or the reason code."""
        return self.finding.code.value if isinstance(self.finding, Rejection) else "ACCEPTED"

    def payload(self) -> dict[str, Any]:
        """The verdict as the workflow reads it."""
        common = {"mediaType": self.media_type, "sha256": self.sha256, "traceId": trace_id()}
        if isinstance(self.finding, Accepted):
            return {"accepted": True, **common, **self.finding.payload(), "bytes": self.bytes}
        return {"accepted": False, **common, **self.finding.payload()}


def validate(s3: Any, version: FileVersion, limits: Limits, denylist: Callable[[str], str | None]) -> Verdict:
    """Validate one file version.

    Args:
        s3: an S3 client.
        version: the file.
        limits: the limits on accepted files.
        denylist: returns the note of a listed SHA-256 ("" if it has none), None for one that is not listed.

    Raises:
        TransientError, AccessError: S3 or the deny-list could not be read.
    """
    if rejection := _check_key(version.file_key) or _check_size(version.bytes, limits.largest_bytes):
        return Verdict(finding=rejection)
    try:
        max_bytes = _max_bytes(s3, version, limits)
        with downloaded(s3, version, max_bytes=max_bytes) as file:
            if rejection := _check_size(file.bytes, max_bytes):
                return Verdict(finding=rejection)
            return _check_content(file, version.file_key, limits, denylist)
    except SourceMissingError:
        return Verdict(finding=reject(ReasonCode.NOT_FOUND))


def _max_bytes(s3: Any, version: FileVersion, limits: Limits) -> int:
    """Size of the largest file of the version's type, whose first bytes are read only if they matter."""
    if version.bytes <= limits.max_bytes:
        return limits.max_bytes
    head = io.BufferedReader(RangedReader(s3, version)).read(SNIFF_BYTES)
    return limits.max_bytes_of(sniff(head, registered_type_by_name(version.file_key)))


def _check_content(file: Download, key: str, limits: Limits, denylist: Callable[[str], str | None]) -> Verdict:
    found = sniff(file.body.read(SNIFF_BYTES), registered_type_by_name(key))
    finding = (
        _check_denylist(file.sha256, denylist)
        or check_type(found, key=key, declared=file.content_type, allowed=limits.allowed_types)
        or _check_size(file.bytes, limits.max_bytes_of(found))
        or measure(file.body, found, limits.families)
    )
    return Verdict(finding=finding, media_type=found, sha256=file.sha256, bytes=file.bytes)


def _check_key(key: str) -> Rejection | None:
    size = len(key.encode("utf-8", "surrogatepass"))
    return reject(ReasonCode.KEY_TOO_LONG, actual=size, limit=MAX_KEY_BYTES) if size > MAX_KEY_BYTES else None


def _check_size(size: int, max_bytes: int) -> Rejection | None:
    if size == 0:
        return reject(ReasonCode.EMPTY)
    if size > max_bytes:
        return reject(ReasonCode.TOO_LARGE, actual=size, limit=max_bytes)
    return None


def _check_denylist(sha256: str, denylist: Callable[[str], str | None]) -> Rejection | None:
    note = denylist(sha256)
    if note is None:
        return None
    return reject(ReasonCode.DENYLISTED, note=f": {note}" if note else "", sha256=sha256)
