"""API Gateway: HTTP APIs with their routes, integrations, authorizers and stages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Self

from localcloud.resources import tags as tag_apis
from localcloud.resources.base import (
    Cloud,
    Created,
    Properties,
    Resource,
    ResourceError,
    TaggedResource,
    camel_case,
    given,
    handles,
    pascal_case,
)


class CorsConfiguration(Properties):
    allow_credentials: bool | None = None
    allow_headers: Sequence[str] | None = None
    allow_methods: Sequence[str] | None = None
    allow_origins: Sequence[str] | None = None
    expose_headers: Sequence[str] | None = None
    max_age: int | None = None


@handles("aws:apigatewayv2/api:Api")
class Api(TaggedResource):
    generated_name: ClassVar = "name"
    # The API does not ask that names be unique; here one name is one API, so that a second deployment finds it.
    identity: ClassVar = ("name", "protocol_type")
    tag_api: ClassVar = tag_apis.API_GATEWAY

    name: str
    protocol_type: str
    cors_configuration: CorsConfiguration | None = None
    description: str | None = None

    def create(self, cloud: Cloud) -> Created:
        if self.protocol_type != "HTTP":
            raise ResourceError("only HTTP APIs are supported here")
        apis = cloud.client("apigatewayv2")
        present = _found(apis.get_apis()["Items"], Name=self.name)
        if present:
            return self.update(cloud, present["ApiId"])
        api = apis.create_api(Name=self.name, ProtocolType=self.protocol_type, Tags=self.tags, **self._changeable())
        return self._created(cloud, api["ApiId"])

    def update(self, cloud: Cloud, resource_id: str) -> Created:
        apis = cloud.client("apigatewayv2")
        if self.cors_configuration is None:
            apis.delete_cors_configuration(ApiId=resource_id)
        apis.update_api(ApiId=resource_id, **self._changeable())
        return self._created(cloud, resource_id)

    def _changeable(self) -> dict[str, Any]:
        cors = self.cors_configuration and self.cors_configuration.model_dump(by_alias=True, exclude_none=True)
        return given(CorsConfiguration=cors and pascal_case(cors), Description=self.description)

    def _created(self, cloud: Cloud, api_id: str) -> Created:
        # Names under localhost are not resolved everywhere, and the emulator also serves its APIs by path.
        endpoint = cloud.client("apigatewayv2").meta.endpoint_url
        outputs = {
            "apiEndpoint": f"{endpoint}/_aws/execute-api/{api_id}",
            "arn": f"arn:aws:apigateway:{cloud.region}::/apis/{api_id}",
            "executionArn": f"arn:aws:execute-api:{cloud.region}:{cloud.account_id}:{api_id}",
        }
        return Created(api_id, outputs)

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        found = cloud.client("apigatewayv2").get_api(ApiId=resource_id)
        return self.with_actual_values(
            cors_configuration=camel_case(found.get("CorsConfiguration")), description=found.get("Description")
        )

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        cloud.client("apigatewayv2").delete_api(ApiId=resource_id)


class JwtConfiguration(Properties):
    issuer: str
    audiences: Sequence[str]


@handles("aws:apigatewayv2/authorizer:Authorizer")
class Authorizer(Resource):
    identity: ClassVar = ("api_id", "name", "authorizer_type")

    api_id: str
    name: str
    authorizer_type: str
    identity_sources: Sequence[str]
    jwt_configuration: JwtConfiguration

    def create(self, cloud: Cloud) -> Created:
        apis = cloud.client("apigatewayv2")
        present = _found(apis.get_authorizers(ApiId=self.api_id)["Items"], Name=self.name)
        if present:
            return self.update(cloud, present["AuthorizerId"])
        authorizer = apis.create_authorizer(
            ApiId=self.api_id, Name=self.name, AuthorizerType=self.authorizer_type, **self._changeable()
        )
        return Created(authorizer["AuthorizerId"], {})

    def update(self, cloud: Cloud, resource_id: str) -> Created:
        cloud.client("apigatewayv2").update_authorizer(
            ApiId=self.api_id, AuthorizerId=resource_id, **self._changeable()
        )
        return Created(resource_id, {})

    def _changeable(self) -> dict[str, Any]:
        jwt = self.jwt_configuration
        return {
            "IdentitySource": list(self.identity_sources),
            "JwtConfiguration": {"Issuer": jwt.issuer, "Audience": list(jwt.audiences)},
        }

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        found = cloud.client("apigatewayv2").get_authorizer(ApiId=self.api_id, AuthorizerId=resource_id)
        jwt = found["JwtConfiguration"]
        return self.with_actual_values(
            identity_sources=found["IdentitySource"],
            jwt_configuration={"issuer": jwt["Issuer"], "audiences": jwt["Audience"]},
        )

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        cloud.client("apigatewayv2").delete_authorizer(ApiId=self.api_id, AuthorizerId=resource_id)


@handles("aws:apigatewayv2/integration:Integration")
class Integration(Resource):
    identity: ClassVar = ("api_id", "integration_uri")

    api_id: str
    integration_type: str
    integration_uri: str
    payload_format_version: str = "1.0"
    timeout_milliseconds: int = 30_000

    def create(self, cloud: Cloud) -> Created:
        apis = cloud.client("apigatewayv2")
        present = _found(apis.get_integrations(ApiId=self.api_id)["Items"], IntegrationUri=self.integration_uri)
        if present:
            return self.update(cloud, present["IntegrationId"])
        integration = apis.create_integration(
            ApiId=self.api_id, IntegrationUri=self.integration_uri, **self._changeable()
        )
        return Created(integration["IntegrationId"], {})

    def update(self, cloud: Cloud, resource_id: str) -> Created:
        cloud.client("apigatewayv2").update_integration(
            ApiId=self.api_id, IntegrationId=resource_id, **self._changeable()
        )
        return Created(resource_id, {})

    def _changeable(self) -> dict[str, Any]:
        return {
            "IntegrationType": self.integration_type,
            "PayloadFormatVersion": self.payload_format_version,
            "TimeoutInMillis": self.timeout_milliseconds,
        }

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        found = cloud.client("apigatewayv2").get_integration(ApiId=self.api_id, IntegrationId=resource_id)
        return self.with_actual_values(
            integration_type=found["IntegrationType"],
            payload_format_version=found["PayloadFormatVersion"],
            timeout_milliseconds=found["TimeoutInMillis"],
        )

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        cloud.client("apigatewayv2").delete_integration(ApiId=self.api_id, IntegrationId=resource_id)


@handles("aws:apigatewayv2/route:Route")
class Route(Resource):
    identity: ClassVar = ("api_id", "route_key")

    api_id: str
    route_key: str
    target: str
    authorization_type: str = "NONE"
    authorizer_id: str | None = None
    authorization_scopes: Sequence[str] | None = None

    def create(self, cloud: Cloud) -> Created:
        apis = cloud.client("apigatewayv2")
        present = _found(apis.get_routes(ApiId=self.api_id)["Items"], RouteKey=self.route_key)
        if present:
            return self.update(cloud, present["RouteId"])
        route = apis.create_route(ApiId=self.api_id, RouteKey=self.route_key, **self._changeable())
        return Created(route["RouteId"], {})

    def update(self, cloud: Cloud, resource_id: str) -> Created:
        cloud.client("apigatewayv2").update_route(ApiId=self.api_id, RouteId=resource_id, **self._changeable())
        return Created(resource_id, {})

    def _changeable(self) -> dict[str, Any]:
        return {
            "Target": self.target,
            "AuthorizationType": self.authorization_type,
            "AuthorizerId": self.authorizer_id or "",
            "AuthorizationScopes": list(self.authorization_scopes or ()),
        }

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        found = cloud.client("apigatewayv2").get_route(ApiId=self.api_id, RouteId=resource_id)
        return self.with_actual_values(
            target=found["Target"],
            authorization_type=found["AuthorizationType"],
            authorizer_id=found.get("AuthorizerId"),
            authorization_scopes=found.get("AuthorizationScopes"),
        )

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        cloud.client("apigatewayv2").delete_route(ApiId=self.api_id, RouteId=resource_id)


class AccessLogSettings(Properties):
    destination_arn: str
    format: str


class Throttle(Properties):
    throttling_rate_limit: float
    throttling_burst_limit: int


class RouteThrottle(Throttle):
    route_key: str


@handles("aws:apigatewayv2/stage:Stage")
class Stage(TaggedResource):
    identity: ClassVar = ("api_id", "name")
    tag_api: ClassVar = tag_apis.API_GATEWAY

    api_id: str
    name: str
    auto_deploy: bool = False
    access_log_settings: AccessLogSettings | None = None
    default_route_settings: Throttle | None = None
    route_settings: Sequence[RouteThrottle] = ()

    def create(self, cloud: Cloud) -> Created:
        apis = cloud.client("apigatewayv2")
        if _found(apis.get_stages(ApiId=self.api_id)["Items"], StageName=self.name):
            return self.update(cloud, self.name)
        apis.create_stage(ApiId=self.api_id, StageName=self.name, Tags=self.tags, **self._changeable())
        return self._created(cloud)

    def update(self, cloud: Cloud, resource_id: str) -> Created:
        cloud.client("apigatewayv2").update_stage(ApiId=self.api_id, StageName=resource_id, **self._changeable())
        return self._created(cloud)

    def _created(self, cloud: Cloud) -> Created:
        return Created(self.name, {"arn": f"arn:aws:apigateway:{cloud.region}::/apis/{self.api_id}/stages/{self.name}"})

    def _changeable(self) -> dict[str, Any]:
        log, throttle = self.access_log_settings, self.default_route_settings
        return given(
            AutoDeploy=self.auto_deploy,
            AccessLogSettings=log and {"DestinationArn": log.destination_arn, "Format": log.format},
            DefaultRouteSettings=throttle and _throttling(throttle),
            RouteSettings={each.route_key: _throttling(each) for each in self.route_settings},
        )

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        found = cloud.client("apigatewayv2").get_stage(ApiId=self.api_id, StageName=resource_id)
        routes = found.get("RouteSettings", {}).items()
        return self.with_actual_values(
            auto_deploy=found.get("AutoDeploy"),
            access_log_settings=camel_case(found.get("AccessLogSettings")),
            default_route_settings=camel_case(found.get("DefaultRouteSettings")),
            route_settings=[{"routeKey": route_key, **camel_case(settings)} for route_key, settings in routes],
        )

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        cloud.client("apigatewayv2").delete_stage(ApiId=self.api_id, StageName=resource_id)


def _throttling(throttle: Throttle) -> dict[str, Any]:
    return {
        "ThrottlingRateLimit": throttle.throttling_rate_limit,
        "ThrottlingBurstLimit": throttle.throttling_burst_limit,
    }


def _found(items: Iterable[Mapping[str, Any]], **wanted: str) -> Mapping[str, Any] | None:
    """The first of the items that has these values."""
    return next((item for item in items if all(item.get(key) == value for key, value in wanted.items())), None)
