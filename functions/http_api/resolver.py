"""Powertools' resolver with routes for keys that contain slashes, and with problem documents for errors."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError

from functions.http_api import requests
from functions.http_api.problems import CONTENT_TYPE, Problem, ProblemCode, invalid_fields
from functions.shared.aws import is_transient
from functions.shared.runtime import logger

FILE_KEY = "<file_key>"
"""A path parameter that matches the rest of the path, slashes included."""

_BUSY_SECONDS = 2


class Resolver(APIGatewayHttpResolver):
    """Routes of an HTTP API."""

    @staticmethod
    def _compile_regex(rule: str, base_regex: str = "") -> re.Pattern[str]:  # noqa: ARG004 (the base class's signature)
        """Powertools' own pattern excludes slashes and several characters that keys may contain."""
        greedy = rule.replace(FILE_KEY, "(?P<file_key>.+)")
        return re.compile(re.sub(r"(?<!\?P)<(\w+)>", r"(?P<\1>[^/]+)", greedy) + r"\Z", re.DOTALL)

    def methods_of(self, path: str) -> set[str]:
        """The methods of the routes that match a path."""
        return {
            method
            for route in (*self._static_routes, *self._dynamic_routes)
            if route.rule.match(path)
            for method in (route.method if isinstance(route.method, tuple) else (route.method,))
        }


def make_resolver() -> Resolver:
    """A resolver without routes."""
    app = Resolver(enable_validation=True, json_body_deserializer=requests.parsed)

    @app.exception_handler(Problem)
    def problem(error: Problem) -> Response[Any]:
        return _answer(app, error)

    @app.exception_handler(RequestValidationError)
    def invalid(error: RequestValidationError) -> Response[Any]:
        return _answer(app, invalid_fields(_fields(error.errors())))

    @app.exception_handler(UnicodeDecodeError)
    def undecodable(_error: UnicodeDecodeError) -> Response[Any]:
        return _answer(app, Problem(ProblemCode.INVALID_JSON))

    @app.exception_handler(NotFoundError)
    def unknown(_error: NotFoundError) -> Response[Any]:
        path, method = app.current_event.path, app.current_event.http_method
        if methods := app.methods_of(path):
            allow = {"Allow": ", ".join(sorted(methods))}
            return _answer(app, Problem(ProblemCode.METHOD_NOT_ALLOWED, path=path, method=method, headers=allow))
        return _answer(app, Problem(ProblemCode.NOT_FOUND, path=path))

    @app.exception_handler(Exception)
    def failed(error: Exception) -> Response[Any]:
        logger().exception("failed", extra={"requestId": app.current_event.request_context.request_id})
        if is_transient(error):
            return _answer(app, Problem(ProblemCode.UNAVAILABLE, headers={"Retry-After": str(_BUSY_SECONDS)}))
        return _answer(app, Problem(ProblemCode.INTERNAL))

    return app


def _answer(app: Resolver, problem: Problem) -> Response[Any]:
    return Response(
        status_code=int(problem.wording.status),
        content_type=CONTENT_TYPE,
        headers=problem.headers,
        body=problem.body(request_id=app.current_event.request_context.request_id),
    )


def _fields(errors: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The place and message of each of pydantic's errors, without the submitted values."""
    return [{"field": _path(error["loc"]), "message": str(error["msg"])} for error in errors]


def _path(location: Sequence[str | int]) -> str:
    """The path of a field, such as ``uploads[3].size`` or ``limit``."""
    inner = location[1:] or location
    return "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in inner).removeprefix(".")
