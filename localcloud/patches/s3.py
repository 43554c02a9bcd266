"""S3: version ids in bucket events, and parts of object versions."""

from __future__ import annotations

import contextvars
import functools
import json
from typing import Any

from ministack.services import (
    eventbridge,
    s3,
)

from contract.events import OBJECT_CREATED, S3_SOURCE
from localcloud.patches.observers import ObjectCreated


def install(object_created: ObjectCreated) -> None:
    """Apply this service's patches."""
    _add_version_id_to_bucket_events(object_created)
    _return_ranges_of_versions()


def _add_version_id_to_bucket_events(object_created: ObjectCreated) -> None:
    """Gap: "Object Created" events lack `detail.object.version-id` ("Amazon S3 User Guide", EventBridge structure)."""
    fire, dispatch = s3._fire_s3_event, eventbridge._dispatch_event
    version_of_event: contextvars.ContextVar[str | None] = contextvars.ContextVar("version_of_event", default=None)

    @functools.wraps(fire)
    def fire_s3_event(*arguments: Any, version_id: str | None = None, **keywords: Any) -> None:
        token = version_of_event.set(version_id)
        try:
            fire(*arguments, version_id=version_id, **keywords)
        finally:
            version_of_event.reset(token)

    @functools.wraps(dispatch)
    def dispatch_event(event: dict[str, Any], *arguments: Any, **keywords: Any) -> Any:
        version_id = version_of_event.get()
        if version_id and event["Source"] == S3_SOURCE:
            detail = json.loads(event["Detail"])
            detail["object"]["version-id"] = version_id
            event = event | {"Detail": json.dumps(detail)}
        if event["Source"] == S3_SOURCE and event["DetailType"] == OBJECT_CREATED:
            object_created(json.loads(event["Detail"]))
        return dispatch(event, *arguments, **keywords)

    s3._fire_s3_event = fire_s3_event
    eventbridge._dispatch_event = dispatch_event


def _return_ranges_of_versions() -> None:
    """Gap: a GET of an object version ignores `Range` and returns the whole version.

    S3 answers 206, or 416 if the range starts beyond the end ("Amazon S3 API Reference", GetObject).
    """
    get = s3._get_object

    @functools.wraps(get)
    def get_object(bucket: str, key: str, headers: dict[str, str], query: dict[str, Any] | None = None) -> Any:
        wanted, query = headers.get("range"), query or {}
        if not wanted or not s3._qp(query, "versionId"):
            return get(bucket, key, headers, query)
        # A checksum is that of the whole version: a client would reject a part that came with it.
        headers = {name: value for name, value in headers.items() if name != "x-amz-checksum-mode"}
        status, answer_headers, body = get(bucket, key, headers, query)
        if status != 200:
            return status, answer_headers, body
        span = s3._parse_range(wanted, len(body))
        if span is None:
            unsatisfied = {"Content-Type": "application/xml", "Content-Range": f"bytes */{len(body)}"}
            return 416, unsatisfied, s3._xml_body(s3._range_error_xml(bucket, key))
        first, last = span
        part = body[first : last + 1]
        answer_headers |= {"Content-Range": f"bytes {first}-{last}/{len(body)}", "Content-Length": str(len(part))}
        return 206, answer_headers, part

    s3._get_object = get_object
