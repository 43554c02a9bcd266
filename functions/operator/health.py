"""What needs attention: alarms in ALARM, how full the queues are, and whether the pipe runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from botocore.exceptions import ClientError

from contract.names import physical_name
from contract.queues import SqsQueue
from functions.http_api.operators import configuration
from functions.operator.models import MISSING, AlarmInAlarm, PipeState, QueueState, StackHealth
from functions.shared.aws import client, error_code

# CloudWatch has a queue's metrics once a minute, and some minutes late ("Available CloudWatch metrics for Amazon SQS").
_METRIC_MINUTES = 15
_NO_PIPE = "The pipe does not exist: uploads wait in the queue. `img-pipeline doctor` says what to do."


def health() -> StackHealth:
    """The stack as it is now; ages of messages are some minutes old."""
    return StackHealth(alarms=list(_alarms()), queues=_queues(), pipe=_pipe())


def _alarms() -> Iterator[AlarmInAlarm]:
    """The stack's metric alarms in ALARM; of another stack whose name begins alike, the topic differs."""
    settings = configuration()
    pages = client("cloudwatch").get_paginator("describe_alarms")
    for page in pages.paginate(
        StateValue="ALARM", AlarmTypes=["MetricAlarm"], AlarmNamePrefix=physical_name(settings.stack, "")
    ):
        for alarm in page["MetricAlarms"]:
            if settings.alert_topic_arn in alarm["AlarmActions"]:
                yield AlarmInAlarm(
                    name=alarm["AlarmName"],
                    description=alarm["AlarmDescription"],
                    since=alarm["StateUpdatedTimestamp"],
                )


def _queues() -> list[QueueState]:
    queues = configuration().queues
    names = dict.fromkeys(queues.queue_urls) | {each.url: each.name for each in queues.dead_letter_queues}
    ages = _oldest_seconds([_name(url) for url in names])
    client("sqs")  # botocore makes clients in one thread at a time
    with ThreadPoolExecutor(max_workers=len(names)) as pool:
        return list(pool.map(lambda url: _state(url, names[url], ages), names))


def _state(url: str, dead_letters: str | None, ages: Mapping[str, int]) -> QueueState:
    depth = SqsQueue(client("sqs"), url).depth()
    return QueueState(
        name=_name(url),
        dead_letters=dead_letters,
        messages=depth.total,
        in_flight=depth.in_flight,
        oldest_seconds=ages.get(_name(url)) if depth.total else None,
    )


def _oldest_seconds(queue_names: list[str]) -> dict[str, int]:
    """Age of each queue's oldest message, by the queue's name, in one call for all of them."""
    now = datetime.now(UTC)
    answer = client("cloudwatch").get_metric_data(
        MetricDataQueries=[
            {
                "Id": f"q{number}",
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/SQS",
                        "MetricName": "ApproximateAgeOfOldestMessage",
                        "Dimensions": [{"Name": "QueueName", "Value": name}],
                    },
                    "Period": 60,
                    "Stat": "Maximum",
                },
            }
            for number, name in enumerate(queue_names)
        ],
        StartTime=now - timedelta(minutes=_METRIC_MINUTES),
        EndTime=now,
        ScanBy="TimestampDescending",
    )
    values = {result["Id"]: result["Values"] for result in answer["MetricDataResults"]}
    return {name: int(found[0]) for number, name in enumerate(queue_names) if (found := values.get(f"q{number}"))}


def _pipe() -> PipeState:
    name = configuration().pipe_name
    try:
        pipe = client("pipes").describe_pipe(Name=name)
    except ClientError as error:
        if error_code(error) != "NotFoundException":
            raise
        return PipeState(name=name, state=MISSING, reason=_NO_PIPE)
    return PipeState(name=pipe["Name"], state=pipe["CurrentState"], reason=pipe.get("StateReason") or None)


def _name(url: str) -> str:
    return url.rsplit("/", 1)[-1]
