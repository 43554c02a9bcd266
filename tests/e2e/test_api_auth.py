"""Who may call the API: tokens of the stack's own user pool, as API Gateway checks them."""

from __future__ import annotations

import json
import time

import pytest

from testing.callers import OPERATE, READ, WRITE, Callers, encoded, with_claims
from testing.waiting import eventually


def status(callers: Callers, method: str, path: str, token: str | None = None) -> int:
    return callers.call(method, path, token, {} if method == "POST" else None).status


def another_client(callers: Callers, pool_id: str) -> str:
    """A client that the stack did not make."""
    client = callers.stack.cloud.client("cognito-idp").create_user_pool_client(
        UserPoolId=pool_id,
        ClientName="another",
        GenerateSecret=True,
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthScopes=[READ, WRITE],
    )
    return client["UserPoolClient"]["ClientId"]


def another_pool(callers: Callers) -> str:
    """A second user pool with the same scopes."""
    cognito = callers.stack.cloud.client("cognito-idp")
    pool_id = cognito.create_user_pool(PoolName="another")["UserPool"]["Id"]
    scopes = [{"ScopeName": f"files:{name}", "ScopeDescription": name} for name in ("read", "write")]
    cognito.create_resource_server(UserPoolId=pool_id, Identifier="img-pipeline", Name="files", Scopes=scopes)
    return pool_id


def test_a_token_with_the_scope_is_accepted(callers: Callers) -> None:
    assert status(callers, "GET", "/limits", callers.token(READ)) == 200


def test_a_client_that_asks_for_no_scope_in_particular_gets_all_of_its_own(callers: Callers) -> None:
    assert status(callers, "GET", "/limits", callers.token()) == 200


@pytest.mark.parametrize("path", ["/health", "/openapi.json"])
def test_health_and_the_description_need_no_token(callers: Callers, path: str) -> None:
    assert status(callers, "GET", path) == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/limits"),
        ("GET", "/jobs"),
        ("GET", "/assets/uploads/a/b.jpg"),
        ("POST", "/uploads"),
        ("DELETE", "/assets/a"),
    ],
)
def test_without_a_token_nothing_else_is_answered(callers: Callers, method: str, path: str) -> None:
    assert status(callers, method, path) == 401


def test_what_is_no_token_is_refused(callers: Callers) -> None:
    assert status(callers, "GET", "/limits", "not-a-token") == 401


def test_an_expired_token_is_refused(callers: Callers) -> None:
    token = callers.token(READ)
    unchanged = callers.signed_again(token, lambda claims: claims)
    assert status(callers, "GET", "/limits", unchanged) == 200
    expired = callers.signed_again(token, lambda claims: {**claims, "exp": int(time.time()) - 1})
    assert status(callers, "GET", "/limits", expired) == 401


def test_a_forged_token_is_refused(callers: Callers) -> None:
    """Somebody gives themselves a scope and cannot sign it."""
    forged = with_claims(callers.token(READ), lambda claims: {**claims, "scope": f"{READ} {WRITE} {OPERATE}"})
    assert status(callers, "GET", "/limits", forged) == 401


def test_a_token_without_a_signature_is_refused(callers: Callers) -> None:
    _, claims, _ = callers.token(READ).split(".")
    header = encoded(json.dumps({"alg": "none", "typ": "JWT"}).encode())
    assert status(callers, "GET", "/limits", f"{header}.{claims}.") == 401


def test_a_token_of_another_issuer_is_refused(callers: Callers) -> None:
    pool_id = another_pool(callers)
    token = callers.token(READ, pool_id=pool_id, client_id=another_client(callers, pool_id))
    assert status(callers, "GET", "/limits", token) == 401


def test_a_token_of_a_client_that_is_not_the_stacks_is_refused(callers: Callers) -> None:
    token = callers.token(READ, client_id=another_client(callers, callers.pool_id))
    assert status(callers, "GET", "/limits", token) == 401


def test_a_token_without_the_routes_scope_is_refused(callers: Callers) -> None:
    assert status(callers, "POST", "/uploads", callers.token(READ)) == 403
    assert status(callers, "GET", "/jobs", callers.token(WRITE)) == 403


def test_a_client_cannot_ask_for_a_scope_that_it_does_not_have(callers: Callers) -> None:
    with pytest.raises(PermissionError):
        callers.token(OPERATE)


def test_refused_calls_are_counted(callers: Callers) -> None:
    """The alarm's metric, made from the access log."""
    status(callers, "GET", "/limits")
    metrics = callers.stack.cloud.client("cloudwatch")

    def counted() -> bool:
        return bool(metrics.list_metrics(Namespace="img-pipeline/local", MetricName="ApiCallsRefused")["Metrics"])

    eventually(counted, "the metric of refused calls")
