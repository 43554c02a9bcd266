"""CloudWatch: alarms are left to our evaluator."""

from __future__ import annotations

import functools
from typing import Any

from ministack.services import (
    cloudwatch,
)


def install() -> None:
    """Apply this service's patches."""
    _leave_alarms_to_our_layer()


def _leave_alarms_to_our_layer() -> None:
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
