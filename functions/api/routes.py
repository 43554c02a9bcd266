"""The routes with their requests and responses. `contract.api.ROUTES` lists their scopes for API Gateway."""

from __future__ import annotations

import os
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Header, Query
from pydantic import StringConstraints

from contract.orders import OrderStatus
from functions.api import assets, jobs, limits, orders, uploads
from functions.api.configuration import configuration
from functions.api.description import described
from functions.api.idempotency import entry_key
from functions.api.listing import MAX_LIMIT
from functions.api.models import (
    AnyObject,
    ArrivedUpload,
    Asset,
    AssetPage,
    BatchAnswer,
    BatchRequest,
    Deletion,
    Health,
    Job,
    JobPage,
    Limits,
    Order,
    OrderPage,
    OrderRequest,
    PlacedOrder,
    Signed,
    SignRequest,
    Status,
    Upload,
    UploadProblem,
    UploadRequest,
)
from functions.api.multipart import signed_step
from functions.http_api import openapi, requests
from functions.http_api.callers import Caller, caller_of
from functions.http_api.models import Model
from functions.http_api.problems import Problem, invalid_field
from functions.http_api.resolver import FILE_KEY, make_resolver

app = make_resolver()

IdempotencyKey = Annotated[
    Annotated[str, StringConstraints(pattern=r"^[\x21-\x2b\x2d-\x7e]{1,255}$")] | None,
    Header(alias="Idempotency-Key", description="Requests with the same key create one job."),
]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Maximum number of entries per page.")]
PageCursor = Annotated[str | None, Query(description="The cursor of the previous page.", max_length=8192)]


@app.get(
    "/health", operation_id="getHealth", summary="Check that the API responds", responses=openapi.answers({200: Health})
)
def health() -> Response[Any]:
    return _answer(Health())


@app.get(
    "/openapi.json",
    operation_id="getOpenapi",
    summary="Get this OpenAPI document",
    responses=openapi.answers({200: AnyObject}),
)
def description() -> Response[Any]:
    return Response(200, "application/json", described(app, with_orders="ORDERS_TABLE" in os.environ))


@app.get(
    "/limits",
    operation_id="getLimits",
    summary="Get the accepted types and sizes",
    responses=openapi.answers({200: Limits}),
)
def accepted() -> Response[Any]:
    return _answer(limits.limits())


@app.post(
    "/uploads",
    operation_id="createUpload",
    summary="Request an upload URL",
    responses=openapi.answers(
        {201: Upload, 200: ArrivedUpload}, "Location", links={"getJob": "/jobId", "signUpload": "/jobId"}
    ),
)
def upload(body: UploadRequest, idempotency_key: IdempotencyKey = None) -> Response[Any]:
    owner, key = _caller().owner, _whole(idempotency_key)
    row = uploads.planned(body, owner=owner, key=key)
    (begun,) = uploads.begin([row], owner=owner, repeatable=key is not None)
    if isinstance(begun, Problem):
        raise begun
    status = 201 if isinstance(begun, Upload) else 200
    return _answer(begun, status, headers={"Location": f"jobs/{begun.job_id}"})


@app.post(
    "/uploads/batch",
    operation_id="createUploads",
    summary="Request several upload URLs",
    responses=openapi.answers({200: BatchAnswer}),
)
def batch(body: BatchRequest, idempotency_key: IdempotencyKey = None) -> Response[Any]:
    owner, key = _caller().owner, _whole(idempotency_key)
    plans = [_planned(each, owner, entry_key(key, index)) for index, each in enumerate(body.uploads)]
    rows = [plan for plan in plans if not isinstance(plan, Problem)]
    begun = iter(uploads.begin(rows, owner=owner, repeatable=key is not None))
    answers = [plan if isinstance(plan, Problem) else next(begun) for plan in plans]
    return _answer(BatchAnswer(uploads=[_entry(each) for each in answers]))


@app.post(
    "/uploads/<job_id>/sign",
    operation_id="signUpload",
    summary="Sign a request of a multipart upload, or renew an upload URL",
    responses=openapi.answers({200: Signed}),
)
def sign(job_id: str, body: SignRequest) -> Response[Any]:
    return _answer(signed_step(jobs.visible_row(job_id, _caller()), body))


@app.get(
    "/jobs",
    operation_id="listJobs",
    summary="List jobs, newest first",
    responses=openapi.answers({200: JobPage}, links={"getJob": "/jobs/0/jobId"}),
)
def job_page(
    status: Annotated[Status | None, Query()] = None, cursor: PageCursor = None, limit: Limit = 20
) -> Response[Any]:
    return _answer(jobs.page_of_jobs(_caller(), status=status, cursor=cursor, limit=limit))


