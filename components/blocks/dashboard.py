"""The body of a CloudWatch dashboard: rows of graphs, one below the other."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from components.blocks.monitoring import Metric, Row

WIDTH = 24
HEIGHT = 6


def dashboard_body(rows: Sequence[Row], region: str) -> pulumi.Output[str]:
    """The dashboard as CloudWatch's JSON ("Dashboard body structure and syntax")."""
    widgets = [
        _widget(title, lines, region, left=column * WIDTH // len(row), top=index * HEIGHT, width=WIDTH // len(row))
        for index, row in enumerate(rows)
        for column, (title, lines) in enumerate(row.items())
    ]
    return pulumi.Output.json_dumps({"widgets": widgets})


def _widget(title: str, lines: Mapping[str, Metric], region: str, *, left: int, top: int, width: int) -> dict[str, Any]:
    return {
        "type": "metric",
        "x": left,
        "y": top,
        "width": width,
        "height": HEIGHT,
        "properties": {
            "title": title,
            "region": region,
            "period": 60,
            "view": "timeSeries",
            "metrics": [_line(label, metric) for label, metric in lines.items()],
        },
    }


def _line(label: str, metric: Metric) -> list[Any]:
    dimensions = [part for dimension in metric.dimensions.items() for part in dimension]
    return [metric.namespace, metric.name, *dimensions, {"label": label, "stat": metric.statistic}]
