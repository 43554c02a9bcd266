"""Every kind of failure has an alarm that notifies, with a meaning and a command."""

import json
import re

import botocore.session
import pytest

from policies.recording import Recording, Resource

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"


def alarms(recording: Recording) -> dict[str, Resource]:
    prefix = f"img-pipeline-{recording.stack}-"
    return {alarm.inputs["name"].removeprefix(prefix): alarm for alarm in recording.of_type(ALARM)}


def metrics(alarm: Resource) -> set[tuple[str, str]]:
    return {
        (query["metric"]["namespace"], query["metric"]["metricName"])
        for query in alarm.inputs["metricQueries"]
        if "metric" in query
    }


def expression(alarm: Resource) -> str:
    return next((query["expression"] for query in alarm.inputs["metricQueries"] if "expression" in query), "")


def test_every_alarm_reaches_the_alert_topic(recording: Recording) -> None:
    topic = recording.one("aws:sns/topic:Topic", name=f"img-pipeline-{recording.stack}-alerts")
    for alarm in [*recording.of_type(ALARM), *recording.of_type("CompositeAlarm")]:
        assert alarm.inputs["alarmActions"] == [topic.arn], alarm


def test_cloudwatch_may_publish_to_the_alert_topic(recording: Recording) -> None:
    topic = recording.one("aws:sns/topic:Topic", name=f"img-pipeline-{recording.stack}-alerts")
    policy = json.loads(recording.one("TopicPolicy", arn=topic.arn).inputs["policy"])
    (allowed,) = [statement for statement in policy["Statement"] if statement["Sid"] == "PublishAlarms"]
    assert allowed["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert allowed["Action"] == ["sns:Publish"]
    # CloudWatch cannot use the key that AWS manages for SNS.
    assert topic.inputs.get("kmsMasterKeyId") != "alias/aws/sns"


def test_every_alarm_says_what_it_means_and_which_command_to_run_next(recording: Recording) -> None:
    session = botocore.session.get_session()
    for alarm in [*recording.of_type(ALARM), *recording.of_type("CompositeAlarm")]:
        description = alarm.inputs["alarmDescription"]
        assert len(description) <= 1024, alarm  # the limit of CloudWatch
        meaning, _, command = description.partition("\nNext: aws ")
        assert len(meaning) > 30, alarm
        service, verb = command.split()[:2]
        if (service, verb) == ("logs", "tail"):
            continue  # the one command that is the CLI's own, not an operation of the service
        operation = "".join(word.title() for word in verb.split("-"))
        model = session.get_service_model(service)
        operations = {name.lower() for name in model.operation_names}  # pyright: ignore[reportGeneralTypeIssues]
        assert operation.lower() in operations, command


def test_commands_name_resources_of_this_stack(recording: Recording) -> None:
    known = {
        value
        for resource in recording.cloud_resources
        for value in (resource.inputs.get("name"), resource.inputs.get("alarmName"))
        if value
    }
    for alarm in recording.of_type(ALARM):
        command = alarm.inputs["alarmDescription"].partition("\nNext: ")[2]
        for name in re.findall(r"[\w/-]*img-pipeline-[\w-]+", command):
            assert name in known, command


def test_every_dead_letter_queue_has_an_alarm(recording: Recording) -> None:
    watched = {
        query["metric"]["dimensions"]["QueueName"]
        for alarm in recording.of_type(ALARM)
        for query in alarm.inputs["metricQueries"]
        if alarm.inputs["name"].endswith("-dlq-depth")
        and query["metric"]["metricName"] == "ApproximateNumberOfMessagesVisible"
        and alarm.inputs["threshold"] == 0
    }
    queues = {queue.inputs["name"] for queue in recording.of_type("aws:sqs/queue:Queue")}
    rejected = f"img-pipeline-{recording.stack}-validate-dlq"
    # That files are rejected loses none, so it is not essential.
    expected = {name for name in queues if name.endswith("-dlq")}
    assert watched == (expected if recording.outputs["pagingAlarmName"] else expected - {rejected})


PIPES, STATES, EVENTS, LAMBDA, TABLES = (
    "AWS/EventBridge/Pipes",
    "AWS/States",
    "AWS/Events",
    "AWS/Lambda",
    "AWS/DynamoDB",
)
API = "AWS/ApiGateway"


@pytest.mark.parametrize(
    ("name", "watches"),
    [
        ("oldest-message-age", {("AWS/SQS", "ApproximateAgeOfOldestMessage")}),
        ("rule-delivery-failures", {(EVENTS, "FailedInvocations"), (EVENTS, "InvocationsSentToDlq")}),
        ("pipe-failures", {(PIPES, "ExecutionFailed"), (PIPES, "ExecutionTimeout")}),
        ("pipe-throttles", {(PIPES, "ExecutionThrottled")}),
        ("pipe-stopped", {(PIPES, "Invocations"), ("AWS/SQS", "ApproximateNumberOfMessagesVisible")}),
        ("workflow-failed", {(STATES, "ExecutionsFailed")}),
        ("workflow-timed-out", {(STATES, "ExecutionsTimedOut")}),
        ("workflow-throttled", {(STATES, "ExecutionThrottled")}),
        ("workflow-p99-time", {(STATES, "ExecutionTime")}),
        ("api-server-errors", {(API, "5xx"), (API, "Count")}),
        ("api-client-errors", {(API, "4xx"), (API, "Count")}),
        ("api-p99-latency", {(API, "Latency"), (API, "Count")}),
        ("account-concurrency", {(LAMBDA, "ClaimedAccountConcurrency")}),
        ("assets-throttles", {(TABLES, "ReadThrottleEvents"), (TABLES, "WriteThrottleEvents")}),
        ("jobs-throttles", {(TABLES, "ReadThrottleEvents"), (TABLES, "WriteThrottleEvents")}),
        ("denylist-throttles", {(TABLES, "ReadThrottleEvents"), (TABLES, "WriteThrottleEvents")}),
        *(
            (f"{function}-errors", {(LAMBDA, "Errors"), (LAMBDA, "Invocations")})
            for function in ("validate", "thumbnail", "watermark", "metadata", "table", "api", "operator", "replay")
        ),
    ],
)
def test_every_kind_of_failure_has_an_alarm(monitored: Recording, name: str, watches: set[tuple[str, str]]) -> None:
    assert watches <= metrics(alarms(monitored)[name])


def test_cold_start_alarms_use_the_functions_own_metrics(monitored: Recording) -> None:
    for function in ("validate", "thumbnail", "watermark", "metadata", "table", "api", "operator", "replay"):
        alarm = alarms(monitored)[f"{function}-cold-starts"]
        assert metrics(alarm) == {(f"img-pipeline/{monitored.stack}", "ColdStart")}
        assert all(
            query["metric"]["dimensions"] == {"service": function}
            for query in alarm.inputs["metricQueries"]
            if "metric" in query
        )


def test_p99_alarm_threshold_is_45_seconds(monitored: Recording) -> None:
    alarm = alarms(monitored)["workflow-p99-time"]
    (query,) = alarm.inputs["metricQueries"]
    assert query["metric"]["stat"] == "p99"
    assert alarm.inputs["threshold"] == 45_000  # milliseconds


def test_error_alarm_threshold_is_one_percent_in_five_minutes(monitored: Recording) -> None:
    alarm = alarms(monitored)["thumbnail-errors"]
    assert expression(alarm) == "IF(calls>=20,100*errors/calls,0)"
    assert alarm.inputs["threshold"] == 1
    assert {query["metric"]["period"] for query in alarm.inputs["metricQueries"] if "metric" in query} == {300}


def test_account_concurrency_alarm_threshold_is_80_percent(monitored: Recording) -> None:
    alarm = alarms(monitored)["account-concurrency"]
    assert expression(alarm) == "100*claimed/1000"
    assert alarm.inputs["comparisonOperator"] == "GreaterThanOrEqualToThreshold"
    assert alarm.inputs["threshold"] == 80


def test_metric_math_uses_metrics_that_the_alarm_has(recording: Recording) -> None:
    for alarm in recording.of_type(ALARM):
        ids = {query["id"] for query in alarm.inputs["metricQueries"] if "metric" in query}
        used = set(re.findall(r"[a-z]\w*", expression(alarm)))
        assert used == (ids if used else set()), alarm
        returned = [query for query in alarm.inputs["metricQueries"] if query["returnData"]]
        assert len(returned) == 1, alarm


def test_missing_data_raises_no_alarm(recording: Recording) -> None:
    assert all(alarm.inputs["treatMissingData"] == "notBreaching" for alarm in recording.of_type(ALARM))


def test_lost_uploads_page_and_rejected_files_do_not(monitored: Recording) -> None:
    composite = monitored.one("CompositeAlarm")
    prefix = f"img-pipeline-{monitored.stack}-"
    paging = {name.removeprefix(prefix) for name in re.findall(r'ALARM\("([^"]+)"\)', composite.inputs["alarmRule"])}
    assert {"transform-dlq-depth", "delivery-dlq-depth", "pipe-stopped", "rule-delivery-failures"} <= paging
    assert "validate-dlq-depth" not in paging
    assert paging <= set(alarms(monitored))


def test_pagers_receive_only_the_paging_alarm_and_email_receives_all(full: Recording) -> None:
    email = full.one("TopicSubscription", protocol="email")
    assert email.inputs["endpoint"] == "operators@example.com"
    assert "filterPolicy" not in email.inputs
    pager = full.one("TopicSubscription", protocol="https")
    assert json.loads(pager.inputs["filterPolicy"]) == {"AlarmName": ["img-pipeline-prod-paging"]}
    assert pager.inputs["filterPolicyScope"] == "MessageBody"


def test_the_key_in_a_pager_url_is_a_secret(full: Recording) -> None:
    endpoint = full.one("TopicSubscription", protocol="https").inputs["endpoint"]
    assert isinstance(endpoint, dict), "a plain string would stand readable in the state"
    assert endpoint["value"].startswith("https://events.example.com/")


def test_dashboard_shows_this_stack(monitored: Recording) -> None:
    dashboard = json.loads(monitored.one("Dashboard").inputs["dashboardBody"])
    assert len(dashboard["widgets"]) >= 8
    assert all(widget["properties"]["metrics"] for widget in dashboard["widgets"])
    assert json.dumps(dashboard).count(f"img-pipeline-{monitored.stack}-") > 20


def test_saved_queries_show_this_stack(recording: Recording) -> None:
    groups = {group.inputs["name"] for group in recording.of_type("LogGroup")}
    queries = recording.of_type("QueryDefinition")
    assert len(queries) >= 5
    for query in queries:
        assert set(query.inputs["logGroupNames"]) <= groups


def test_dashboard_shows_every_layer(monitored: Recording) -> None:
    dashboard = json.loads(monitored.one("Dashboard").inputs["dashboardBody"])
    shown = {line[0] for widget in dashboard["widgets"] for line in widget["properties"]["metrics"]}
    assert shown - {f"img-pipeline/{monitored.stack}"} == {"AWS/SQS", EVENTS, PIPES, STATES, LAMBDA, TABLES, API}
    boxes = [(widget["x"], widget["y"], widget["width"]) for widget in dashboard["widgets"]]
    for top in {y for _, y, _ in boxes}:
        row = sorted((x, width) for x, y, width in boxes if y == top)
        assert [x for x, _ in row] == [sum(width for _, width in row[:index]) for index in range(len(row))]
        assert sum(width for _, width in row) == 24  # the console's columns


def test_dashboard_url_is_that_of_the_dashboard(monitored: Recording) -> None:
    name = monitored.one("Dashboard").inputs["dashboardName"]
    assert monitored.outputs["dashboardUrl"].endswith(f"#dashboards/dashboard/{name}")