@app.get(
    "/jobs/<job_id>",
    operation_id="getJob",
    summary="Get a job",
    responses=openapi.answers({200: Job, 304: None}, "ETag", "Retry-After", links={"getAsset": "/fileKey"}),
)
def job(
    job_id: str,
    if_none_match: Annotated[str | None, Header(alias="If-None-Match", description="An ETag to compare.")] = None,
) -> Response[Any]:
    caller = _caller()
    found = jobs.job_with_results(jobs.visible_row(job_id, caller), caller)
    headers = {"ETag": jobs.entity_tag(found), **jobs.retry_after(found)}
    if if_none_match is not None and headers["ETag"] in _header("if-none-match"):
        return Response(304, body="", headers=headers)
    return _answer(found, headers=headers)


@app.get(
    "/assets",
    operation_id="listAssets",
    summary="List assets, newest first",
    responses=openapi.answers(
        {200: AssetPage}, links={"getAsset": "/assets/0/fileKey", "deleteAsset": "/assets/0/fileKey"}
    ),
)
def asset_page(cursor: PageCursor = None, limit: Limit = 20) -> Response[Any]:
    return _answer(assets.page_of_assets(_caller(), cursor=cursor, limit=limit))


@app.get(
    f"/assets/{FILE_KEY}", operation_id="getAsset", summary="Get an asset", responses=openapi.answers({200: Asset})
)
def asset(file_key: str) -> Response[Any]:
    return _answer(assets.asset_of(file_key, _caller()))


@app.delete(
    f"/assets/{FILE_KEY}",
    operation_id="deleteAsset",
    summary="Delete a file with its renditions and record",
    responses=openapi.answers({202: Deletion}),
)
def delete(file_key: str) -> Response[Any]:
    assets.delete(file_key, _caller())
    return _answer(Deletion(file_key=file_key), 202)


@app.post(
    "/orders",
    operation_id="createOrder",
    summary="Order renditions of a stored image",
    responses=openapi.answers({202: PlacedOrder}, "Location"),
)
def place_order(body: OrderRequest, idempotency_key: IdempotencyKey = None) -> Response[Any]:
    order_id = orders.place(body, _caller(), key=_whole(idempotency_key))
    return _answer(PlacedOrder(order_id=order_id), 202, headers={"Location": f"orders/{order_id}"})


@app.get("/orders", operation_id="listOrders", summary="List orders", responses=openapi.answers({200: OrderPage}))
def order_page(
    status: Annotated[OrderStatus | None, Query()] = None, cursor: PageCursor = None, limit: Limit = 20
) -> Response[Any]:
    return _answer(orders.page_of_orders(_caller(), status=status, cursor=cursor, limit=limit))


@app.get(
    "/orders/<order_id>",
    operation_id="getOrder",
    summary="Get an order",
    responses=openapi.answers({200: Order}, "Retry-After"),
)
def order(order_id: str) -> Response[Any]:
    found = orders.order_of(order_id, _caller())
    is_open = found.status == OrderStatus.PROCESSING
    return _answer(found, headers={"Retry-After": str(orders.RETRY_AFTER_SECONDS)} if is_open else {})


def _caller() -> Caller:
    return caller_of(app.current_event.raw_event, auth=configuration().auth)


def _header(name: str) -> str:
    """The whole header; Powertools passes only the part before the first comma."""
    return requests.header(app.current_event.raw_event, name)


def _whole(idempotency_key: str | None) -> str | None:
    if idempotency_key is not None and idempotency_key != _header("idempotency-key"):
        raise invalid_field("Idempotency-Key", "It must be 1 to 255 visible ASCII characters without a comma.")
    return idempotency_key


def _planned(request: UploadRequest, owner: str, key: str | None) -> dict[str, Any] | Problem:
    try:
        return uploads.planned(request, owner=owner, key=key)
    except Problem as problem:
        return problem


def _entry(answer: Upload | ArrivedUpload | Problem) -> Upload | ArrivedUpload | UploadProblem:
    return UploadProblem.model_validate({"problem": answer.document()}) if isinstance(answer, Problem) else answer


def _answer(model: Model, status: int = 200, *, headers: dict[str, str] | None = None) -> Response[Any]:
    return Response(status, "application/json", model.payload(), headers)
