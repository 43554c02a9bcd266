"""Malware scans: the tag that GuardDuty sets on scanned objects, and its values.

Source: Amazon GuardDuty User Guide, "Using tag-based access control (TBAC) with Malware Protection for S3" and "S3
object potential scan status and result status".
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

SCAN_TAG = "GuardDutyMalwareScanStatus"


class ScanResult(StrEnum):
    """A scan's result: the value of `SCAN_TAG`, and `scanResultStatus` in the event."""

    NO_THREATS_FOUND = "NO_THREATS_FOUND"
    THREATS_FOUND = "THREATS_FOUND"
    UNSUPPORTED = "UNSUPPORTED"
    ACCESS_DENIED = "ACCESS_DENIED"
    FAILED = "FAILED"


def with_scan_status(event: Mapping[str, Any], status: str | None) -> Mapping[str, Any]:
    """A scan event with another result; sent unchanged after a new scan, its file would be rejected again.

    Args:
        event: GuardDuty's event.
        status: the value of the object's `SCAN_TAG`; empty or None leaves the event as it is.
    """
    if not status or status == event["detail"]["scanResultDetails"]["scanResultStatus"]:
        return event
    latest = {"scanResultStatus": status, "threats": None}
    return {**event, "detail": {**event["detail"], "scanResultDetails": latest}}
