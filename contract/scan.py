"""Malware scans: the tag that GuardDuty sets on scanned objects, and its values.

Source: Amazon GuardDuty User Guide, "Using tag-based access control (TBAC) with Malware Protection for S3" and "S3
object potential scan status and result status".
"""

from __future__ import annotations

from enum import StrEnum

SCAN_TAG = "GuardDutyMalwareScanStatus"


class ScanResult(StrEnum):
    """A scan's result: the value of `SCAN_TAG`, and `scanResultStatus` in the event."""

    NO_THREATS_FOUND = "NO_THREATS_FOUND"
    THREATS_FOUND = "THREATS_FOUND"
    UNSUPPORTED = "UNSUPPORTED"
    ACCESS_DENIED = "ACCESS_DENIED"
    FAILED = "FAILED"
