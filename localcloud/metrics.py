"""Publishes the metrics of AWS services, and those that functions log in embedded metric format (EMF)."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

# AWS publishes queue metrics once a minute. Here a changed depth is published at once, and an unchanged one often
# enough for every period of a minute to have a data point.
QUEUE_METRICS_SECONDS = 30
# Maximum number of metrics in a PutMetricData request ("Amazon CloudWatch API Reference").
MAX_METRICS_PER_CALL = 1000


class Metrics:
    """Collects data points from any thread and publishes them in batches."""

    def __init__(self) -> None:
        self._observations: list[tuple[str, dict[str, Any]]] = []
        self._lock = threading.Lock()
        self._queues_seen: dict[str, tuple[float, tuple[int, int, int]]] = {}

    def record(self, namespace: str, name: str, value: float, unit: str, dimensions: dict[str, str]) -> None:
        """Record one data point with the current time."""
        self._note(namespace, _datum(name, [value], unit, dimensions, datetime.now(UTC)))

    def record_log_line(self, line: str) -> None:
        """Record the metrics in a log line in embedded metric format ("CloudWatch User Guide", EMF specification)."""
        if '"CloudWatchMetrics"' not in line:
            return
        try:
            document = json.loads(line)
            metadata = document["_aws"]
            at = datetime.fromtimestamp(metadata["Timestamp"] / 1000, UTC)
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
                    self._note(directive["Namespace"], _datum(metric["Name"], values, unit, dimensions, at))

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
            observations, self._observations = self._observations, []
        by_namespace = defaultdict(list)
        for namespace, datum in observations:
            by_namespace[namespace].append(datum)
        for namespace, data in by_namespace.items():
            for start in range(0, len(data), MAX_METRICS_PER_CALL):
                cloudwatch.put_metric_data(Namespace=namespace, MetricData=data[start : start + MAX_METRICS_PER_CALL])

    def _note(self, namespace: str, datum: dict[str, Any]) -> None:
        with self._lock:
            self._observations.append((namespace, datum))


def _datum(name: str, values: list[float], unit: str, dimensions: dict[str, str], at: datetime) -> dict[str, Any]:
    return {
        "MetricName": name,
        "Values": values,
        "Unit": unit,
        "Timestamp": at,
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
    }
