"""Every alarm of every stack, evaluated as CloudWatch does on what AWS would have measured."""

import math
import re
from collections.abc import Sequence
from typing import Any

import pytest

from localcloud.alarms import MetricQuery, Series, queries_of, verdict
from localcloud.resources.cloudwatch import MetricQuery as MetricQueryInputs
from policies.recording import Recording, Resource
from tests.infra.alarm_cases import Case, Observed, Source, cases, essential_alarms

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
# The start of an hour, so that a period of any length begins here.
START = 1_800_000_000


def described(alarm: Resource) -> dict[str, Any]:
    """The alarm as DescribeAlarms returns it."""
    inputs = alarm.inputs
    return {
        "AlarmName": inputs["name"],
        "Metrics": [MetricQueryInputs.model_validate(query).request() for query in inputs["metricQueries"]],
        "ComparisonOperator": inputs["comparisonOperator"],
        "Threshold": inputs["threshold"],
        "EvaluationPeriods": int(inputs["evaluationPeriods"]),
        "DatapointsToAlarm": int(inputs["datapointsToAlarm"]),
        "TreatMissingData": inputs["treatMissingData"],
        "StateValue": "OK",
    }


def statistic(name: str, values: Sequence[float]) -> float:
    if percentile := re.fullmatch(r"p(\d+)", name):
        return sorted(values)[math.ceil(len(values) * int(percentile[1]) / 100) - 1]
    known = {"Sum": sum, "Maximum": max, "Minimum": min, "SampleCount": len}
    return sum(values) / len(values) if name == "Average" else float(known[name](values))


def series(query: MetricQuery, observed: Sequence[Observed], period_seconds: int) -> Series:
    """What GetMetricData answers to `query` when each of `observed` falls at the start of one of the case's periods."""
    source = Source(query.namespace, query.name, frozenset(query.dimensions))
    values: dict[int, list[float]] = {}
    for index, each in enumerate(observed):
        if source in each:
            at = START + index * period_seconds
            values.setdefault(at // query.period_seconds * query.period_seconds, []).extend(each[source])
    return {start: statistic(query.statistic, samples) for start, samples in values.items()}


def state(alarm: Resource, case: Case, observed: Sequence[Observed]) -> str:
    """The alarm's state at the end of the last of the observed periods."""
    queries = queries_of(described(alarm)).values()
    data = {query: series(query, observed, case.period_seconds) for query in queries}
    return verdict(described(alarm), data, START + len(observed) * case.period_seconds)[0]


@pytest.fixture
def alarms(recording: Recording) -> list[tuple[Resource, Case]]:
    """Every alarm of a stack with its case; there is no alarm without a case, and none missing."""
    subscribers = list(recording.outputs["resultsQueueUrls"])
    has_authorizer, has_webhooks = bool(recording.of_type("Authorizer")), bool(recording.outputs["webhooksQueueUrl"])
    expected = {
        f"img-pipeline-{recording.stack}-{case.alarm}": case
        for case in cases(recording.stack, subscribers, has_authorizer=has_authorizer, has_webhooks=has_webhooks)
        if recording.of_type("CompositeAlarm") or case.alarm in essential_alarms(subscribers)
    }
    recorded = {alarm.inputs["name"]: alarm for alarm in recording.of_type(ALARM)}
    assert set(recorded) == set(expected)
    return [(recorded[name], case) for name, case in expected.items()]


def test_alarms_are_raised_above_their_thresholds(alarms: list[tuple[Resource, Case]]) -> None:
    for alarm, case in alarms:
        for bad in case.bad:
            assert state(alarm, case, [bad] * case.periods) == "ALARM", (case.alarm, bad)


def test_alarms_are_ok_within_their_thresholds(alarms: list[tuple[Resource, Case]]) -> None:
    for alarm, case in alarms:
        for good in case.good:
            assert state(alarm, case, [good] * case.periods) == "OK", (case.alarm, good)


def test_alarms_are_ok_without_data(alarms: list[tuple[Resource, Case]]) -> None:
    for alarm, case in alarms:
        assert state(alarm, case, [{}] * case.periods) == "OK", case.alarm


def test_alarms_wait_for_the_last_of_their_periods(alarms: list[tuple[Resource, Case]]) -> None:
    for alarm, case in alarms:
        for bad in case.bad:
            assert state(alarm, case, [{}, *[bad] * (case.periods - 1)]) == "OK", case.alarm
            if case.periods > 1:
                interrupted = [bad, case.good[0], *[bad] * (case.periods - 2)]
                assert state(alarm, case, interrupted) == "OK", case.alarm


def test_alarms_return_to_ok_after_one_good_period(alarms: list[tuple[Resource, Case]]) -> None:
    for alarm, case in alarms:
        for bad in case.bad:
            assert state(alarm, case, [*[bad] * case.periods, case.good[0]]) == "OK", case.alarm


def test_paging_alarm_notifies_when_it_returns_to_ok(monitored: Recording) -> None:
    topic = monitored.one("aws:sns/topic:Topic", name=f"img-pipeline-{monitored.stack}-alerts")
    paging = monitored.one("CompositeAlarm")
    assert paging.inputs["alarmActions"] == paging.inputs["okActions"] == [topic.arn]


def test_paging_alarm_pages_for_exactly_these(monitored: Recording) -> None:
    rule = monitored.one("CompositeAlarm").inputs["alarmRule"]
    paging = [
        f'ALARM("img-pipeline-{monitored.stack}-{name}")'
        for name in (
            "transform-dlq-depth",
            "delivery-dlq-depth",
            "rule-delivery-failures",
            "oldest-message-age",
            "pipe-stopped",
            "workflow-failed",
            "api-server-errors",
        )
    ]
    assert sorted(rule.split(" OR ")) == sorted(paging)
