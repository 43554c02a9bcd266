"""The rules for the API, its sign-in and its console."""

from __future__ import annotations

from collections.abc import Iterator

from policies import kinds
from policies.rule import Declared, rule
from policies.values import UNKNOWN, differs, items, within

THROTTLES = ("throttlingRateLimit", "throttlingBurstLimit")
# The flows that give an app client a user's password ("Authentication flows", Amazon Cognito Developer Guide).
PASSWORD_FLOWS = {
    "ADMIN_NO_SRP_AUTH",
    "USER_PASSWORD_AUTH",
    "ALLOW_ADMIN_USER_PASSWORD_AUTH",
    "ALLOW_USER_PASSWORD_AUTH",
}


@rule("api-access-logged", "API stages log every request.", kinds.API_STAGE)
def api_access_logged(stage: Declared) -> Iterator[str]:
    if not within(stage.get("accessLogSettings"), "destinationArn"):
        yield "requests are not logged; set accessLogSettings"


@rule("api-throttled", "API stages limit the rate and the burst of requests.", kinds.API_STAGE)
def api_throttled(stage: Declared) -> Iterator[str]:
    for settings in (stage.get("defaultRouteSettings"), *items(stage.get("routeSettings"))):
        for key in THROTTLES:
            if not within(settings, key):
                yield f"{key} of {within(settings, 'routeKey') or 'defaultRouteSettings'} is not set; set a limit"


@rule("api-cors-origins-named", "An API that other origins may call with credentials names those origins.", kinds.API)
def api_cors_origins_named(api: Declared) -> Iterator[str]:
    cors = api.get("corsConfiguration")
    for origin in items(within(cors, "allowOrigins")) if within(cors, "allowCredentials") else ():
        if origin is not UNKNOWN and "*" in origin:
            yield f"{origin} may call with credentials; name the origins in allowOrigins"


@rule("cognito-no-implicit-flow", "App clients get tokens for a code or a secret only.", kinds.USER_POOL_CLIENT)
def cognito_no_implicit_flow(client: Declared) -> Iterator[str]:
    if "implicit" in items(client.get("allowedOauthFlows")):
        yield "tokens are in the address that a browser is sent to; use code instead of implicit in allowedOauthFlows"
    for flow in sorted(PASSWORD_FLOWS.intersection(items(client.get("explicitAuthFlows")))):
        yield f"{flow} gives the client a user's password; remove it from explicitAuthFlows"


@rule("cognito-machines-have-secrets", "App clients that sign in by themselves have a secret.", kinds.USER_POOL_CLIENT)
def cognito_machines_have_secrets(client: Declared) -> Iterator[str]:
    by_itself = "client_credentials" in items(client.get("allowedOauthFlows"))
    if by_itself and differs(client.get("generateSecret"), True):
        yield "client_credentials needs a secret; set generateSecret"


@rule(
    "cloudfront-origin-access-control",
    "CloudFront signs every request to a bucket, which allows no other.",
    kinds.DISTRIBUTION,
    kinds.ORIGIN_ACCESS_CONTROL,
)
def cloudfront_origin_access_control(declared: Declared) -> Iterator[str]:
    if declared.type == kinds.ORIGIN_ACCESS_CONTROL:
        if differs(declared.get("signingBehavior"), "always"):
            yield "requests are not always signed; set signingBehavior to always"
        return
    for origin in items(declared.get("origins")):
        if not within(origin, "originAccessControlId"):
            yield f"origin {within(origin, 'originId')} is read without a signature; set originAccessControlId"


@rule("cloudfront-https-only", "CloudFront sends content over HTTPS only.", kinds.DISTRIBUTION)
def cloudfront_https_only(distribution: Declared) -> Iterator[str]:
    for behavior in (distribution.get("defaultCacheBehavior"), *items(distribution.get("orderedCacheBehaviors"))):
        if within(behavior, "viewerProtocolPolicy") not in ("redirect-to-https", "https-only", UNKNOWN):
            yield "content is sent without TLS; set viewerProtocolPolicy to redirect-to-https"
