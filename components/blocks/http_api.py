"""An HTTP API before functions: routes, who may call them and how often, and a log of every request."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.blocks.function import Function
from components.blocks.log_groups import api_log_group
from components.blocks.monitoring import FIVE_MINUTES, Alarm, Metric, percentage
from components.settings import Alarms
from components.stack_context import StackContext
from contract.api import STAGE
from contract.metrics import metrics_namespace
from contract.names import LIVE

# The longest that an HTTP API waits for an answer ("Quotas for configuring and running an HTTP API").
TIMEOUT_MILLISECONDS = 30_000
PREFLIGHT_SECONDS = 3600
# What a request's log entry holds: {field: variable}, "Customize HTTP API access logs". No header and no query, which
# may carry what is secret.
LOGGED = {
    "requestId": "requestId",
    "time": "requestTimeEpoch",
    "routeKey": "routeKey",
    "status": "status",
    "caller": "authorizer.claims.sub",
    "sourceIp": "identity.sourceIp",
    "userAgent": "identity.userAgent",
    "latencyMs": "responseLatency",
    "functionMs": "integrationLatency",
    "responseBytes": "responseLength",
    "error": "error.message",
    "authorizerError": "authorizer.error",
    "functionError": "integrationErrorMessage",
}
REFUSED_METRIC = "ApiCallsRefused"
# Clients with a stale link or a typing error are usual; most calls failing, or so many without a valid token, is not.
CLIENT_ERROR_PERCENT = 50
CLIENT_ERROR_CALLS = 100
REFUSED_CALLS = 100


@dataclass(frozen=True, kw_only=True)
class Jwt:
    """Whose tokens are accepted, and what they have to be for."""

    issuer: pulumi.Input[str]
    audience: Sequence[pulumi.Input[str]]


@dataclass(frozen=True, kw_only=True)
class HttpApiArgs:
    """What is called, by whom and how often.

    Attributes:
        function: answers every route that `route_functions` does not have.
        route_functions: the functions that answer other routes.
        routes: the scopes of which a token needs one, by route (`GET /jobs/{jobId}`); an open route has none.
        jwt: None allows every call without a token.
        cors_origins: origins of web pages that may call.
        burst: requests that may come at once.
        route_requests_per_second: routes that may be called less often than `requests_per_second`.
        counts_refused: whether refused calls are a metric of its own, which is paid for.
    """

    context: StackContext
    api_name: str
    description: str
    function: Function
    route_functions: Mapping[str, Function]
    routes: Mapping[str, Sequence[str]]
    jwt: Jwt | None
    cors_origins: Sequence[pulumi.Input[str]]
    requests_per_second: int
    burst: int
    route_requests_per_second: Mapping[str, int]
    log_retention_days: int
    counts_refused: bool


class HttpApi(pulumi.ComponentResource):
    """The API with its one stage."""

    url: pulumi.Output[str]
    log_group_name: str

    def __init__(self, name: str, args: HttpApiArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("img-pipeline:index:HttpApi", name, None, opts)
        self._prefix, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        self.log_group_name = api_log_group(args.context)
        api = self._api()
        self._id = api.id
        routes = self._routes(api)
        permissions = [self._let_it_call(function, api) for function in self._functions]
        self._stage(api, [*routes, *permissions])
        self.url = pulumi.Output.concat(api.api_endpoint, f"/{STAGE}")
        self.register_outputs({"url": self.url})

    def _api(self) -> aws.apigatewayv2.Api:
        args = self._args
        return aws.apigatewayv2.Api(
            self._prefix,
            name=args.api_name,
            description=args.description,
            protocol_type="HTTP",
            cors_configuration=_cors(args.cors_origins) if args.cors_origins else None,
            tags=args.context.tags,
            opts=self._child,
        )

    def _routes(self, api: aws.apigatewayv2.Api) -> list[aws.apigatewayv2.Route]:
        integrations = {function: self._integration(function, api) for function in self._functions}
        authorizer = self._authorizer(api)
        return [
            self._route(api, integrations[self._function_of(route_key)], authorizer, route_key, scopes)
            for route_key, scopes in self._args.routes.items()
        ]

    @property
    def _functions(self) -> list[Function]:
        """Every function, once."""
        return list(dict.fromkeys([self._args.function, *self._args.route_functions.values()]))

    def _function_of(self, route_key: str) -> Function:
        return self._args.route_functions.get(route_key, self._args.function)

    def _integration(self, function: Function, api: aws.apigatewayv2.Api) -> aws.apigatewayv2.Integration:
        return aws.apigatewayv2.Integration(
            f"{self._prefix}-{function.short_name}",
            api_id=api.id,
            integration_type="AWS_PROXY",
            integration_uri=function.alias_arn,
            payload_format_version="2.0",
            timeout_milliseconds=TIMEOUT_MILLISECONDS,
            opts=self._child,
        )

    def _route(
        self,
        api: aws.apigatewayv2.Api,
        integration: aws.apigatewayv2.Integration,
        authorizer: aws.apigatewayv2.Authorizer | None,
        route_key: str,
        scopes: Sequence[str],
    ) -> aws.apigatewayv2.Route:
        guard = authorizer if scopes else None
        return aws.apigatewayv2.Route(
            f"{self._prefix}-{route_key}",
            api_id=api.id,
            route_key=route_key,
            target=pulumi.Output.concat("integrations/", integration.id),
            authorization_type="JWT" if guard else "NONE",
            authorizer_id=guard.id if guard else None,
            authorization_scopes=list(scopes) if guard else None,
            opts=self._child,
        )

    def _authorizer(self, api: aws.apigatewayv2.Api) -> aws.apigatewayv2.Authorizer | None:
        jwt = self._args.jwt
        if jwt is None:
            return None
        return aws.apigatewayv2.Authorizer(
            self._prefix,
            api_id=api.id,
            name="jwt",
            authorizer_type="JWT",
            identity_sources=["$request.header.Authorization"],
            jwt_configuration={"issuer": jwt.issuer, "audiences": list(jwt.audience)},
            opts=self._child,
        )

    def _let_it_call(self, function: Function, api: aws.apigatewayv2.Api) -> aws.lambda_.Permission:
        return aws.lambda_.Permission(
            f"{self._prefix}-{function.short_name}",
            action="lambda:InvokeFunction",
            function=function.function_name,
            qualifier=LIVE,
            principal="apigateway.amazonaws.com",
            source_arn=pulumi.Output.concat(api.execution_arn, f"/{STAGE}/*"),
            statement_id=f"api-{function.short_name}",
            # The alias has to be there.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[function]),
        )

    def _stage(self, api: aws.apigatewayv2.Api, after: Sequence[pulumi.Resource]) -> aws.apigatewayv2.Stage:
        args = self._args
        log_group = aws.cloudwatch.LogGroup(
            self._prefix,
            name=self.log_group_name,
            retention_in_days=args.log_retention_days,
            kms_key_id=args.context.key_arn,
            tags=args.context.tags,
            opts=self._child,
        )
        if args.jwt and args.counts_refused:
            self._count_refused(log_group)
        return aws.apigatewayv2.Stage(
            self._prefix,
            api_id=api.id,
            name=STAGE,
            auto_deploy=True,
            access_log_settings={
                "destination_arn": log_group.arn,
                "format": json.dumps({field: f"$context.{variable}" for field, variable in LOGGED.items()}),
            },
            default_route_settings={
                "throttling_rate_limit": args.requests_per_second,
                "throttling_burst_limit": args.burst,
            },
            route_settings=[
                {"route_key": route_key, "throttling_rate_limit": rate, "throttling_burst_limit": rate}
                for route_key, rate in args.route_requests_per_second.items()
            ],
            tags=args.context.tags,
            # The settings of a route need the route, and what is deployed should be able to answer.
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )

    def _count_refused(self, log_group: aws.cloudwatch.LogGroup) -> None:
        """HTTP APIs publish no metric about their authorizers, so the log's entries are counted."""
        metric = self._refused
        aws.cloudwatch.LogMetricFilter(
            f"{self._prefix}-refused",
            name="refused",
            log_group_name=log_group.name,
            pattern='{ ($.status = "401") || ($.status = "403") }',
            metric_transformation={"namespace": metric.namespace, "name": metric.name, "value": "1"},
            opts=self._child,
        )

    @property
    def _refused(self) -> Metric:
        return Metric(namespace=metrics_namespace(self._args.context.stack), name=REFUSED_METRIC, statistic="Sum")

    def metric(self, name: str, statistic: str = "Sum") -> Metric:
        """A metric that API Gateway publishes about this API."""
        return Metric(namespace="AWS/ApiGateway", name=name, statistic=statistic, dimensions={"ApiId": self._id})

    def alarms(self, thresholds: Alarms, *, p99_milliseconds: int) -> list[Alarm]:
        """The alarms on how calls end."""
        refused = [self._calls_refused()] if self._args.jwt and self._args.counts_refused else []
        return [
            self._server_errors(thresholds),
            self._slow(thresholds, p99_milliseconds),
            self._client_errors(),
            *refused,
        ]

    def _server_errors(self, thresholds: Alarms) -> Alarm:
        limit = thresholds.function_error_percent
        return Alarm(
            name="api-server-errors",
            meaning=f"More than {limit:g} % of the calls to {self._args.api_name} end in an error of ours (5xx).",
            command=f"aws logs tail {self.log_group_name} --since 30m --filter-pattern '{{ $.status = \"5*\" }}'",
            metrics={"errors": self.metric("5xx"), "calls": self.metric("Count")},
            expression=percentage("errors", "calls", thresholds.minimum_invocations),
            threshold=limit,
            period_seconds=FIVE_MINUTES,
            # Clients cannot upload.
            pages=True,
        )

    def _slow(self, thresholds: Alarms, p99_milliseconds: int) -> Alarm:
        return Alarm(
            name="api-p99-latency",
            meaning=f"One in a hundred calls to {self._args.api_name} takes more than {p99_milliseconds} ms.",
            command=f"aws logs tail {self.log_group_name} --since 30m",
            metrics={"latency": self.metric("Latency", "p99"), "calls": self.metric("Count")},
            expression=f"IF(calls>={thresholds.minimum_invocations},latency,0)",
            threshold=p99_milliseconds,
            period_seconds=FIVE_MINUTES,
            periods=3,
        )

    def _client_errors(self) -> Alarm:
        return Alarm(
            name="api-client-errors",
            meaning=f"More than {CLIENT_ERROR_PERCENT} % of the calls to {self._args.api_name} are wrong (4xx); a "
            "client is broken, or someone probes the API.",
            command=f"aws logs tail {self.log_group_name} --since 30m --filter-pattern '{{ $.status = \"4*\" }}'",
            metrics={"errors": self.metric("4xx"), "calls": self.metric("Count")},
            expression=percentage("errors", "calls", CLIENT_ERROR_CALLS),
            threshold=CLIENT_ERROR_PERCENT,
            period_seconds=FIVE_MINUTES,
        )

    def _calls_refused(self) -> Alarm:
        return Alarm(
            name="api-calls-refused",
            meaning=f"More than {REFUSED_CALLS} calls to {self._args.api_name} in five minutes had no valid token or "
            "lacked its scope (401, 403).",
            command=f"aws logs tail {self.log_group_name} --since 30m --filter-pattern '{{ $.status = \"40*\" }}'",
            metrics={"refused": self._refused},
            threshold=REFUSED_CALLS,
            period_seconds=FIVE_MINUTES,
        )

    def graphs(self) -> dict[str, dict[str, Metric]]:
        """The dashboard's row."""
        ends = {"calls": self.metric("Count"), "4xx": self.metric("4xx"), "5xx": self.metric("5xx")}
        refused = {"refused": self._refused} if self._args.jwt and self._args.counts_refused else {}
        return {
            "API calls": ends | refused,
            "API latency, milliseconds": {each: self.metric("Latency", each) for each in ("p50", "p90", "p99")},
        }


def _cors(origins: Sequence[pulumi.Input[str]]) -> aws.apigatewayv2.ApiCorsConfigurationArgsDict:
    return {
        "allow_origins": list(origins),
        "allow_methods": ["GET", "POST", "DELETE"],
        "allow_headers": ["authorization", "content-type", "idempotency-key", "if-none-match"],
        "expose_headers": ["etag", "location", "retry-after"],
        "max_age": PREFLIGHT_SECONDS,
    }
