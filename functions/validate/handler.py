"""Lambda entry point: the workflow's `file` in, a verdict out."""

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
from functions.validate.scanning import ScannedVerdict, judge_scanned
from functions.validate.verdict import Verdict, judge


@functools.cache
def _limits() -> Limits:
    return Limits.from_environment(os.environ)


@lambda_handler(failure=ValidateError)
def handler(event: dict[str, Any]) -> Verdict | ScannedVerdict:
    """Judge the file version that the event names, by the result of its scan first if it comes with one."""
    s3 = client("s3")
    listed = functools.partial(note_for, client("dynamodb"), os.environ["DENYLIST_TABLE"])

    def judge_content(version: FileVersion) -> Verdict:
        return judge(s3, version, _limits(), listed)

    if "scan" in event:
        return judge_scanned(s3, event, judge_content)
    return judge_content(FileVersion.from_payload(event))
