"""The description of the whole API, whose operators' routes other functions answer."""

from __future__ import annotations

import json
from importlib import import_module

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from contract.api import ORDER_ROUTES
from functions.http_api.openapi import document

_OTHERS = ("functions.operator.routes", "functions.replay.routes")


def described(app: APIGatewayHttpResolver, *, with_orders: bool) -> str:
    """The OpenAPI document of a stack's routes.

    Args:
        app: this function's routes; the operators' are added.
        with_orders: whether the stack takes orders.
    """
    # Imported only here, so that cold starts do not wait for them.
    text = document(app, *(import_module(name).app for name in _OTHERS))
    if with_orders:
        return text
    whole = json.loads(text)
    absent = {route.partition(" ")[2] for route in ORDER_ROUTES}
    whole["paths"] = {path: each for path, each in whole["paths"].items() if path not in absent}
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"
