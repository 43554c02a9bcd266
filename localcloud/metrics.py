"""Publishes the metrics of AWS services, and those that functions log in embedded metric format (EMF)."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

# AWS publishes queue metrics once a minute. Here a changed depth is published at once, and an unchanged one often
# enough for every period of a minute to have a data point.
QUEUE_METRICS_SECONDS = 30
# Maximum number of metrics in a PutMetricData request ("Amazon CloudWatch API Reference").
MAX_METRICS_PER_CALL = 1000


@dataclass(frozen=True)
class _Second:
    """One second of a metric, in seconds since 1970."""

    namespace: str
    name: str
    unit: str
    dimensions: tuple[tuple[str, str], ...]
    second: int

    @classmethod
    def of(cls, namespace: str, name: str, unit: str, dimensions: Mapping[str, str], *, at: float) -> _Second:
        return cls(namespace, name, unit, tuple(sorted(dimensions.items())), int(at))

    def datum(self, counts: Mapping[float, int]) -> dict[str, Any]:
        """Its values and how often each was observed, as PutMetricData takes them."""
        return {
            "MetricName": self.name,
            "Values": list(counts),
            "Counts": [float(count) for count in counts.values()],
            "Unit": self.unit,
            "Timestamp": datetime.fromtimestamp(self.second, UTC),
            "Dimensions": [{"Name": name, "Value": value} for name, value in self.dimensions],
        }


class Metrics:
    """Collects data points from any thread and publishes them in batches.

    Equal values within a second are one data point with a count: every evaluation of alarms reads all points.
    """

    def __init__(self) -> None:
        self._observed: defaultdict[_Second, Counter[float]] = defaultdict(Counter)
        self._lock = threading.Lock()
        self._queues_seen: dict[str, tuple[float, tuple[int, int, int]]] = {}

    def record(self, namespace: str, name: str, value: float, unit: str, dimensions: dict[str, str]) -> None:
        """Record one data point with the current time."""
        self._note(_Second.of(namespace, name, unit, dimensions, at=time.time()), [value])

    def record_log_line(self, line: str) -> None:
        """Record the metrics in a log line in embedded metric format ("CloudWatch User Guide", EMF specification)."""
        if '"CloudWatchMetrics"' not in line:
            return
        try:
            document = json.loads(line)
            metadata = document["_aws"]
            at = metadata["Timestamp"] / 1000
            directives = metadata["CloudWatchMetrics"]
        except (ValueError, KeyError, TypeError):
            return
        for directive in directives:
            for names in directive.get("Dimensions", [[]]):
                dimensions = {name: str(document[name]) for name in names}
                for metric in directive["Metrics"]:
                    found = document[metric["Name"]]
                    values = found if isinstance(found, list) else [found]
                    unit = metric.get("Unit", "None")
                    self._note(_Second.of(directive["Namespace"], metric["Name"], unit, dimensions, at=at), values)

    def record_queues(self, depths: Iterable[Any]) -> None:
        """Record the depth of the queues whose metrics are due.

        Args:
            depths: objects with name, visible, in_flight, delayed and oldest_age_seconds.
        """
        now = time.monotonic()
        for depth in depths:
            counts = (depth.visible, depth.in_flight, depth.delayed)
            noted_at, noted = self._queues_seen.get(depth.name, (float("-inf"), None))
            if counts == noted and now - noted_at < QUEUE_METRICS_SECONDS:
                continue
            self._queues_seen[depth.name] = (now, counts)
            queue = {"QueueName": depth.name}
            self.record("AWS/SQS", "ApproximateNumberOfMessagesVisible", depth.visible, "Count", queue)
            self.record("AWS/SQS", "ApproximateNumberOfMessagesNotVisible", depth.in_flight, "Count", queue)
            self.record("AWS/SQS", "ApproximateNumberOfMessagesDelayed", depth.delayed, "Count", queue)
            self.record("AWS/SQS", "ApproximateAgeOfOldestMessage", depth.oldest_age_seconds, "Seconds", queue)

    def publish(self, cloudwatch: Any) -> None:
        """Publish everything recorded since the last call."""
        with self._lock:
            observed, self._observed = self._observed, defaultdict(Counter)
        by_namespace = defaultdict(list)
        for second, counts in observed.items():
            by_namespace[second.namespace].append(second.datum(counts))
        for namespace, data in by_namespace.items():
            for start in range(0, len(data), MAX_METRICS_PER_CALL):
                cloudwatch.put_metric_data(Namespace=namespace, MetricData=data[start : start + MAX_METRICS_PER_CALL])

    def _note(self, second: _Second, values: Iterable[float]) -> None:
        with self._lock:
            self._observed[second].update(values)
