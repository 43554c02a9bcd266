"""Checks of the HTTP API, from outside as its callers reach it."""

from __future__ import annotations

from collections.abc import Iterator

import urllib3

from client.api_access import NO_TOKEN, api_access
from client.pipeline import Pipeline
from operations.doctor.findings import Finding, fail, ok, redeploy, warn

_TIMEOUT_SECONDS = 20
_OK, _UNAUTHORIZED = 200, 401


def api_answers(pipeline: Pipeline) -> Iterator[Finding]:
    """GET /health and the API's description answer; where callers need a token, none is refused and keys are there."""
    if not pipeline.outputs.api_url:
        yield ok("the stack has no API")
        return
    access = api_access(pipeline)
    logs = f"look for the cause in the API's log group: img-pipeline outputs logGroups --stack {pipeline.stack}"
    for path in ("/health", "/openapi.json"):
        status = _status(_get(access.url + path))
        yield ok(f"GET {path} answers") if status == str(_OK) else fail(f"GET {access.url}{path}: {status}", logs)
    if access.auth == NO_TOKEN:
        if not pipeline.local:
            yield warn(
                "the API needs no token: everyone who knows its address can use it",
                "set api.auth to jwt in the stack's file",
            )
        return
    status = _status(_get(f"{access.url}/limits"))
    if status == str(_UNAUTHORIZED):
        yield ok("a request without a token is refused")
    else:
        yield fail(f"GET {access.url}/limits without a token: {status}, not {_UNAUTHORIZED}", redeploy(pipeline))
    yield _keys(access.issuer)


def _keys(issuer: str) -> Finding:
    """Whether an issuer publishes the keys that tokens are verified with (OpenID Connect Discovery 1.0, section 4)."""
    url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    found = _get(url)
    if isinstance(found, urllib3.BaseHTTPResponse) and found.status == _OK:
        url = found.json()["jwks_uri"]
        found = _get(url)
    if (status := _status(found)) == str(_OK):
        return ok(f"the keys of {issuer} can be read")
    return warn(f"GET {url}: {status}", "check the setting api.issuer, and whether this machine reaches it")


def _status(answer: urllib3.BaseHTTPResponse | str) -> str:
    return answer if isinstance(answer, str) else str(answer.status)


def _get(url: str) -> urllib3.BaseHTTPResponse | str:
    """The answer to a GET, or why there is none."""
    try:
        with urllib3.PoolManager(timeout=_TIMEOUT_SECONDS, retries=False) as http:
            return http.request("GET", url, headers={"Accept": "application/json"})
    except urllib3.exceptions.HTTPError as error:
        return f"no answer ({error})"
