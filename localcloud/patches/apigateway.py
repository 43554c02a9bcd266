"""API Gateway: what an HTTP API passes on, asks and measures."""

from __future__ import annotations

import asyncio
import functools
import json
import os
import re
import threading
import time
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from ministack.core import iam_evaluator, responses
from ministack.services import apigateway, lambda_svc

from localcloud.patches.iam import scope
from localcloud.patches.logs import write_log
from localcloud.patches.observers import RecordMetric

JSON = {"Content-Type": "application/json"}
NOT_ALLOWED = (500, JSON, b'{"message":"Internal Server Error"}')
TOO_MANY = (429, JSON, b'{"message":"Too Many Requests"}')

# Each call that runs needs a process, which takes a second of a processor to start and tens of megabytes.
CONCURRENT_CALLS = min(8, 2 * (os.cpu_count() or 1))

_variables: ContextVar[dict[str, str]] = ContextVar("variables of the request's log entry")


def install(record_metric: RecordMetric) -> None:
    """Apply this service's patches."""
    _say_nothing_of_a_function_that_failed()
    _call_functions_as_aws()
    _limit_concurrent_calls()
    _know_the_caller()
    _measure_requests(record_metric)
    _add_cors_headers_to_every_answer()


def _say_nothing_of_a_function_that_failed() -> None:
    """Gap: the caller is shown the function's exception, with 502, and 429 where it is the function that is throttled.

    An HTTP API answers 500 and 503 ("Troubleshooting issues with HTTP API Lambda integrations").
    """
    answer_of = lambda_svc.lambda_execute_result_to_api_proxy_response

    @functools.wraps(answer_of)
    def answer(result: dict[str, Any]) -> tuple[dict[str, Any] | None, str | None]:
        if result.get("throttle"):
            return {"statusCode": 503, "headers": JSON, "body": '{"message":"Service Unavailable"}'}, None
        if result.get("error"):
            return {"statusCode": 500, "headers": JSON, "body": '{"message":"Internal Server Error"}'}, None
        return answer_of(result)

    lambda_svc.lambda_execute_result_to_api_proxy_response = answer


def _call_functions_as_aws() -> None:
    """Gap: a function is called without being asked whether it lets the API, and its event's paths lack the stage."""
    invoke = apigateway._invoke_lambda_proxy

    @functools.wraps(invoke)
    async def invoke_lambda_proxy(
        integration: dict[str, Any], api_id: str, stage: str, path: str, method: str, *event: Any, **keywords: Any
    ) -> Any:
        variables = _variables.get()
        function_arn = apigateway._extract_lambda_ref_from_integration_uri(integration["integrationUri"])
        route = variables["routeKey"].partition(" ")[2] or "/$default"
        if not _lets_in(function_arn, f"arn:aws:execute-api:{scope()}:{api_id}/{stage}/{method}{route}"):
            variables["integrationErrorMessage"] = "The IAM role configured on the integration or API Gateway doesn't "
            variables["integrationErrorMessage"] += "have permissions to call the integration."
            return NOT_ALLOWED
        started = time.time()
        whole_path = path if stage == "$default" else f"/{stage}{path}"
        answer = await invoke(integration, api_id, stage, whole_path, method, *event, **keywords)
        variables["integrationLatency"] = str(_milliseconds_since(started))
        return answer

    apigateway._invoke_lambda_proxy = invoke_lambda_proxy


def _limit_concurrent_calls() -> None:
    """Gap: each of many requests at a time starts a process. AWS has a machine for each; here they wait for one."""
    invoke, calls = apigateway._invoke_lambda_proxy, asyncio.Semaphore(CONCURRENT_CALLS)

    @functools.wraps(invoke)
    async def invoke_lambda_proxy(*arguments: Any, **keywords: Any) -> Any:
        async with calls:
            return await invoke(*arguments, **keywords)

    apigateway._invoke_lambda_proxy = invoke_lambda_proxy


def _lets_in(function_arn: str, route_arn: str) -> bool:
    """Whether a function's own policy allows a route of an API to call it."""
    found = lambda_svc.function_policy_for_arn(function_arn)
    if found is None:
        return False
    context = iam_evaluator.EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action="lambda:InvokeFunction",
        resource_arn=function_arn,
        region=responses.get_region(),
        service_context={"aws:sourcearn": route_arn, "aws:sourceaccount": responses.get_account_id()},
    )
    verdict = iam_evaluator.evaluate_resource_policy(found[0], context, service="apigateway.amazonaws.com")
    return verdict.decision == "Allow"


def _know_the_caller() -> None:
    """Lets the log entry of a request name its caller, or what its token lacks."""
    validate = apigateway._validate_jwt_authorizer

    @functools.wraps(validate)
    async def validate_jwt_authorizer(*arguments: Any) -> Any:
        claims, scopes, refusal = await validate(*arguments)
        variables = _variables.get()
        if claims:
            variables |= {f"authorizer.claims.{name}": str(value) for name, value in claims.items()}
        if refusal:
            variables["authorizer.error"] = "insufficient scope" if refusal[0] == 403 else "the token is not valid"
        return claims, scopes, refusal

    apigateway._validate_jwt_authorizer = validate_jwt_authorizer


