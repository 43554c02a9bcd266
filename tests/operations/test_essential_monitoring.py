"""A stack with essential monitoring, deployed: files are processed, a lost one pages, and doctor misses no alarm."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from operations.doctor.checks import alerts, existence
from operations.doctor.findings import Status, run_check
from testing.stack import Stack, deployed_stack
from testing.waiting import eventually


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with deployed_stack(monitoring="essential") as deployed:
        yield deployed


def test_doctor_misses_no_alarm_and_no_dashboard(stack: Stack) -> None:
    for check in (existence.resources_exist, alerts.alarms_notify_alert_topic, alerts.alarms_are_ok):
        found = [each for each in run_check(check, stack.pipeline) if each.status is Status.FAIL]
        assert found == []


def test_functions_that_process_a_file_publish_no_metrics(stack: Stack) -> None:
    (job,) = stack.finish(stack.upload("uploads/quiet.jpg"))
    assert job["status"] == "COMPLETED"
    cloudwatch = stack.cloud.client("cloudwatch")
    # Lambda's own metrics are there, those of the functions are not.
    eventually(lambda: cloudwatch.list_metrics(Namespace="AWS/Lambda")["Metrics"], "the metrics of Lambda")
    assert cloudwatch.list_metrics(Namespace="img-pipeline/local")["Metrics"] == []


def test_a_failed_file_raises_an_alarm_that_says_so(stack: Stack) -> None:
    cloudwatch, queue = stack.cloud.client("cloudwatch"), stack.outputs["transformDlqUrl"]
    stack.cloud.client("sqs").send_message(QueueUrl=queue, MessageBody="{}")

    def in_alarm() -> list[str]:
        found = cloudwatch.describe_alarms(StateValue="ALARM")["MetricAlarms"]
        return [alarm["AlarmName"] for alarm in found]

    assert eventually(in_alarm, "the alarm", 60) == ["img-pipeline-local-transform-dlq-depth"]
