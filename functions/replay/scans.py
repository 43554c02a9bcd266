"""The latest malware scan of a rejected file: a tag on the object, which only the scanner may set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from contract.events import ObjectVersion, announced_version
from contract.scan import SCAN_TAG, with_scan_status
from functions.shared.aws import MISSING_CODES, client, error_code


def with_latest_scan(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """An event of a malware scan with the latest result; any other event as it is."""
    if "s3ObjectDetails" not in event["detail"]:
        return event
    return with_scan_status(event, _scan_status(announced_version(event)))


def _scan_status(version: ObjectVersion) -> str:
    """The result of a version's scan; "" if it has none, or is gone."""
    try:
        tags = client("s3").get_object_tagging(Bucket=version.bucket, Key=version.key, VersionId=version.version_id)[
            "TagSet"
        ]
    except ClientError as error:
        if error_code(error) in MISSING_CODES:
            return ""
        raise
    return next((tag["Value"] for tag in tags if tag["Key"] == SCAN_TAG), "")