def _measure_requests(record: RecordMetric) -> None:
    """Gap: a stage's throttles and access log are ignored, and there is no metric in AWS/ApiGateway."""
    handle = apigateway._handle_execute_in_scope
    throttles = _Throttles()

    @functools.wraps(handle)
    async def handle_execute(
        api_id: str, stage: str, path: str, method: str, headers: Mapping[str, str], *request: Any
    ) -> Any:
        started = time.time()
        route = apigateway._match_route(api_id, method, "/" + path.lstrip("/")) or {}
        variables = {
            "requestId": responses.new_uuid(),
            "requestTimeEpoch": str(int(started * 1000)),
            "httpMethod": method,
            "path": f"/{stage}{path}",
            "routeKey": route.get("routeKey", "-"),
            "identity.sourceIp": "127.0.0.1",
            "identity.userAgent": headers.get("user-agent", "-"),
        }
        _variables.set(variables)
        settings = apigateway._stages.get(api_id, {}).get(stage, {})
        if throttles.allow(api_id, variables["routeKey"], settings):
            status, answer_headers, body = await handle(api_id, stage, path, method, headers, *request)
        else:
            status, answer_headers, body = TOO_MANY
        latency = _milliseconds_since(started)
        variables |= {"status": str(status), "responseLatency": str(latency), "responseLength": str(len(body))}
        _measure(record, api_id, status, latency, variables.get("integrationLatency"))
        _write_access_log(settings, variables)
        return status, {**answer_headers, "apigw-requestid": variables["requestId"]}, body

    apigateway._handle_execute_in_scope = handle_execute


def _add_cors_headers_to_every_answer() -> None:
    """Gap: only the responses of integrations have the API's CORS headers, so that a page cannot see a 401, 404 or 429.

    "Configure CORS for HTTP APIs in API Gateway" names only preflights and the responses of integrations. A live API is
    reported to add the headers when an authorizer refuses a request too (aws/aws-sam-cli, issue 9087); 404 and 429 are
    assumed to be alike.
    """
    handle = apigateway._handle_execute_in_scope

    @functools.wraps(handle)
    async def handle_execute(
        api_id: str, stage: str, path: str, method: str, headers: Mapping[str, str], *request: Any
    ) -> Any:
        status, answer_headers, body = await handle(api_id, stage, path, method, headers, *request)
        if origin := headers.get("origin"):
            settings = apigateway._apis.get(api_id, {}).get("corsConfiguration", {})
            answer_headers = answer_headers | apigateway._cors_response_headers(settings, origin)
        return status, answer_headers, body

    apigateway._handle_execute_in_scope = handle_execute


class _Throttles:
    """Token buckets, one for each route of a stage ("Throttle requests to your HTTP APIs")."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}
        self._lock = threading.Lock()

    def allow(self, api_id: str, route_key: str, stage: Mapping[str, Any]) -> bool:
        """Take a token for one request, if there is one."""
        limits = stage.get("routeSettings", {}).get(route_key) or stage.get("defaultRouteSettings") or {}
        rate, burst = limits.get("throttlingRateLimit"), limits.get("throttlingBurstLimit")
        if not rate or not burst:
            return True
        now = time.monotonic()
        with self._lock:
            tokens, filled_at = self._buckets.get((api_id, route_key), (burst, now))
            tokens = min(burst, tokens + (now - filled_at) * rate)
            self._buckets[api_id, route_key] = (tokens - 1 if tokens >= 1 else tokens, now)
        return tokens >= 1


def _measure(record: RecordMetric, api_id: str, status: int, latency: int, integration_latency: str | None) -> None:
    api = {"ApiId": api_id}
    record("AWS/ApiGateway", "Count", 1, "Count", api)
    record("AWS/ApiGateway", "4xx", int(400 <= status < 500), "Count", api)
    record("AWS/ApiGateway", "5xx", int(status >= 500), "Count", api)
    record("AWS/ApiGateway", "Latency", latency, "Milliseconds", api)
    if integration_latency is not None:
        record("AWS/ApiGateway", "IntegrationLatency", int(integration_latency), "Milliseconds", api)


def _write_access_log(stage: Mapping[str, Any], variables: Mapping[str, str]) -> None:
    settings = stage.get("accessLogSettings")
    if not settings:
        return

    def value(match: re.Match[str]) -> str:
        return json.dumps(variables.get(match[1], "-"))[1:-1]

    entry = re.sub(r"\$context\.([A-Za-z0-9_.]*[A-Za-z0-9_])", value, settings["format"])
    group = settings["destinationArn"].partition(":log-group:")[2].removesuffix(":*")
    write_log(group, "localcloud", [(int(variables["requestTimeEpoch"]), entry)])


def _milliseconds_since(started: float) -> int:
    return round((time.time() - started) * 1000)
