"""HTTP APIs call functions, limit calls, log and measure them as API Gateway does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from localcloud.emulator import Emulator
from localcloud.patches.apigateway import CONCURRENT_CALLS
from testing.waiting import eventually
from tests.localcloud.concurrent_calls import processes_of, waits_for_others
from tests.localcloud.workbench import Workbench

ECHO = """
    import json
    def handler(event, context):
        if event["pathParameters"]["id"] == "broken":
            raise RuntimeError("a secret")
        return {"statusCode": 200, "body": json.dumps([event["rawPath"], event["requestContext"]["http"]["path"]])}
"""

PAGE, ELSEWHERE = "https://pages.example", "https://elsewhere.example"


@pytest.fixture(scope="module")
def bench() -> Iterator[Workbench]:
    with Emulator.start() as cloud:
        yield Workbench(cloud)


@pytest.fixture(scope="module")
def echo(bench: Workbench) -> str:
    return bench.function(ECHO)


def test_a_path_begins_with_the_stage(bench: Workbench, echo: str) -> None:
    status, body = bench.http_api(echo).get()
    assert (status, json.loads(body)) == (200, ["/live/things/7"] * 2)


def test_a_function_that_does_not_let_the_api_in_is_not_called(bench: Workbench, echo: str) -> None:
    api = bench.http_api(echo)
    assert api.get()[0] == 200
    api.shut_out()
    assert api.get() == (500, '{"message":"Internal Server Error"}')


def test_what_a_function_raised_is_not_shown(bench: Workbench, echo: str) -> None:
    assert bench.http_api(echo).get("/things/broken") == (500, '{"message":"Internal Server Error"}')


def test_calls_beyond_the_burst_are_refused_until_the_rate_allows_another(bench: Workbench, echo: str) -> None:
    slow = {"ThrottlingRateLimit": 0.001, "ThrottlingBurstLimit": 2}
    api = bench.http_api(echo, DefaultRouteSettings=slow)
    assert [api.get()[0] for _ in range(3)] == [200, 200, 429]


def test_a_routes_own_limit_stands_in_place_of_the_stages(bench: Workbench, echo: str) -> None:
    one, two = ({"ThrottlingRateLimit": 0.001, "ThrottlingBurstLimit": burst} for burst in (1, 2))
    api = bench.http_api(echo, DefaultRouteSettings=two, RouteSettings={"GET /things/{id}": one})
    assert [api.get()[0] for _ in range(2)] == [200, 429]


def test_a_page_can_read_what_the_api_answers_itself(bench: Workbench, echo: str) -> None:
    slow = {"ThrottlingRateLimit": 0.001, "ThrottlingBurstLimit": 1}
    private, limited = bench.http_api(echo), bench.http_api(echo, DefaultRouteSettings=slow)
    private.require_tokens()
    for api in (private, limited):
        api.answer_pages_of(PAGE)
    answers = [
        limited.call("/things/7", Origin=PAGE),
        limited.call("/things/7", Origin=PAGE),
        limited.call("/nothing", Origin=PAGE),
        private.call("/things/7", Origin=PAGE),
        private.call("/things/7", Origin=PAGE, Authorization="Bearer invalid"),
    ]
    assert [status for status, _, _ in answers] == [200, 429, 404, 401, 401]
    for _, headers, _ in answers:
        assert headers.get_all("access-control-allow-origin") == [PAGE]
        assert headers.get_all("access-control-expose-headers") == ["apigw-requestid"]
        assert headers["vary"] == "Origin"


@pytest.mark.parametrize("request_headers", [{}, {"Origin": ELSEWHERE}])
def test_pages_of_other_origins_cannot_read_a_refusal(
    bench: Workbench, echo: str, request_headers: dict[str, str]
) -> None:
    api = bench.http_api(echo)
    api.require_tokens()
    api.answer_pages_of(PAGE)
    status, headers, _ = api.call("/things/7", **request_headers)
    assert (status, headers["access-control-allow-origin"]) == (401, None)


def test_a_refusal_of_an_api_without_a_cors_configuration_has_no_cors_headers(bench: Workbench, echo: str) -> None:
    api = bench.http_api(echo)
    api.require_tokens()
    status, headers, _ = api.call("/things/7", Origin=PAGE)
    assert (status, headers["access-control-allow-origin"]) == (401, None)


def test_every_call_is_logged_as_the_stage_says_and_metric_filters_count_it(bench: Workbench, echo: str) -> None:
    logs, group = bench.cloud.client("logs"), bench.name("/access")
    logs.create_log_group(logGroupName=group)
    logs.put_metric_filter(
        logGroupName=group,
        filterName="failed",
        filterPattern='{ $.status = "500" }',
        metricTransformations=[{"metricName": "Failed", "metricNamespace": group, "metricValue": "1"}],
    )
    arn = f"arn:aws:logs:{bench.cloud.region}:{bench.cloud.account_id}:log-group:{group}"
    entry = '{"route": "$context.routeKey", "status": "$context.status", "caller": "$context.authorizer.claims.sub"}'
    api = bench.http_api(echo, AccessLogSettings={"DestinationArn": arn, "Format": entry})
    for path in ("/things/7", "/things/broken", "/nothing"):
        api.get(path)
    logged = [json.loads(event["message"]) for event in logs.filter_log_events(logGroupName=group)["events"]]
    assert logged == [
        {"route": "GET /things/{id}", "status": "200", "caller": "-"},
        {"route": "GET /things/{id}", "status": "500", "caller": "-"},
        {"route": "-", "status": "404", "caller": "-"},
    ]
    eventually(lambda: measured(bench, group, "Failed", {}) == 1, "the metric of the filter")


def test_calls_are_measured(bench: Workbench, echo: str) -> None:
    api = bench.http_api(echo)
    for path in ("/things/7", "/things/broken", "/nothing"):
        api.get(path)

    def counts() -> list[float]:
        return [measured(bench, "AWS/ApiGateway", name, {"ApiId": api.id}) for name in ("Count", "4xx", "5xx")]

    eventually(lambda: counts() == [3, 1, 1], "the API's metrics")
    assert measured(bench, "AWS/ApiGateway", "Latency", {"ApiId": api.id}) > 0


def measured(bench: Workbench, namespace: str, name: str, dimensions: dict[str, str]) -> float:
    """The sum of a metric within the last hour."""
    now = datetime.now(UTC)
    points = bench.cloud.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
        Period=3600,
        Statistics=["Sum"],
    )["Datapoints"]
    return sum(point["Sum"] for point in points)


def test_of_many_calls_some_wait_for_the_process_of_another(bench: Workbench, tmp_path: Path) -> None:
    """Every process that is started waits until as many run as may; so no call ends before."""
    api = bench.http_api(bench.function(waits_for_others(tmp_path, CONCURRENT_CALLS)))
    assert processes_of(api, CONCURRENT_CALLS + 1) == CONCURRENT_CALLS
