"""CloudWatch's query protocol has the same results as its JSON protocol."""

from __future__ import annotations

import pytest

from localcloud.emulator import Emulator
from tests.localcloud.query_protocol import COMPARISON, call_by_query
from tests.localcloud.workbench import Workbench

pytest_plugins = ["localcloud.pytest_fixture"]

ACTION = "arn:aws:sns:us-east-1:000000000000:{}"
ACTIONS = {
    "AlarmActions": [ACTION.format("alarm"), ACTION.format("second")],
    "OKActions": [ACTION.format("ok")],
    "InsufficientDataActions": [ACTION.format("no-data")],
}
ALARM = {
    "AlarmDescription": "More than 1 & fewer than <3> failures",
    "ActionsEnabled": False,
    "Namespace": "AWS/SQS",
    "MetricName": "ApproximateNumberOfMessagesVisible",
    "Dimensions": [{"Name": "QueueName", "Value": "dlq"}],
    "Statistic": "Maximum",
    "Period": 300,
    "DatapointsToAlarm": 2,
    "TreatMissingData": "notBreaching",
    **COMPARISON,
    **ACTIONS,
}


@pytest.mark.parametrize("put_by_query", [False, True])
def test_metric_alarm_is_described_with_all_its_fields(cloud: Emulator, put_by_query: bool) -> None:
    name, client = Workbench(cloud).name("alarm"), cloud.client("cloudwatch")
    if put_by_query:
        call_by_query(cloud, "PutMetricAlarm", AlarmName=name, **ALARM)
    else:
        client.put_metric_alarm(AlarmName=name, **ALARM)

    (alarm,) = call_by_query(cloud, "DescribeAlarms", AlarmNames=[name])["MetricAlarms"]

    assert {key: alarm[key] for key in ALARM} == ALARM
    assert alarm == client.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]


def test_alarm_on_metric_math_and_composite_alarm_are_described_in_full(cloud: Emulator) -> None:
    math, composite = Workbench(cloud).name("alarm"), Workbench(cloud).name("alarm")
    stat = {"Metric": {"Namespace": "N", "MetricName": "depth"}, "Period": 60, "Stat": "Sum"}
    metrics = [
        {"Id": "twice", "Expression": "2*depth", "ReturnData": True},
        {"Id": "depth", "MetricStat": stat, "ReturnData": False},
    ]
    call_by_query(cloud, "PutMetricAlarm", AlarmName=math, Metrics=metrics, **COMPARISON)
    rule = f'ALARM("{math}")'
    call_by_query(cloud, "PutCompositeAlarm", AlarmName=composite, AlarmRule=rule, AlarmDescription="either", **ACTIONS)

    described = call_by_query(
        cloud, "DescribeAlarms", AlarmTypes=["MetricAlarm", "CompositeAlarm"], AlarmNames=[math, composite]
    )

    assert described["MetricAlarms"][0]["Metrics"] == metrics
    assert {key: described["CompositeAlarms"][0][key] for key in ACTIONS} == ACTIONS
    assert described["CompositeAlarms"][0]["AlarmDescription"] == "either"


def test_pages_of_alarms_are_the_same_by_both_protocols(cloud: Emulator) -> None:
    prefix, client = Workbench(cloud).name("page"), cloud.client("cloudwatch")
    for letter in "ab":
        client.put_metric_alarm(AlarmName=f"{prefix}-{letter}", **ALARM)

    first = call_by_query(cloud, "DescribeAlarms", AlarmNamePrefix=prefix, MaxRecords=1)
    second = call_by_query(cloud, "DescribeAlarms", AlarmNamePrefix=prefix, MaxRecords=1, NextToken=first["NextToken"])

    names = [page["MetricAlarms"][0]["AlarmName"] for page in (first, second)]
    assert (names, second.get("NextToken")) == ([f"{prefix}-a", f"{prefix}-b"], None)
