"""Rules deliver events with permission, otherwise to the target's dead-letter queue."""

from __future__ import annotations

import json

import pytest

from localcloud.emulator import Emulator
from testing.waiting import eventually
from tests.localcloud.test_functions import total
from tests.localcloud.workbench import Queue, Workbench

pytest_plugins = ["localcloud.pytest_fixture"]


@pytest.fixture
def bench(cloud: Emulator) -> Workbench:
    return Workbench(cloud)


def rule_to(bench: Workbench, queue: Queue, dlq: Queue) -> tuple[str, str]:
    """Create a rule that sends events with its name as source to a queue; return its name and ARN."""
    events, name = bench.cloud.client("events"), bench.name("rule")
    arn = events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))["RuleArn"]
    target = {"Id": "queue", "Arn": queue.arn, "DeadLetterConfig": {"Arn": dlq.arn}}
    events.put_targets(Rule=name, Targets=[target])
    return name, arn


def send_event(bench: Workbench, rule: str) -> None:
    bench.cloud.client("events").put_events(Entries=[{"Source": rule, "DetailType": "test", "Detail": "{}"}])


def test_an_event_is_delivered_to_a_queue_that_allows_the_rule(bench: Workbench) -> None:
    queue, dlq = bench.queue(), bench.queue()
    rule, arn = rule_to(bench, queue, dlq)
    bench.accept_from(queue, "events", arn)
    send_event(bench, rule)
    assert json.loads(queue.receive()["Body"])["source"] == rule
    assert dlq.depth() == (0, 0)


def test_an_event_that_the_queue_denies_is_sent_to_the_dead_letter_queue_and_counted(
    bench: Workbench,
) -> None:
    queue, dlq = bench.queue(), bench.queue()
    rule, arn = rule_to(bench, queue, dlq)
    bench.accept_from(queue, "events", f"{arn}-of-another-name")
    bench.accept_from(dlq, "events", arn)
    send_event(bench, rule)
    assert json.loads(dlq.receive()["Body"])["source"] == rule
    assert queue.depth() == (0, 0)
    eventually(lambda: total(bench.cloud, "AWS/Events", "InvocationsSentToDlq", RuleName=rule) == 1)
    assert total(bench.cloud, "AWS/Events", "FailedInvocations", RuleName=rule) == 1


def test_an_event_that_the_dead_letter_queue_also_denies_is_lost_and_counted(bench: Workbench) -> None:
    queue, dlq = bench.queue(), bench.queue()
    rule, arn = rule_to(bench, queue, dlq)
    bench.accept_from(dlq, "events", f"{arn}-of-another-name")
    send_event(bench, rule)
    eventually(lambda: total(bench.cloud, "AWS/Events", "InvocationsFailedToBeSentToDlq", RuleName=rule) == 1)
    assert total(bench.cloud, "AWS/Events", "InvocationsSentToDlq", RuleName=rule) == 0
    assert (queue.depth(), dlq.depth()) == ((0, 0), (0, 0))
