"""CloudWatch: alarms are evaluated by `localcloud.alarms`, and complete over the query protocol."""

from __future__ import annotations

import functools
import json
import time
from typing import Any

import botocore.session
from ministack.services import (
    cloudwatch,
)

from localcloud.patches.query_protocol import decode, encode

_DELETE_EVERY_SECONDS = 60


def install() -> None:
    """Apply this service's patches."""
    _delete_old_points_once_a_minute()
    _disable_alarm_evaluation()
    _keep_alarm_fields_over_query()


def _delete_old_points_once_a_minute() -> None:
    """Gap: every request copies all data points without the old ones, and takes the longer the more there are."""
    delete, deleted_at = cloudwatch._evict_old_metrics, float("-inf")

    @functools.wraps(delete)
    def evict_old_metrics() -> None:
        nonlocal deleted_at
        if time.monotonic() >= deleted_at + _DELETE_EVERY_SECONDS:
            deleted_at = time.monotonic()
            delete()

    cloudwatch._evict_old_metrics = evict_old_metrics


def _disable_alarm_evaluation() -> None:
    """Gaps: alarms on metric math lose their queries; the built-in evaluation ignores dimensions and missing data."""
    put = cloudwatch._put_metric_alarm

    @functools.wraps(put)
    def put_metric_alarm(params: dict[str, Any], data: dict[str, Any], is_cbor: bool, is_json: bool = False) -> Any:
        answer = put(params, data, is_cbor, is_json)
        alarm = cloudwatch._alarms.get(data.get("AlarmName"))
        if alarm is not None and data.get("Metrics"):
            alarm |= {"Metrics": data["Metrics"]}
            for field in ("Namespace", "MetricName", "Statistic", "Period"):
                alarm.pop(field, None)
        return answer

    cloudwatch._put_metric_alarm = put_metric_alarm
    cloudwatch._evaluate_alarm = lambda _alarm: None


def _keep_alarm_fields_over_query() -> None:
    """Gap: over the query protocol, alarms are stored and described without most of their fields."""
    for operation, handler in (("PutMetricAlarm", "_put_metric_alarm"), ("DescribeAlarms", "_describe_alarms")):
        setattr(cloudwatch, handler, _by_model(operation, getattr(cloudwatch, handler)))


def _by_model(operation: str, handle: Any) -> Any:
    """Answer the operation's query requests as JSON requests are; errors are the emulator's own."""
    model = botocore.session.Session().get_service_model("cloudwatch").operation_model(operation)

    @functools.wraps(handle)
    def handle_operation(params: dict[str, Any], data: dict[str, Any], is_cbor: bool, is_json: bool = False) -> Any:
        if is_cbor or is_json:
            return handle(params, data, is_cbor, is_json)
        status, _headers, body = handle({}, decode(model.input_shape, params) or {}, False, True)
        if status != 200:
            return handle(params, data, False, False)
        result = encode(model.output_shape, json.loads(body)) if model.output_shape else ""
        return cloudwatch._xml(200, f"{operation}Response", f"<{operation}Result>{result}</{operation}Result>")

    return handle_operation
