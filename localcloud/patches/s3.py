"""S3: version ids in bucket events."""

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
