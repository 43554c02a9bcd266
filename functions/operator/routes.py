"""The routes by which operators see what is wrong."""

from __future__ import annotations

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.http_api import openapi
from functions.http_api.operators import configuration, dead_letter_queue, operator_of
from functions.http_api.resolver import make_resolver
from functions.operator import failed_orders
from functions.operator.dead_letters import summaries
from functions.operator.health import health
from functions.operator.models import DeadLetters, FailedOrders, StackHealth

app = make_resolver()


@app.get(
    "/operations/health",
    operation_id="getStackHealth",
    summary="Alarms, queues and the pipe, for operators",
    responses=openapi.answers({200: StackHealth}),
)
def stack_health() -> Response[Any]:
    operator_of(app.current_event.raw_event)
    return Response(200, "application/json", health().payload())


@app.get(
    "/operations/dead-letters",
    operation_id="listDeadLetters",
    summary="Dead letters by cause, for operators",
    responses=openapi.answers({200: DeadLetters}),
)
def dead_letters(
    queue: Annotated[str | None, Query(description="A dead-letter queue's name. Default: all.", max_length=128)] = None,
) -> Response[Any]:
    operator_of(app.current_event.raw_event)
    queues = [dead_letter_queue(queue)] if queue else configuration().queues.dead_letter_queues
    return Response(200, "application/json", DeadLetters(queues=summaries(queues)).payload())


@app.get(
    "/operations/failed-orders",
    operation_id="listFailedOrders",
    summary="Failed orders by cause, for operators",
    responses=openapi.answers({200: FailedOrders}),
)
def failures() -> Response[Any]:
    operator_of(app.current_event.raw_event)
    return Response(200, "application/json", failed_orders.summary().payload())
