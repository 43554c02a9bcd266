"""CloudWatch Logs runs queries and filters log events as on AWS."""

from __future__ import annotations

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.emulator import Emulator
from testing.waiting import eventually

pytest_plugins = ["localcloud.pytest_fixture"]

GROUP = "/aws/lambda/queried"


@pytest.fixture(scope="module")
def logs(cloud: Emulator) -> Any:
    """Return a client, with three events in a log group."""
    client = cloud.client("logs")
    client.create_log_group(logGroupName=GROUP)
    client.create_log_stream(logGroupName=GROUP, logStreamName="s")
    now = round(time.time() * 1000)
    messages = ['{"level": "ERROR", "ms": 12}', '{"level": "INFO", "ms": 7}', '{"level": "INFO", "ms": 9}']
    events = [{"timestamp": now + number, "message": message} for number, message in enumerate(messages)]
    client.put_log_events(logGroupName=GROUP, logStreamName="s", logEvents=events)
    return client


def query(logs: Any, text: str, group: str = GROUP) -> list[dict[str, str]]:
    now = round(time.time())
    started = logs.start_query(logGroupName=group, startTime=now - 600, endTime=now + 600, queryString=text)
    answer = eventually(
        lambda: (found := logs.get_query_results(queryId=started["queryId"]))["status"] == "Complete" and found,
        "the query's end",
    )
    return [{cell["field"]: cell["value"] for cell in row} for row in answer["results"]]


def test_query_returns_rows(logs: Any) -> None:
    assert query(logs, "stats count(*) as n, max(ms) as slowest by level | sort n desc") == [
        {"level": "INFO", "n": "2", "slowest": "9"},
        {"level": "ERROR", "n": "1", "slowest": "12"},
    ]
    (row,) = query(logs, "fields level | filter ms > 9")
    assert row["level"] == "ERROR"
    assert logs.get_log_record(logRecordPointer=row["@ptr"])["logRecord"]["@message"] == '{"level": "ERROR", "ms": 12}'


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("parse @message '*' as all", "parse"),
        ("fields level | filter level like /a|b/ | dedup level", "dedup"),
        ("fields level | filter strlen(level) > 3", "filter"),
        ("fields level | stats stddev(ms)", "stats"),
        ("fields level | sort", "sort"),
    ],
)
def test_a_refused_query_names_the_refused_command(logs: Any, text: str, command: str) -> None:
    with pytest.raises(ClientError) as refused:
        query(logs, text)
    assert refused.value.response["Error"]["Code"] == "MalformedQueryException"
    assert f"command {command} " in refused.value.response["Error"]["Message"]


def test_query_of_a_missing_log_group_is_refused(logs: Any) -> None:
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        query(logs, "fields @message", group="/nowhere")


@pytest.mark.parametrize(
    ("pattern", "count"), [("", 3), ("INFO", 2), ("info", 0), ('{ $.level = "ERROR" }', 1), ("{ $.ms < 10 }", 2)]
)
def test_events_are_filtered_by_the_pattern(logs: Any, pattern: str, count: int) -> None:
    assert len(logs.filter_log_events(logGroupName=GROUP, filterPattern=pattern)["events"]) == count


def test_unsupported_filter_pattern_is_refused(logs: Any) -> None:
    with pytest.raises(ClientError, match="InvalidParameterException"):
        logs.filter_log_events(logGroupName=GROUP, filterPattern="[a, b]")
