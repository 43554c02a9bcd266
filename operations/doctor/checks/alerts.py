"""Whether alarms send notifications, and whether results reach their subscribers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from client.dead_letters.stack_queues import dead_letter_queues
from client.pipeline import Pipeline
from contract.names import physical_name
from operations.doctor.checks.queues import URGENT
from operations.doctor.findings import Finding, fail, ok, redeploy, warn


def alarms_notify_alert_topic(pipeline: Pipeline) -> Iterator[Finding]:
    """Every alarm exists, has its actions enabled, and notifies the alert topic."""
    existing, topic_arn = _alarms(pipeline), pipeline.outputs.alert_topic_arn
    for name in _expected_alarms(pipeline):
        alarm = existing.get(name)
        if alarm is None:
            yield fail(f"{name} does not exist", redeploy(pipeline))
        elif not alarm["ActionsEnabled"]:
            yield fail(
                f"{name} sends no notifications: its actions are disabled",
                f"aws cloudwatch enable-alarm-actions --alarm-names {name}",
            )
        elif topic_arn not in alarm["AlarmActions"]:
            yield fail(f"{name} does not notify the alert topic", redeploy(pipeline))
    yield ok(f"{len(existing)} alarms")


def alarms_are_ok(pipeline: Pipeline) -> Iterator[Finding]:
    """No alarm is in ALARM, and none is without data. That files are rejected is normal, and only a warning."""
    existing = _alarms(pipeline)
    # An alarm's name begins with its queue's.
    expected = tuple(
        f"{pipeline.queue(each.url).name}-" for each in dead_letter_queues(pipeline) if each.kind not in URGENT
    )
    for name in _expected_alarms(pipeline):
        alarm = existing.get(name, {})
        if alarm.get("StateValue") == "ALARM":
            report = warn if name.startswith(expected) else fail
            yield report(f"{name} is in ALARM: {_alarm_description(alarm)}", _next_command(alarm))
        elif alarm.get("StateValue") == "INSUFFICIENT_DATA":
            yield warn(
                f"{name} has no data",
                "normal in the first minutes of a stack; later, check whether its metric and dimensions still exist",
            )
    yield ok("none in ALARM")


def alert_subscriptions_are_confirmed(pipeline: Pipeline) -> Iterator[Finding]:
    """The alert topic has a subscription, and each one is confirmed."""
    subscriptions = _subscriptions(pipeline, pipeline.outputs.alert_topic_arn)
    if not subscriptions:
        yield warn("the alert topic has no subscription", "set alertEmails or alertHttpsEndpoints, then deploy")
    for subscription in subscriptions:
        who = f"{subscription['Protocol']} {_shown(subscription)}"
        # SNS lists this in the ARN's place until the owner of the address has confirmed.
        if subscription["SubscriptionArn"] == "PendingConfirmation":
            yield fail(
                f"{who} has not confirmed and receives nothing",
                "follow the link in the message from AWS Notifications; it expires after two days, then deploy again",
            )
        else:
            yield ok(f"{who} is confirmed")


def results_queues_are_subscribed(pipeline: Pipeline) -> Iterator[Finding]:
    """Every results queue has a confirmed subscription to the results topic."""
    topic_arn = pipeline.outputs.results_topic_arn
    confirmed = {
        subscription["Endpoint"]
        for subscription in _subscriptions(pipeline, topic_arn)
        if subscription["SubscriptionArn"].startswith("arn:")
    }
    for name, url in pipeline.outputs.results_queue_urls.items():
        attributes = pipeline.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])[
            "Attributes"
        ]
        if attributes["QueueArn"] in confirmed:
            yield ok(f"{name} is subscribed")
        else:
            yield fail(f"results do not reach {name}: its queue is not subscribed", redeploy(pipeline))


def _expected_alarms(pipeline: Pipeline) -> list[str]:
    return [*pipeline.outputs.alarm_names, *filter(None, [pipeline.outputs.paging_alarm_name])]


def _alarms(pipeline: Pipeline) -> dict[str, Mapping[str, Any]]:
    pages = (
        pipeline.client("cloudwatch")
        .get_paginator("describe_alarms")
        .paginate(
            AlarmNamePrefix=physical_name(pipeline.stack, ""),
            AlarmTypes=["MetricAlarm", "CompositeAlarm"],
        )
    )
    return {
        alarm["AlarmName"]: alarm
        for page in pages
        for alarm in [*page.get("MetricAlarms", []), *page.get("CompositeAlarms", [])]
    }


def _subscriptions(pipeline: Pipeline, topic_arn: str) -> list[Mapping[str, Any]]:
    pages = pipeline.client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic_arn)
    return [subscription for page in pages for subscription in page["Subscriptions"]]


def _shown(subscription: Mapping[str, Any]) -> str:
    """The address; of a URL only its host, as the rest may contain a key."""
    endpoint = subscription["Endpoint"]
    return "/".join(endpoint.split("/")[:3]) + "/…" if endpoint.startswith("http") else endpoint


def _alarm_description(alarm: Mapping[str, Any]) -> str:
    return alarm.get("AlarmDescription", "").partition("\nNext: ")[0] or alarm.get("StateReason", "")


def _next_command(alarm: Mapping[str, Any]) -> str:
    return alarm.get("AlarmDescription", "").partition("\nNext: ")[2] or "see docs/runbook.md"
