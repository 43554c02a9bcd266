"""The OpenAPI document: what Powertools generates of the routes, and what all routes have in common."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from contract.api import ORDER_ROUTES, ROUTES
from functions.http_api.models import ProblemDocument
from functions.http_api.problems import CONTENT_TYPE

Answers = dict[int, Any]

_DESCRIPTION = (
    "Ask for an upload URL, send the file to it, and follow the job until it has a download URL. "
    "Errors are problem documents (RFC 9457) with a stable code and a hint."
)
_HEADERS = {
    "ETag": "Of the state; send it as If-None-Match.",
    "Location": "The job or order, relative to this address.",
    "Retry-After": "Seconds after which to ask again.",
}
_ANYWHERE = (413, 429, 431, 500, 503)
_PROBLEMS = (400, 401, 403, 404, 409, 413, 415, 422, 429, 431, 500, 503)
_OWN_PROBLEMS = {
    "POST /uploads/{jobId}/sign": {409},
    "GET /operations/dead-letters": {404},
    "POST /operations/dead-letters/replay": {404},
}
# Line and headers together are too long; answered without a body, before the request is read.
_WITHOUT_BODY = 431
# Answers of API Gateway itself, which has a shape of its own.
_GATEWAYS = frozenset({401, 403, 404, 413, 429, 500, 503})
_WITH_HEADER = {429: "Retry-After", 503: "Retry-After"}
# What Powertools would answer instead of our problem documents.
_UNUSED_SCHEMAS = ("HTTPValidationError", "ValidationError", "ResponseValidationError")


def answers(
    models: Mapping[int, type[BaseModel] | None], *headers: str, links: Mapping[str, str] | None = None
) -> Answers:
    """A route's results.

    Args:
        models: their bodies by status.
        headers: names of the headers that they have.
        links: where a body has what another operation's path takes, {operation id: JSON pointer}. The last part of the
            pointer is the parameter's name.
    """
    return {status: _answer(status, model, headers, links or {}) for status, model in models.items()}


@cache
def document(*apps: APIGatewayHttpResolver) -> str:
    """The OpenAPI document of the routes of several functions, as JSON."""
    generated, *others = map(_generated, apps)
    generated.pop("servers", None)
    for other in others:
        generated["paths"] |= other["paths"]
        generated["components"]["schemas"] |= other["components"]["schemas"]
    schemas = {name: each for name, each in generated["components"]["schemas"].items() if name not in _UNUSED_SCHEMAS}
    schemas["ProblemDocument"] = ProblemDocument.model_json_schema(by_alias=True)
    generated["paths"] = {_camel_path(path): each for path, each in sorted(generated["paths"].items())}
    for path, operations in generated["paths"].items():
        for method, operation in operations.items():
            _complete(operation, path=path, method=method.upper())
    generated["components"] = {
        "schemas": {name: _untitled(schema) for name, schema in sorted(schemas.items())},
        "responses": {_name(status): _problem(status) for status in _PROBLEMS},
        "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
    }
    return json.dumps(generated, ensure_ascii=False, indent=2) + "\n"


def _generated(app: APIGatewayHttpResolver) -> dict[str, Any]:
    return json.loads(
        app.get_openapi_json_schema(
            title="img-pipeline", version="1.0.0", description=_DESCRIPTION, openapi_version="3.1.0"
        )
    )


def _answer(
    status: int, model: type[BaseModel] | None, headers: tuple[str, ...], links: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "description": HTTPStatus(status).phrase,
        "headers": {name: _header(name) for name in headers},
        "content": {"application/json": {"model": model}} if model else {},
        "links": {operation: _link(operation, pointer) for operation, pointer in links.items()} if model else {},
    }


def _link(operation: str, pointer: str) -> dict[str, Any]:
    return {"operationId": operation, "parameters": {pointer.rpartition("/")[2]: f"$response.body#{pointer}"}}


def _header(name: str) -> dict[str, Any]:
    return {"description": _HEADERS[name], "schema": {"type": "string"}}


def _complete(operation: dict[str, Any], *, path: str, method: str) -> None:
    """Add to the description of a route what it has in common with others."""
    parameters = operation.get("parameters", [])
    for parameter in parameters:
        title = parameter["schema"].pop("title")
        parameter["name"] = to_camel(parameter["name"]) if parameter["in"] == "path" else parameter["name"]
        parameter["name"] = title if parameter["in"] == "header" else parameter["name"]
        parameter["schema"].pop("description", None)
    statuses: set[int] = {*_ANYWHERE}
    if "requestBody" in operation:
        statuses |= {400, 415, 422}
    if any(parameter["in"] != "path" for parameter in parameters):
        statuses |= {400, 422}
    if "{" in path:
        statuses.add(404)
    route = f"{method} {path.replace('{fileKey}', '{fileKey+}')}"
    statuses |= _OWN_PROBLEMS.get(route, set())
    if scopes := {**ROUTES, **ORDER_ROUTES}[route]:
        operation["security"] = [{"token": [scope.value]} for scope in scopes]
        statuses |= {401, 403}
    results = {status: each for status, each in operation["responses"].items() if status != "422"}
    results |= {str(status): {"$ref": f"#/components/responses/{_name(status)}"} for status in statuses}
    operation["responses"] = {status: _untitled(each) for status, each in sorted(results.items())}


def _problem(status: int) -> dict[str, Any]:
    if status == _WITHOUT_BODY:
        return {"description": HTTPStatus(status).phrase}
    content: dict[str, Any] = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}
    if status in _GATEWAYS:
        message = {"type": "object", "properties": {"message": {"type": "string"}}, "required": ["message"]}
        content["application/json"] = {"schema": message}
    headers = {name: _header(name) for code, name in _WITH_HEADER.items() if code == status}
    return {"description": HTTPStatus(status).phrase, **({"headers": headers} if headers else {}), "content": content}


def _name(status: int) -> str:
    return HTTPStatus(status).phrase.replace(" ", "")


def _camel_path(path: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: f"{{{to_camel(match[1])}}}", path)


def _untitled(schema: Any) -> Any:
    """A schema without what pydantic makes of each field's name, and without what is empty."""
    if isinstance(schema, list):
        return [_untitled(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: each for name, each in schema.items() if not (name == "title" and isinstance(each, str))}
    return {name: _untitled(each) for name, each in kept.items() if each != {} or name == "items"}
