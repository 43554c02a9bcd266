"""The functions' own CloudWatch metrics: namespace, names and the dimension."""

from __future__ import annotations

from enum import StrEnum

from contract.names import PROJECT

SERVICE_DIMENSION = "service"
"""Powertools' dimension; its value is the function's short name, such as ``thumbnail``."""


NAMESPACE_VARIABLE = "POWERTOOLS_METRICS_NAMESPACE"
"""Powertools' variable in a function's environment; without it the function publishes no metrics."""


class Metric(StrEnum):
    """Metrics that every function with a namespace publishes, one sample for each invocation."""

    DURATION = "Duration"
    COLD_START = "ColdStart"


def metrics_namespace(stack: str) -> str:
    """The namespace of a stack's functions."""
    return f"{PROJECT}/{stack}"
