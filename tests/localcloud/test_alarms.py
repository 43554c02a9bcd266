"""Alarms have the state that CloudWatch would set, and notify the subscribers of their actions."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from localcloud.alarms import MetricQuery, queries_of, verdict
from localcloud.emulator import Emulator
from testing.waiting import eventually
from tests.localcloud.workbench import Queue, Workbench

pytest_plugins = ["localcloud.pytest_fixture"]

PERIOD = 60
# Twelve seconds after the start of a period.
NOW = 1_800_000_012.0


def depth_alarm(**fields: Any) -> dict[str, Any]:
    return {
        "AlarmName": "depth",
        "Namespace": "AWS/SQS",
        "MetricName": "ApproximateNumberOfMessagesVisible",
        "Dimensions": [{"Name": "QueueName", "Value": "dlq"}],
        "Statistic": "Maximum",
        "Period": PERIOD,
        "EvaluationPeriods": 3,
        "Threshold": 0.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "missing",
        "StateValue": "OK",
    } | fields


def state(alarm: dict[str, Any], *values: float | None) -> str:
    """Return the alarm's state after data points of the completed periods and the current one, oldest first."""
    current = int(NOW // PERIOD) * PERIOD
    starts = range(current - PERIOD * (len(values) - 1), current + 1, PERIOD)
    series = {start: value for start, value in zip(starts, values, strict=True) if value is not None}
    (query,) = queries_of(alarm).values()
    return verdict(alarm, {query: series}, NOW)[0]


# From "Configuring how CloudWatch alarms treat missing data" ("Amazon CloudWatch User Guide"); None is missing data,
# and KEPT the previous state.
KEPT = "KEPT"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((None, None, None), {"missing": "INSUFFICIENT_DATA", "ignore": KEPT, "breaching": "ALARM"}),
        ((0, None, None), {}),
        ((None, 1, None), {"missing": "ALARM", "ignore": KEPT, "breaching": "ALARM"}),
        ((1, 1, 1), {"missing": "ALARM", "ignore": "ALARM", "breaching": "ALARM", "notBreaching": "ALARM"}),
        ((0, 1, 1), {}),
        ((0, 0, 0), {}),
    ],
)
@pytest.mark.parametrize("before", ["OK", "ALARM"])
@pytest.mark.parametrize("treatment", ["missing", "ignore", "breaching", "notBreaching"])
def test_missing_data_is_treated_as_configured(
    values: tuple[float | None, ...], expected: dict[str, str], before: str, treatment: str
) -> None:
    alarm = depth_alarm(TreatMissingData=treatment, StateValue=before)
    wanted = expected.get(treatment, "OK")
    assert state(alarm, *values, None) == (before if wanted == KEPT else wanted)


def test_m_of_n_breaching_data_points_put_the_alarm_into_alarm() -> None:
    alarm = depth_alarm(EvaluationPeriods=5, DatapointsToAlarm=3)
    assert state(alarm, 1, 0, 1, 0, 1, None) == "ALARM"
    assert state(alarm, 1, 0, 0, 0, 1, None) == "OK"


def test_the_current_period_can_put_an_alarm_into_alarm_but_not_into_ok() -> None:
    alarm = depth_alarm(EvaluationPeriods=1)
    assert state(alarm, 0, 5) == "ALARM"
    assert state(alarm, 5, 0) == "ALARM"
    assert state(alarm, 0, 0) == "OK"


def test_the_current_period_without_data_is_not_evaluated() -> None:
    alarm = depth_alarm(EvaluationPeriods=1, TreatMissingData="breaching")
    assert state(alarm, 0, None) == "OK"


def test_the_first_data_point_ends_insufficient_data() -> None:
    assert state(depth_alarm(), None, None, None, 0) == "OK"


def test_the_current_period_cannot_breach_a_lower_threshold() -> None:
    alarm = depth_alarm(EvaluationPeriods=1, ComparisonOperator="LessThanThreshold", Threshold=10.0, Statistic="Sum")
    assert state(alarm, 20, 1) == "OK"
    assert state(alarm, 1, 20) == "ALARM"


