"""Evaluates CloudWatch alarms as AWS does and sets their state, which runs their actions.

The rules are those of the "Amazon CloudWatch User Guide": M out of N data points, treatment of missing data, metric
math. Two things differ, to avoid waits of minutes: alarms are evaluated every second, and the current period can put an
alarm into ALARM as soon as it breaches, but never into OK.
"""

from __future__ import annotations

import logging
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from localcloud import metric_math
from localcloud.metric_math import UnsupportedMath, Value

logger = logging.getLogger("localcloud.alarms")

# GetMetricData's limit ("Amazon CloudWatch API Reference").
MAX_QUERIES_PER_CALL = 500

_BREACHES: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanOrEqualToThreshold": operator.le,
    "LessThanThreshold": operator.lt,
}

Alarm = dict[str, Any]
Series = dict[int, float]
"""Values by the start of their period, in epoch seconds."""


@dataclass(frozen=True)
class MetricQuery:
    """One metric of an alarm; equal queries are fetched once."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    period_seconds: int
    statistic: str

    @classmethod
    def of(cls, fields: dict[str, Any], period_seconds: int, statistic: str) -> MetricQuery:
        dimensions = tuple(sorted((each["Name"], each["Value"]) for each in fields.get("Dimensions", [])))
        return cls(fields["Namespace"], fields["MetricName"], dimensions, period_seconds, statistic)


class AlarmEvaluator:
    """Sets every metric alarm to the state that its metrics determine.

    The emulator evaluates composite alarms whenever one of their alarms changes state.
    """

    def __init__(self, cloudwatch: Any) -> None:
        self._cloudwatch = cloudwatch
        self._reported: set[tuple[str, str]] = set()

    def evaluate(self, now: float) -> None:
        """Evaluate every alarm once.

        Args:
            now: the time to evaluate for, in epoch seconds.
        """
        pages = self._cloudwatch.get_paginator("describe_alarms").paginate(AlarmTypes=["MetricAlarm"])
        alarms = [alarm for page in pages for alarm in page["MetricAlarms"] if self._reads_metrics(alarm)]
        series = self._fetch(alarms, now)
        for alarm in alarms:
            try:
                state, reason = verdict(alarm, series, now)
            except Exception as error:  # an error in one alarm must not prevent the evaluation of the others
                self._report_once(alarm, str(error))
                continue
            if state != alarm["StateValue"]:
                self._cloudwatch.set_alarm_state(AlarmName=alarm["AlarmName"], StateValue=state, StateReason=reason)

    def _reads_metrics(self, alarm: Alarm) -> bool:
        if not queries_of(alarm):
            self._report_once(alarm, "it has no metric that is named explicitly")
        return bool(queries_of(alarm))

    def _fetch(self, alarms: list[Alarm], now: float) -> dict[MetricQuery, Series]:
        ordered = list({query for alarm in alarms for query in queries_of(alarm).values()})
        start = min((_periods(alarm, now)[0] for alarm in alarms), default=now)
        series = {}
        for first in range(0, len(ordered), MAX_QUERIES_PER_CALL):
            batch = ordered[first : first + MAX_QUERIES_PER_CALL]
            answer = self._cloudwatch.get_metric_data(
                MetricDataQueries=[_data_query(f"q{index}", query) for index, query in enumerate(batch)],
                StartTime=datetime.fromtimestamp(start, UTC),
                EndTime=datetime.fromtimestamp(now + 1, UTC),
            )
            for result in answer["MetricDataResults"]:
                times = (int(timestamp.timestamp()) for timestamp in result["Timestamps"])
                series[batch[int(result["Id"][1:])]] = dict(zip(times, result["Values"], strict=True))
        return series

    def _report_once(self, alarm: Alarm, problem: str) -> None:
        report = (alarm["AlarmName"], problem)
        if report not in self._reported:
            self._reported.add(report)
            logger.warning("alarm %s is not evaluated: %s", *report)


def queries_of(alarm: Alarm) -> dict[str, MetricQuery]:
    """Return the metrics that an alarm reads, by their id in the alarm's math (``metric`` if it has none)."""
    if "Metrics" not in alarm:
        statistic = alarm.get("ExtendedStatistic") or alarm["Statistic"]
        return {"metric": MetricQuery.of(alarm, alarm["Period"], statistic)}
    return {
        query["Id"]: MetricQuery.of(stat["Metric"], stat["Period"], stat["Stat"])
        for query in alarm["Metrics"]
        if (stat := query.get("MetricStat"))
    }


