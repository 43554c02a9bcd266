"""The API's description: generated from the code, committed, and the same everywhere."""

from __future__ import annotations

import json
import re

from contract.api import ORDER_ROUTES, ROUTES
from docs import openapi
from tests.unit.api.conftest import Api


def test_the_committed_description_is_what_the_api_returns(api: Api) -> None:
    api.monkeypatch.setenv("ORDERS_TABLE", "orders")
    answer = api.call("GET", "/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert openapi.PATH.read_text(encoding="utf-8") == answer.text, "run `make docs`"


def test_a_stack_without_orders_does_not_describe_their_routes(api: Api) -> None:
    paths = api.call("GET", "/openapi.json").json["paths"]
    assert not [path for path in paths if path.startswith("/orders")]
    assert "/uploads" in paths


def test_the_api_answers_the_routes_that_the_layer_declares() -> None:
    paths = json.loads(openapi.description())["paths"]
    described = {f"{method.upper()} {path}" for path, operations in paths.items() for method in operations}
    assert described == {route.replace("{fileKey+}", "{fileKey}") for route in {**ROUTES, **ORDER_ROUTES}}


def test_every_reference_in_the_description_leads_somewhere() -> None:
    text = openapi.description()
    components = json.loads(text)["components"]
    references = set(re.findall(r'"#/components/([^"/]+)/([^"]+)"', text))
    assert references
    assert all(name in components[kind] for kind, name in references)
