"""Metric math is evaluated as by CloudWatch; tests/infra/test_alarm_states.py evaluates the alarms' own expressions."""

from __future__ import annotations

import pytest

from localcloud.metric_math import UnsupportedMath, Value, evaluate

ERROR_RATE = "IF(inv>20,100*err/inv,0)"


@pytest.mark.parametrize(
    ("expression", "metrics", "expected"),
    [
        (ERROR_RATE, {"inv": 200.0, "err": 5.0}, 2.5),
        (ERROR_RATE, {"inv": 20.0, "err": 20.0}, 0),
        (ERROR_RATE, {"inv": None, "err": 1.0}, None),
        ("IF(FILL(visible,0)>0 AND FILL(runs,0)==0,1,0)", {"visible": 3.0, "runs": None}, 1),
        ("IF(FILL(visible,0)>0 AND FILL(runs,0)==0,1,0)", {"visible": 3.0, "runs": 2.0}, 0),
        ("IF(a < 0 || b >= 2, 1, 0)", {"a": 1.0, "b": 2.0}, 1),
        ("FILL(a,0)+FILL(b,0)", {"a": None, "b": 4.0}, 4),
        ("a - b * (c + -1) / 2", {"a": 10.0, "b": 2.0, "c": 4.0}, 7),
        ("100 * a / b", {"a": 1.0, "b": 0.0}, None),
        ("a + b", {"a": 1.0, "b": None}, None),
    ],
)
def test_an_expression_has_its_value_in_cloudwatch(expression: str, metrics: dict[str, Value], expected: Value) -> None:
    assert evaluate(expression, metrics) == expected


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("ANOMALY_DETECTION_BAND(a)", "ANOMALY_DETECTION_BAND"),
        ("a +", "not an expression"),
        ("a + unknown", "unknown"),
        ("MAX(a)", "MAX"),
        ("METRICS()", "METRICS"),
        ("[a] + 1", "not supported"),
        ("__import__('os')", "not supported"),
    ],
)
def test_an_unsupported_expression_is_refused_by_name(expression: str, message: str) -> None:
    with pytest.raises(UnsupportedMath, match=message):
        evaluate(expression, {"a": 1.0})
