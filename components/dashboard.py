"""The stack's dashboard: the way of a file from left to right, and what went wrong on it below."""

from collections.abc import Mapping
from itertools import accumulate
from typing import Any

import pulumi

from components.alarms import (
    Metric,
    Watched,
    function_metric,
    pipe_metric,
    queue_metric,
    rule_metric,
    table_metric,
    workflow_metric,
)

WIDTH = 24
HEIGHT = 6


def dashboard_body(watched: Watched) -> pulumi.Output[str]:
    """The dashboard as CloudWatch's JSON."""
    rows = [_way(watched), _time(watched), _trouble(watched)]
    tops = accumulate([HEIGHT] * len(rows), initial=0)
    widgets = [
        _placed(watched, title, series, left=index * WIDTH // len(row), top=top, width=WIDTH // len(row))
        for row, top in zip(rows, tops, strict=False)
        for index, (title, series) in enumerate(row.items())
    ]
    return pulumi.Output.json_dumps({"widgets": widgets})


Row = Mapping[str, Mapping[str, Metric]]


def _way(watched: Watched) -> Row:
    queue_name = watched.ingest.queue.queue_name
    return {
        "Uploads noticed": {"events": rule_metric(watched.ingest, "Invocations")},
        "Waiting": {
            "visible": queue_metric(queue_name, "ApproximateNumberOfMessagesVisible"),
            "in flight": queue_metric(queue_name, "ApproximateNumberOfMessagesNotVisible"),
        },
        "Executions": {
            "succeeded": workflow_metric(watched.transform, "ExecutionsSucceeded"),
            "failed": workflow_metric(watched.transform, "ExecutionsFailed"),
            "timed out": workflow_metric(watched.transform, "ExecutionsTimedOut"),
        },
    }


def _time(watched: Watched) -> Row:
    functions = watched.transform.functions
    return {
        "Workflow, milliseconds": {
            statistic: workflow_metric(watched.transform, "ExecutionTime", statistic)
            for statistic in ("p50", "p90", "p99")
        },
        "Functions, milliseconds p99": {
            name: function_metric(function, "Duration", "p99") for name, function in functions.items()
        },
        "Functions, concurrent": {
            name: function_metric(function, "ConcurrentExecutions", "Maximum") for name, function in functions.items()
        },
    }


def _trouble(watched: Watched) -> Row:
    functions = watched.transform.functions
    return {
        "Dead letters": {
            role: queue_metric(queue.queue_name, "ApproximateNumberOfMessagesVisible")
            for role, queue in watched.dead_letter_queues.items()
        },
        "Errors": {
            **{name: function_metric(function, "Errors") for name, function in functions.items()},
            "pipe": pipe_metric(watched.pipe, "ExecutionFailed"),
        },
        "Throttles": {
            **{name: function_metric(function, "Throttles") for name, function in functions.items()},
            "pipe": pipe_metric(watched.pipe, "ExecutionThrottled"),
            "workflow": workflow_metric(watched.transform, "ExecutionThrottled"),
            **{
                role: table_metric(table_name, "WriteThrottleEvents")
                for role, table_name in watched.persist.table_names.items()
            },
        },
    }


def _placed(
    watched: Watched, title: str, series: Mapping[str, Metric], *, left: int, top: int, width: int
) -> dict[str, Any]:
    return {
        "type": "metric",
        "x": left,
        "y": top,
        "width": width,
        "height": HEIGHT,
        "properties": {
            "title": title,
            "region": watched.context.region,
            "period": 60,
            "view": "timeSeries",
            "metrics": [_line(label, metric) for label, metric in series.items()],
        },
    }


def _line(label: str, metric: Metric) -> list[Any]:
    dimensions = [part for dimension in metric.dimensions.items() for part in dimension]
    return [metric.namespace, metric.name, *dimensions, {"label": label, "stat": metric.statistic}]
