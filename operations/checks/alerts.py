"""Whether anybody would hear of trouble, and whether results reach their subscribers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from operations.connection import Connection
from operations.diagnosis import Finding, fail, ok, output, redeploy, warn


def alarms_are_wired(stack: Connection) -> Iterator[Finding]:
    """Every alarm exists, may act, and tells the alert topic."""
    existing, topic_arn = _alarms(stack), output(stack, "alertTopicArn")
    for name in _expected_alarms(stack):
        alarm = existing.get(name)
        if alarm is None:
            yield fail(f"{name} does not exist", redeploy(stack))
        elif not alarm["ActionsEnabled"]:
            yield fail(
                f"{name} is muted: its actions are disabled",
                f"aws cloudwatch enable-alarm-actions --alarm-names {name}",
            )
        elif topic_arn not in alarm["AlarmActions"]:
            yield fail(f"{name} does not tell the alert topic", redeploy(stack))
    yield ok(f"{len(existing)} alarms")


def alarms_are_quiet(stack: Connection) -> Iterator[Finding]:
    """No alarm has gone off, and none is blind."""
    existing = _alarms(stack)
    for name in _expected_alarms(stack):
        alarm = existing.get(name, {})
        if alarm.get("StateValue") == "ALARM":
            yield fail(f"{name} has gone off: {_meaning(alarm)}", _next_command(alarm))
        elif alarm.get("StateValue") == "INSUFFICIENT_DATA":
            yield warn(
                f"{name} has no data",
                "normal in the first minutes of a stack; later, see whether its metric and dimensions still exist",
            )
    yield ok("none in ALARM")


def alerts_are_heard(stack: Connection) -> Iterator[Finding]:
    """Somebody is subscribed to the alerts and has confirmed."""
    subscriptions = _subscriptions(stack, output(stack, "alertTopicArn"))
    if not subscriptions:
        yield warn("nobody is subscribed to the alerts", "set alertEmails or alertHttpsEndpoints, then deploy")
    for subscription in subscriptions:
        who = f"{subscription['Protocol']} {_shown(subscription)}"
        # SNS lists this in the ARN's place until the owner of the address has followed the link.
        if subscription["SubscriptionArn"] == "PendingConfirmation":
            yield fail(
                f"{who} has not confirmed and hears nothing",
                "follow the link in the message from AWS Notifications; it lapses after two days, then deploy again",
            )
        else:
            yield ok(f"{who} is confirmed")


def results_are_delivered(stack: Connection) -> Iterator[Finding]:
    """Every results queue has a confirmed subscription to the results topic."""
    topic_arn = output(stack, "resultsTopicArn")
    confirmed = {
        subscription["Endpoint"]
        for subscription in _subscriptions(stack, topic_arn)
        if subscription["SubscriptionArn"].startswith("arn:")
    }
    for name, url in output(stack, "resultsQueueUrls").items():
        attributes = stack.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
        if attributes["QueueArn"] in confirmed:
            yield ok(f"{name} is subscribed")
        else:
            yield fail(f"results do not reach {name}: its queue is not subscribed", redeploy(stack))


def _expected_alarms(stack: Connection) -> list[str]:
    return [*output(stack, "alarmNames"), output(stack, "pagingAlarmName")]


def _alarms(stack: Connection) -> dict[str, Mapping[str, Any]]:
    pages = (
        stack.client("cloudwatch")
        .get_paginator("describe_alarms")
        .paginate(
            AlarmNamePrefix=output(stack, "pagingAlarmName").removesuffix("paging"),
            AlarmTypes=["MetricAlarm", "CompositeAlarm"],
        )
    )
    return {
        alarm["AlarmName"]: alarm
        for page in pages
        for alarm in [*page.get("MetricAlarms", []), *page.get("CompositeAlarms", [])]
    }


def _subscriptions(stack: Connection, topic_arn: str) -> list[Mapping[str, Any]]:
    pages = stack.client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic_arn)
    return [subscription for page in pages for subscription in page["Subscriptions"]]


def _shown(subscription: Mapping[str, Any]) -> str:
    """The address; of a URL only its host, as the rest holds a key."""
    endpoint = subscription["Endpoint"]
    return "/".join(endpoint.split("/")[:3]) + "/…" if endpoint.startswith("http") else endpoint


def _meaning(alarm: Mapping[str, Any]) -> str:
    return alarm.get("AlarmDescription", "").partition("\nNext: ")[0] or alarm.get("StateReason", "")


def _next_command(alarm: Mapping[str, Any]) -> str:
    return alarm.get("AlarmDescription", "").partition("\nNext: ")[2] or "see docs/runbook.md"
