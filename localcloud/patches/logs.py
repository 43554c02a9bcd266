"""CloudWatch Logs: Insights queries, filter patterns and metric filters."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import cloudwatch_logs

from localcloud.logs.filter_pattern import InvalidPatternError, compile_pattern
from localcloud.logs.insights import DEFAULT_LIMIT, run_query
from localcloud.logs.records import Record
from localcloud.logs.syntax import MalformedQueryError
from localcloud.patches.observers import RecordMetric


def install(record_metric: RecordMetric) -> None:
    """Apply this service's patches."""
    _run_insights_queries()
    _match_filter_patterns()
    _count_what_metric_filters_match(record_metric)


def write_log(group: str, stream: str, events: Sequence[tuple[int, str]]) -> None:
    """Write log events of a service, each milliseconds since 1970 and a message, if the log group exists."""
    place = {"logGroupName": group, "logStreamName": stream}
    if group in cloudwatch_logs._log_groups:
        if stream not in cloudwatch_logs._log_groups[group]["streams"]:
            cloudwatch_logs._create_log_stream(place)
        logged = [{"timestamp": at, "message": message} for at, message in events]
        cloudwatch_logs._put_log_events({**place, "logEvents": logged})


def _run_insights_queries() -> None:
    """Gap: Insights ignores stats, most conditions and all functions without an error."""
    start = cloudwatch_logs._start_query

    @functools.wraps(start)
    def start_query(data: dict[str, Any]) -> Any:
        groups = cloudwatch_logs._resolve_query_log_groups(data)
        found = cloudwatch_logs._collect_query_records(groups, data["startTime"], data["endTime"])
        records = [
            Record(each["@ptr"], each["_timestamp_ms"], each["@message"], each["@log"], each["@logStream"])
            for each in found
        ]
        try:
            rows = run_query(data["queryString"], records, min(data.get("limit", DEFAULT_LIMIT), DEFAULT_LIMIT))
        except MalformedQueryError as error:
            return error_response_json("MalformedQueryException", str(error), 400)
        # The emulator checks the log groups and counts scanned records; only its rows are replaced.
        known = set(cloudwatch_logs._queries)
        answer = start({**data, "queryString": "fields @message"})
        for query_id in set(cloudwatch_logs._queries) - known:
            query = cloudwatch_logs._queries[query_id]
            query["queryString"] = data["queryString"]
            query["results"] = [[{"field": name, "value": value} for name, value in row.items()] for row in rows]
        return answer

    cloudwatch_logs._start_query = start_query


def _match_filter_patterns() -> None:
    """Gap: JSON patterns match every event, matching is case-insensitive, and `?` terms are not alternatives."""
    filter_events = cloudwatch_logs._filter_log_events

    @functools.wraps(filter_events)
    def filter_log_events(data: dict[str, Any]) -> Any:
        try:
            compile_pattern(data.get("filterPattern", ""))
        except InvalidPatternError as error:
            return error_response_json("InvalidParameterException", str(error), 400)
        return filter_events(data)

    cloudwatch_logs._filter_log_events = filter_log_events
    cloudwatch_logs._compile_filter_pattern = compile_pattern


def _count_what_metric_filters_match(record: RecordMetric) -> None:
    """Gap: a metric filter is kept and never applied. Here it is, where its value is a number."""
    put = cloudwatch_logs._put_log_events

    @functools.wraps(put)
    def put_log_events(data: dict[str, Any]) -> Any:
        answer = put(data)
        filters = [
            each for (group, _), each in cloudwatch_logs._metric_filters.items() if group == data["logGroupName"]
        ]
        for each in filters:
            matches = compile_pattern(each["filterPattern"])
            for event in data["logEvents"]:
                if matches(event["message"]):
                    for metric in each["metricTransformations"]:
                        record(
                            metric["metricNamespace"], metric["metricName"], float(metric["metricValue"]), "None", {}
                        )
        return answer

    cloudwatch_logs._put_log_events = put_log_events
