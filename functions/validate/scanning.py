"""Validates scanned files by the result of their malware scan; only clean files are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from contract.scan import ScanResult
from functions.shared.errors import AccessError, TransientError
from functions.shared.reasons import ReasonCode, Rejection, reject
from functions.shared.source import FileVersion
from functions.validate.order import UNKNOWN_SEQUENCER, find_version, sequencer_at
from functions.validate.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class Scan:
    """A scan's result.

    Args:
        status: GuardDuty's `scanResultStatus`; "" for a file that was never scanned.
        threats: names of the threats that were found.
    """

    status: str
    threats: tuple[str, ...]

    @classmethod
    def from_payload(cls, scan: Mapping[str, Any]) -> Self:
        """Read the `scan` of the workflow's `file`."""
        return cls(status=scan["status"], threats=tuple(scan["threats"]))

    @property
    def rejection(self) -> Rejection | None:
        """Why the file is rejected; None if it is clean."""
        if self.status == ScanResult.NO_THREATS_FOUND:
            return None
        if self.status == ScanResult.THREATS_FOUND:
            return reject(ReasonCode.MALWARE_FOUND, threats=", ".join(self.threats) or "an unnamed threat")
        # Every other result means that the content was not scanned.
        return reject(ReasonCode.NOT_SCANNED, status=self.status or "it was stored before scanning was enabled")


@dataclass(frozen=True, kw_only=True)
class ScannedVerdict:
    """A verdict, with the properties of the file that a scan's event does not have.

    Args:
        verdict: the verdict on the file.
        sequencer: the order among the versions of its key, 32 hexadecimal digits.
        bytes: its size; 0 if the version does not exist.
    """

    verdict: Verdict
    sequencer: str
    bytes: int

    @property
    def outcome(self) -> str:
        """ACCEPTED, or the reason code."""
        return self.verdict.outcome

    def payload(self) -> dict[str, Any]:
        """The verdict as the workflow reads it; the workflow merges `file` into its own."""
        return {**self.verdict.payload(), "file": {"sequencer": self.sequencer, "bytes": self.bytes}}


def validate_scanned(s3: Any, file: Mapping[str, Any], validate: Callable[[FileVersion], Verdict]) -> ScannedVerdict:
    """Validate a file version with the result of its scan.

    Args:
        s3: an S3 client.
        file: the workflow's `file`, with `scan`.
        validate: validates the content of a clean file.

    Raises:
        TransientError: S3 could not be reached, or denies access to a clean file until GuardDuty has tagged it.
        AccessError: permission to list the versions of the key is missing.
    """
    version = FileVersion.from_payload(file)
    listed = find_version(s3, version)
    found = replace(version, bytes=listed.bytes) if listed else version
    sequencer = file["sequencer"]
    if sequencer == UNKNOWN_SEQUENCER:
        # A deleted version is not listed; its notification must still differ from those of the key's other versions.
        sequencer = listed.sequencer if listed else sequencer_at(file["eventTime"])
    finding = Scan.from_payload(file["scan"]).rejection or (None if listed else reject(ReasonCode.NOT_FOUND))
    verdict = Verdict(finding=finding) if finding else _validate_clean(found, validate)
    return ScannedVerdict(verdict=verdict, sequencer=sequencer, bytes=found.bytes)


def _validate_clean(version: FileVersion, validate: Callable[[FileVersion], Verdict]) -> Verdict:
    try:
        return validate(version)
    except AccessError as error:
        raise TransientError(
            f"{error} The scan found no threat, but the bucket policy denies reading the file until GuardDuty has "
            "tagged it. If the tag is not set, check whether the object already has ten tags."
        ) from error
