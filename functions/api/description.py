"""The description of the whole API, whose operators' routes other functions answer."""

from __future__ import annotations

from importlib import import_module

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from functions.http_api.openapi import document

_OTHERS = ("functions.operator.routes", "functions.replay.routes")


def described(app: APIGatewayHttpResolver) -> str:
    """The OpenAPI document of this function's routes, `app`, and of the operators'."""
    # Imported only here, so that cold starts do not wait for them.
    return document(app, *(import_module(name).app for name in _OTHERS))
