"""Lambda entry point: validates the workflow's `file` and returns a verdict."""

from __future__ import annotations

import functools
import os
from typing import Any

from functions.shared.aws import client
from functions.shared.errors import ValidateError
from functions.shared.runtime import lambda_handler
from functions.shared.source import FileVersion
from functions.validate.denylist import note_for
from functions.validate.limits import Limits
from functions.validate.scanning import ScannedVerdict, validate_scanned
from functions.validate.verdict import Verdict, validate


@functools.cache
def _limits() -> Limits:
    return Limits.from_environment(os.environ)


@lambda_handler(failure=ValidateError)
def handler(event: dict[str, Any]) -> Verdict | ScannedVerdict:
    """Validate the event's file version; if the event has the result of a malware scan, check that first."""
    s3 = client("s3")
    listed = functools.partial(note_for, client("dynamodb"), os.environ["DENYLIST_TABLE"])

    def validate_content(version: FileVersion) -> Verdict:
        return validate(s3, version, _limits(), listed)

    if "scan" in event:
        return validate_scanned(s3, event, validate_content)
    return validate_content(FileVersion.from_payload(event))
