"""Lambda entry point: streams the file version and writes what the table becomes."""

from __future__ import annotations

import functools
import os
import tempfile
from pathlib import Path, PurePosixPath
from typing import Any

from functions.shared.answers import Transformed, store_all
from functions.shared.aws import client
from functions.shared.errors import TableError
from functions.shared.reasons import Rejection
from functions.shared.runtime import lambda_handler
from functions.shared.source import streamed
from functions.shared.transform import TransformRequest
from functions.table.settings import Schema, schema_for, schemas_from_environment
from functions.table.tabulating import tabulate

# Of a function of which the environment does not tell.
_MEMORY_MB = "512"


@functools.cache
def _schemas() -> tuple[Schema, ...]:
    return schemas_from_environment(os.environ)


@lambda_handler(failure=TableError)
def handler(event: dict[str, Any]) -> Transformed:
    """Convert the table and store the result, unless the file has to be rejected."""
    request = TransformRequest.from_payload(event)
    version, s3 = request.version, client("s3")
    memory_mb = int(os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", _MEMORY_MB))
    with tempfile.TemporaryDirectory() as folder:
        with streamed(s3, version) as body:
            schema = schema_for(version.file_key, _schemas())
            table = tabulate(body, request.measures, schema, Path(folder), memory_mb)
        if isinstance(table, Rejection):
            return Transformed(transform="table", rejection=table)
        renditions = store_all(s3, os.environ["PROCESSED_BUCKET"], version, table.renditions)
    record = {
        "fileId": event["file"]["jobId"],
        "fileName": PurePosixPath(version.file_key).name,
        "status": "PROCESSED",
        **table.record,
    }
    return Transformed(transform="table", renditions=renditions, record=record)
