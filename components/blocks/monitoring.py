"""Monitoring as data: the alarms, dashboard rows and saved queries of a layer, which alerting creates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pulumi

FIVE_MINUTES = 300


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One CloudWatch metric; `statistic` is Sum, Average, Maximum, SampleCount or a percentile such as p99."""

    namespace: str
    name: str
    statistic: str
    dimensions: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """In ALARM when `expression` over `metrics`, or the one metric itself, breaches `threshold` in all `periods`.

    Attributes:
        name: the part of its physical name after img-pipeline-{stack}-.
        meaning: what has happened, in a sentence.
        command: the `aws` command to run next.
        metrics: by the id that `expression` knows them by.
        expression: metric math; None for an alarm on one metric.
        comparison: CloudWatch's name for how the value compares to the threshold.
        pages: whether a pager is notified of it.
        essential: whether it says that something is lost or does not move on, so that every stack has it. Its metrics
            are free of charge: AWS's own.
    """

    name: str
    meaning: str
    command: str
    metrics: Mapping[str, Metric]
    expression: str | None = None
    comparison: str = "GreaterThanThreshold"
    threshold: float
    period_seconds: int = 60
    periods: int = 1
    pages: bool = False
    essential: bool = False


Row = Mapping[str, Mapping[str, Metric]]
"""Graphs beside each other on the dashboard: their titles, and their lines by label."""


@dataclass(frozen=True, kw_only=True)
class SavedQuery:
    """A CloudWatch Logs Insights query."""

    name: str
    log_group_names: tuple[str, ...]
    query: str


@dataclass(frozen=True, kw_only=True)
class Monitoring:
    """The alarms, dashboard rows and saved queries of one layer."""

    alarms: Sequence[Alarm]
    rows: Sequence[Row]
    queries: Sequence[SavedQuery] = ()


class Monitored(Protocol):
    """A layer that provides monitoring."""

    def monitoring(self) -> Monitoring: ...


def percentage(part: str, whole: str, minimum: int) -> str:
    """Metric math for `part` in percent of `whole`, 0 while `whole` is less than `minimum`."""
    return f"IF({whole}>={minimum},100*{part}/{whole},0)"


def not_consumed(visible: str, invocations: str) -> str:
    """Metric math that is 1 while messages are visible in a queue and its consumer is not invoked, else 0."""
    return f"IF(FILL({visible},0)>0 AND FILL({invocations},0)==0,1,0)"