def test_an_alarm_on_math_can_use_metrics_and_other_expressions() -> None:
    def metric(name: str) -> dict[str, Any]:
        stat = {"Metric": {"Namespace": "AWS/Lambda", "MetricName": name}, "Period": PERIOD, "Stat": "Sum"}
        return {"Id": name.lower(), "MetricStat": stat, "ReturnData": False}

    alarm = {
        "AlarmName": "error rate",
        "Metrics": [
            {"Id": "alarmed", "Expression": "IF(invocations>20,rate,0)", "ReturnData": True},
            {"Id": "rate", "Expression": "100*errors/invocations", "ReturnData": False},
            metric("Invocations"),
            metric("Errors"),
        ],
        "EvaluationPeriods": 1,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "StateValue": "OK",
    }
    current = int(NOW // PERIOD) * PERIOD
    invocations, errors = queries_of(alarm)["invocations"], queries_of(alarm)["errors"]
    state, reason = verdict(alarm, {invocations: {current: 100.0}, errors: {current: 3.0}}, NOW)
    assert state == "ALARM"
    assert "[3]" in reason
    state, _ = verdict(alarm, {invocations: {current: 10.0}, errors: {current: 10.0}}, NOW)
    assert state == "OK"


def test_equal_metrics_of_two_alarms_are_one_query() -> None:
    (first,), (second,) = queries_of(depth_alarm()).values(), queries_of(depth_alarm(Threshold=9.0)).values()
    assert (
        first
        == second
        == MetricQuery("AWS/SQS", "ApproximateNumberOfMessagesVisible", (("QueueName", "dlq"),), PERIOD, "Maximum")
    )


# ---------------------------------------------------------------------------------------------------------------------
# In the embedded cloud
# ---------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def bench(cloud: Emulator) -> Workbench:
    return Workbench(cloud)


def alert_topic(bench: Workbench) -> tuple[str, Queue]:
    """Create a topic and a queue that is subscribed to it."""
    sns, queue = bench.cloud.client("sns"), bench.queue()
    topic = sns.create_topic(Name=bench.name("alerts"))["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn, Attributes={"RawMessageDelivery": "true"})
    bench.accept_from(queue, "sns", topic)
    return topic, queue


def alarm_state(bench: Workbench, name: str) -> str:
    (alarm,) = bench.cloud.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return alarm["StateValue"]


def test_a_dead_letter_publishes_alarm_and_its_removal_ok(bench: Workbench) -> None:
    topic, inbox = alert_topic(bench)
    dlq, other = bench.queue(), bench.queue()
    cloudwatch, name = bench.cloud.client("cloudwatch"), bench.name("alarm")
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        **{key: value for key, value in depth_alarm().items() if key not in {"AlarmName", "StateValue"}}
        | {
            "Dimensions": [{"Name": "QueueName", "Value": dlq.name}],
            # AWS has no such short period; it avoids a minute of waiting for the OK state.
            "Period": 2,
            "EvaluationPeriods": 1,
            "TreatMissingData": "notBreaching",
        },
        AlarmActions=[topic],
        OKActions=[topic],
    )
    assert json.loads(inbox.receive()["Body"])["NewStateValue"] == "OK"

    other.send("not the queue of the alarm")
    dlq.send("dead")
    alert = json.loads(inbox.receive()["Body"])
    assert (alert["AlarmName"], alert["NewStateValue"]) == (name, "ALARM")
    assert "[1]" in alert["NewStateReason"]
    dlq.receive()
    recovery = json.loads(inbox.receive()["Body"])
    assert (recovery["AlarmName"], recovery["NewStateValue"]) == (name, "OK")
    assert other.depth() == (1, 0)


def test_a_composite_alarm_changes_with_its_alarms(bench: Workbench) -> None:
    topic, inbox = alert_topic(bench)
    cloudwatch, member, page = bench.cloud.client("cloudwatch"), bench.name("alarm"), bench.name("page")
    namespace = bench.name("namespace")
    cloudwatch.put_metric_alarm(
        AlarmName=member,
        Metrics=[
            {"Id": "rate", "Expression": "IF(inv>20,100*err/inv,0)", "ReturnData": True},
            *(
                {
                    "Id": id_,
                    "MetricStat": {
                        "Metric": {"Namespace": namespace, "MetricName": metric},
                        "Period": 300,
                        "Stat": "Sum",
                    },
                    "ReturnData": False,
                }
                for id_, metric in (("inv", "Invocations"), ("err", "Errors"))
            ),
        ],
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )
    cloudwatch.put_composite_alarm(AlarmName=page, AlarmRule=f'ALARM("{member}")', AlarmActions=[topic])
    eventually(lambda: alarm_state(bench, member) == "OK")
    cloudwatch.put_metric_data(
        Namespace=namespace,
        MetricData=[{"MetricName": "Invocations", "Value": 100}, {"MetricName": "Errors", "Value": 2}],
    )
    assert json.loads(inbox.receive()["Body"])["AlarmName"] == page


def test_an_alarm_on_a_percentile_uses_the_slowest_values(bench: Workbench) -> None:
    cloudwatch, name, namespace = bench.cloud.client("cloudwatch"), bench.name("alarm"), bench.name("namespace")
    cloudwatch.put_metric_data(
        Namespace=namespace, MetricData=[{"MetricName": "Time", "Values": [10.0, 90.0], "Counts": [50, 50]}]
    )
    common: dict[str, Any] = {
        "Namespace": namespace,
        "MetricName": "Time",
        "Period": 300,
        "EvaluationPeriods": 1,
        "Threshold": 60,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    cloudwatch.put_metric_alarm(AlarmName=f"{name}-p99", ExtendedStatistic="p99", **common)
    cloudwatch.put_metric_alarm(AlarmName=f"{name}-mean", Statistic="Average", **common)
    eventually(lambda: alarm_state(bench, f"{name}-p99") == "ALARM")
    assert alarm_state(bench, f"{name}-mean") == "OK"


def test_an_alarm_that_cannot_be_evaluated_is_logged_once_and_others_are_evaluated(bench: Workbench) -> None:
    cloudwatch, odd, even = bench.cloud.client("cloudwatch"), bench.name("odd"), bench.name("even")
    namespace = bench.name("namespace")
    stat = {"Metric": {"Namespace": namespace, "MetricName": "a"}, "Period": 60, "Stat": "Sum"}
    for name, expression in ((odd, "ANOMALY_DETECTION_BAND(a)"), (even, "a*2")):
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            Metrics=[
                {"Id": "result", "Expression": expression, "ReturnData": True},
                {"Id": "a", "MetricStat": stat, "ReturnData": False},
            ],
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
        )
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=[{"MetricName": "a", "Value": 1}])
    eventually(lambda: alarm_state(bench, even) == "ALARM")
    time.sleep(1.2)
    messages = [line for line in bench.cloud.log_tail(1000).splitlines() if odd in line and "not evaluated" in line]
    assert len(messages) == 1
    assert "ANOMALY_DETECTION_BAND" in messages[0]
