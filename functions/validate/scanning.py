"""What a malware scan said of a file: the verdict for all that is not clean, which is never read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from contract.scan import ScanResult
from functions.shared.errors import AccessError, TransientError
from functions.shared.reasons import ReasonCode, Rejection, reject
from functions.shared.source import FileVersion
from functions.validate.order import UNKNOWN_SEQUENCER, place_of, sequencer_at
from functions.validate.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class Scan:
    """A scan's result.

    Args:
        status: GuardDuty's `scanResultStatus`; "" for a file that was never scanned.
        threats: names of what was found.
    """

    status: str
    threats: tuple[str, ...]

    @classmethod
    def from_payload(cls, scan: Mapping[str, Any]) -> Self:
        """Read the `scan` of the workflow's `file`."""
        return cls(status=scan["status"], threats=tuple(scan["threats"]))

    @property
    def rejection(self) -> Rejection | None:
        """Why the file may not go on; None if it is clean."""
        if self.status == ScanResult.NO_THREATS_FOUND:
            return None
        if self.status == ScanResult.THREATS_FOUND:
            return reject(ReasonCode.MALWARE_FOUND, threats=", ".join(self.threats) or "a threat without a name")
        # Every other result means that nothing has examined the content.
        return reject(ReasonCode.NOT_SCANNED, status=self.status or "it was stored before files were scanned")


@dataclass(frozen=True, kw_only=True)
class ScannedVerdict:
    """A verdict, with what the scan's event does not tell of the file.

    Args:
        verdict: what became of the file.
        sequencer: what orders it among the versions of its key, 32 digits.
        bytes: its size; 0 if it is gone.
    """

    verdict: Verdict
    sequencer: str
    bytes: int

    @property
    def outcome(self) -> str:
        """ACCEPTED, or the reason code."""
        return self.verdict.outcome

    def payload(self) -> dict[str, Any]:
        """The verdict as the workflow reads it; it lays `file` over its own."""
        return {**self.verdict.payload(), "file": {"sequencer": self.sequencer, "bytes": self.bytes}}


def judge_scanned(s3: Any, file: Mapping[str, Any], judge: Callable[[FileVersion], Verdict]) -> ScannedVerdict:
    """Judge a file version that comes with the result of its scan.

    Args:
        s3: an S3 client.
        file: the workflow's `file`, with `scan`.
        judge: judges a clean file by what is in it.

    Raises:
        TransientError: S3 could not be asked, or refuses a clean file, as it does until GuardDuty's tag is on it.
        AccessError: the versions of the key may not be listed.
    """
    version = FileVersion.from_payload(file)
    place = place_of(s3, version)
    found = replace(version, bytes=place.bytes) if place else version
    sequencer = file["sequencer"]
    if sequencer == UNKNOWN_SEQUENCER:
        # A version that is gone has no place any more; its notification still has to differ from others of its key.
        sequencer = place.sequencer if place else sequencer_at(file["eventTime"])
    finding = Scan.from_payload(file["scan"]).rejection or (None if place else reject(ReasonCode.NOT_FOUND))
    verdict = Verdict(finding=finding) if finding else _judge_clean(found, judge)
    return ScannedVerdict(verdict=verdict, sequencer=sequencer, bytes=found.bytes)


def _judge_clean(version: FileVersion, judge: Callable[[FileVersion], Verdict]) -> Verdict:
    try:
        return judge(version)
    except AccessError as error:
        raise TransientError(
            f"{error} The scan found no threat, but the bucket lets nobody read the file before GuardDuty's tag is on "
            "it. If it stays away, see whether the file bears ten tags already."
        ) from error
