"""The routes by which operators replay dead letters and redrive orders."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response

from functions.http_api import openapi
from functions.http_api.operators import dead_letter_queue, operator_of
from functions.http_api.resolver import make_resolver
from functions.replay import orders
from functions.replay.models import Redriven, RedriveRequest, Replayed, ReplayRequest
from functions.replay.replaying import rehearsed, replayed

app = make_resolver()


@app.post(
    "/operations/dead-letters/replay",
    operation_id="replayDeadLetters",
    summary="Replay dead letters, or say how many would move, for operators",
    responses=openapi.answers({200: Replayed}),
)
def replay(body: ReplayRequest) -> Response[Any]:
    operator = operator_of(app.current_event.raw_event)
    queue = dead_letter_queue(body.queue)
    done = rehearsed(queue, body.cause) if body.dry_run else replayed(queue, body.cause, operator)
    return Response(200, "application/json", done.payload())


@app.post(
    "/operations/failed-orders/redrive",
    operation_id="redriveOrders",
    summary="Redrive failed orders, or say how many would be, for operators",
    responses=openapi.answers({200: Redriven}),
)
def redrive(body: RedriveRequest) -> Response[Any]:
    operator = operator_of(app.current_event.raw_event)
    done = orders.rehearsed(body) if body.dry_run else orders.redriven(body, operator)
    return Response(200, "application/json", done.payload())
