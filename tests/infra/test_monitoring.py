"""Essential monitoring: what is lost or waits raises an alarm and reaches a pager, and no more is paid for."""

import json

import pytest

from components.settings import SettingsError
from policies.recording import Recording, run

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
FUNCTION = "aws:lambda/function:Function"
NAMESPACE = "POWERTOOLS_METRICS_NAMESPACE"


def namespaces(recording: Recording) -> set[str | None]:
    """The namespaces that functions are given; None for a function without."""
    return {
        function.inputs["environment"]["variables"].get(NAMESPACE)
        for function in recording.of_type(FUNCTION)
        if function.custom
    }


def test_dev_has_essential_monitoring_and_prod_and_local_have_full(
    dev: Recording, prod: Recording, local: Recording
) -> None:
    assert not dev.of_type("CompositeAlarm")
    assert prod.of_type("CompositeAlarm")
    assert local.of_type("CompositeAlarm")


def test_functions_get_a_namespace_for_metrics_with_full_monitoring_only(
    monitored: Recording, essential: Recording
) -> None:
    assert namespaces(monitored) == {f"img-pipeline/{monitored.stack}"}
    assert namespaces(essential) == {None}


def test_essential_alarms_watch_metrics_of_aws_alone(essential: Recording, dev: Recording) -> None:
    for stack in (essential, dev):
        watched = {
            query["metric"]["namespace"]
            for alarm in stack.of_type(ALARM)
            for query in alarm.inputs["metricQueries"]
            if "metric" in query
        }
        assert watched <= {"AWS/SQS", "AWS/Events", "AWS/Lambda"}
        assert not stack.of_type("LogMetricFilter")
        assert not stack.of_type("Dashboard")
        assert stack.outputs["dashboardUrl"] == ""


def test_pagers_receive_each_essential_alarm_that_pages_and_its_end(essential: Recording) -> None:
    pager = essential.one("TopicSubscription", protocol="https")
    paged = json.loads(pager.inputs["filterPolicy"])["AlarmName"]
    roles = ("transform-dlq-depth", "delivery-dlq-depth", "rule-delivery-failures", "oldest-message-age")
    assert sorted(paged) == sorted(f"img-pipeline-prod-{role}" for role in roles)
    topic = essential.one("aws:sns/topic:Topic", name="img-pipeline-prod-alerts")
    ends = {alarm.inputs["name"]: alarm.inputs.get("okActions") for alarm in essential.of_type(ALARM)}
    assert {name for name, actions in ends.items() if actions} == set(paged)
    assert all(ends[name] == [topic.arn] for name in paged)


def test_monitoring_changes_neither_a_role_nor_a_saved_query(full: Recording, essential: Recording) -> None:
    for kind, fields in (("RolePolicy", ("role", "policy")), ("QueryDefinition", ("name", "queryString"))):
        told = [
            sorted(tuple(each.inputs[field] for field in fields) for each in stack.of_type(kind))
            for stack in (full, essential)
        ]
        assert told[0] == told[1]


def test_another_value_is_refused() -> None:
    with pytest.raises(SettingsError, match="monitoring"):
        run("dev", {"monitoring": "none"})