def verdict(alarm: Alarm, series: dict[MetricQuery, Series], now: float) -> tuple[str, str]:
    """Return the state that an alarm should have, and the reason.

    Raises:
        UnsupportedMath: the alarm's expression or comparison is not supported.
    """
    breaches = _BREACHES.get(alarm["ComparisonOperator"])
    if breaches is None:
        raise UnsupportedMath(f"{alarm['ComparisonOperator']} is not supported here")
    values = _values(alarm, series, _periods(alarm, now))
    considered = values[:-1]
    state = _state(alarm, considered, breaches)
    # A value of the current period can still increase: it can be too high already, but not too low yet.
    if values[-1] is not None and alarm["ComparisonOperator"].startswith("Greater"):
        early = _state(alarm, values[1:], breaches)
        if early == "ALARM" or state == "INSUFFICIENT_DATA":
            state, considered = early, values[1:]
    shown = ", ".join("missing" if value is None else f"{value:g}" for value in considered)
    return state, f"Data points [{shown}] against {alarm['ComparisonOperator']} {alarm['Threshold']:g}"


def _state(alarm: Alarm, values: list[Value], breaches: Callable[[float, float], bool]) -> str:
    """Apply "M out of N" and the treatment of missing data to the alarm's N newest values, oldest first."""
    present = [value for value in values if value is not None]
    breaching = sum(breaches(value, alarm["Threshold"]) for value in present)
    needed = alarm.get("DatapointsToAlarm") or alarm["EvaluationPeriods"]
    treatment = alarm.get("TreatMissingData", "missing")
    if treatment == "breaching":
        breaching += len(values) - len(present)
    if breaching >= needed:
        return "ALARM"
    if treatment == "ignore" and len(present) < len(values) and (breaching or not present):
        return alarm["StateValue"]
    if treatment == "missing":
        if not present:
            return "INSUFFICIENT_DATA"
        if breaching == len(present):
            return "ALARM"
    return "OK"


def _periods(alarm: Alarm, now: float) -> list[int]:
    """Return the starts of the alarm's periods, oldest first: the completed ones and the current one."""
    seconds = max(query.period_seconds for query in queries_of(alarm).values())
    current = int(now // seconds) * seconds
    return [current - back * seconds for back in range(alarm["EvaluationPeriods"], -1, -1)]


def _values(alarm: Alarm, series: dict[MetricQuery, Series], periods: list[int]) -> list[Value]:
    queries = queries_of(alarm)
    if "Metrics" not in alarm:
        return [series.get(queries["metric"], {}).get(start) for start in periods]
    return [
        _math_value(alarm, {id_: series.get(query, {}).get(start) for id_, query in queries.items()})
        for start in periods
    ]


def _math_value(alarm: Alarm, metrics: dict[str, Value]) -> Value:
    """Evaluate an alarm's expressions for one period; the alarm is based on the one with ReturnData."""
    expressions = {query["Id"]: query["Expression"] for query in alarm["Metrics"] if query.get("Expression")}

    def value_of(id_: str) -> Value:
        if id_ in metrics:
            return metrics[id_]
        named = [name for name in re.findall(r"\b[a-z]\w*", expressions[id_]) if name in expressions]
        return metric_math.evaluate(expressions[id_], metrics | {name: value_of(name) for name in named})

    return value_of(next(query["Id"] for query in alarm["Metrics"] if query.get("ReturnData", True)))


def _data_query(id_: str, query: MetricQuery) -> dict[str, Any]:
    return {
        "Id": id_,
        "MetricStat": {
            "Metric": {
                "Namespace": query.namespace,
                "MetricName": query.name,
                "Dimensions": [{"Name": name, "Value": value} for name, value in query.dimensions],
            },
            "Period": query.period_seconds,
            "Stat": query.statistic,
        },
    }
