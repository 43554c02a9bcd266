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
from functions.validate.verdict import Verdict, judge


@functools.cache
def _limits() -> Limits:
    return Limits.from_environment(os.environ)


@lambda_handler(failure=ValidateError)
def handler(event: dict[str, Any]) -> Verdict:
    """Judge the file version that the event names."""
    listed = functools.partial(note_for, client("dynamodb"), os.environ["DENYLIST_TABLE"])
    return judge(client("s3"), FileVersion.from_payload(event), _limits(), listed)
