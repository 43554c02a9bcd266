"""The API's handler, called as API Gateway calls it, before the embedded cloud's tables and buckets."""

from __future__ import annotations

import itertools
import json
import urllib.parse
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from contract import assets, jobs, queues
from contract.api import STAGE, ApiConfiguration
from contract.events import ObjectVersion, object_created
from contract.operator import OperatorConfiguration
from contract.outputs import QueueOutputs
from contract.queues import SqsQueue
from functions.api import configuration, presigning
from functions.api.handler import handler
from functions.http_api import operators
from functions.operator import handler as looking
from functions.replay import handler as replay
from functions.shared import aws, runtime
from localcloud.emulator import Emulator

CONFIGURATION = ApiConfiguration(
    auth="jwt",
    max_bytes=200 * 2**20,
    media={"image": {"accepted": ["image/jpeg", "image/png", "image/webp"], "maxPixels": 2_000_000}},
    daily_uploads_per_caller=10_000,
    callback_hosts=("hooks.example.com",),
    order_presets=None,
    orders_watermarks=False,
    max_receive_count=3,
)

DEAD_LETTERS, REPLAY = "/operations/dead-letters", "/operations/dead-letters/replay"
GROUP = {"cognito:groups": "[operators staff]"}

_NUMBERS = itertools.count()


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a caller of the API gets."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The body's content."""
        return json.loads(self.text)

    @property
    def code(self) -> str:
        """The code of the problem that was answered."""
        assert self.headers["content-type"] == "application/problem+json", self
        return self.json["code"]


@dataclass(frozen=True, kw_only=True)
class Api:
    """The handler with tables and buckets of its own."""

    cloud: Emulator
    monkeypatch: pytest.MonkeyPatch

    def configure(self, **settings: Any) -> None:
        """Give the function other settings."""
        changed = ApiConfiguration(**{**vars(CONFIGURATION), **settings})
        self.monkeypatch.setenv("API_SETTINGS", changed.to_json())
        configuration.configuration.cache_clear()

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        sub: str = "alice",
        headers: Mapping[str, str] | None = None,
        claims: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request; `path` may have a query, and `body` is sent as JSON unless it is a text."""
        text = body if isinstance(body, str) or body is None else json.dumps(body)
        event = request_event(method, path, text, {"sub": sub, **(claims or {})}, headers or {})
        answer = handler(json.loads(json.dumps(event)), None)
        json.dumps(answer)
        return Answer(
            status=answer["statusCode"],
            headers={name.lower(): value for name, value in answer["headers"].items()},
            text=answer.get("body") or "",
        )

    def put_row(self, table: str, row: Mapping[str, Any]) -> None:
        """Write a row as the workflow does."""
        self.cloud.client("dynamodb").put_item(TableName=table, Item={name: attribute(row[name]) for name in row})

    def change_job(self, job_id: str, **values: Any) -> None:
        """Change attributes of a job's row."""
        self.cloud.client("dynamodb").update_item(
            TableName="jobs",
            Key={"jobId": {"S": job_id}},
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in values),
            ExpressionAttributeNames={f"#{name}": name for name in values},
            ExpressionAttributeValues={f":{name}": attribute(value) for name, value in values.items()},
        )

    def job_row(self, job_id: str) -> dict[str, Any]:
        """A job's row."""
        item = self.cloud.client("dynamodb").get_item(TableName="jobs", Key={"jobId": {"S": job_id}})["Item"]
        return {name: next(iter(value.values())) for name, value in item.items()}


def request_event(
    method: str, path: str, body: str | None, claims: Mapping[str, str], headers: Mapping[str, str]
) -> dict[str, Any]:
    """An HTTP API's event, payload format 2.0."""
    address, _, query = path.partition("?")
    parameters = {name: ",".join(values) for name, values in urllib.parse.parse_qs(query, True).items()}
    sent = {"content-type": "application/json"} if body is not None else {}
    return {
        "version": "2.0",
        "routeKey": f"{method} {address}",
        "rawPath": f"/{STAGE}{urllib.parse.unquote(address)}",
        "rawQueryString": query,
        "headers": {**sent, **{name.lower(): value for name, value in headers.items()}},
        **({"queryStringParameters": parameters} if parameters else {}),
        "requestContext": {
            "http": {"method": method, "path": f"/{STAGE}{address}"},
            "requestId": "JKJaXmPLvHcESHA=",
            "stage": STAGE,
            "authorizer": {"jwt": {"claims": dict(claims), "scopes": None}},
        },
        "isBase64Encoded": False,
        **({"body": body} if body is not None else {}),
    }


def attribute(value: Any) -> dict[str, Any]:
    """A value as DynamoDB takes it."""
    match value:
        case str():
            return {"S": value}
        case int() | float():
            return {"N": str(value)}
        case list():
            return {"L": [attribute(each) for each in value]}
        case _:
            return {"M": {name: attribute(each) for name, each in value.items()}}


def forget() -> None:
    """Drop the settings that the function's environment keeps between invocations, and its clients."""
    configuration.configuration.cache_clear()
    presigning.s3.cache_clear()
    aws.client.cache_clear()
    aws.session.cache_clear()


def api_environment(cloud: Emulator) -> dict[str, str]:
    """The API function's variables."""
    return {
        "AWS_ENDPOINT_URL": cloud.endpoint_url,
        "AWS_DEFAULT_REGION": cloud.region,
        "AWS_ACCESS_KEY_ID": cloud.account_id,
        "AWS_SECRET_ACCESS_KEY": "test",
        "JOBS_TABLE": "jobs",
        "ASSETS_TABLE": "assets",
        "INGEST_BUCKET": "ingest",
        "PROCESSED_BUCKET": "processed",
        "API_SETTINGS": CONFIGURATION.to_json(),
        "POWERTOOLS_SERVICE_NAME": f"api-{next(_NUMBERS)}",
        "POWERTOOLS_METRICS_NAMESPACE": "img-pipeline/test",
    }


@pytest.fixture(scope="package")
def embedded_cloud() -> Iterator[Emulator]:
    forget()
    with Emulator.start() as cloud:
        yield cloud
    forget()


@pytest.fixture
def api(embedded_cloud: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """The handler before empty tables and buckets."""
    for name, value in api_environment(embedded_cloud).items():
        monkeypatch.setenv(name, value)
    configuration.configuration.cache_clear()
    # A logger belongs to its service's name and keeps the stream it was made with.
    runtime.logger.cache_clear()
    runtime._metrics.cache_clear()
    make_tables(embedded_cloud)
    make_buckets(embedded_cloud)
    yield Api(cloud=embedded_cloud, monkeypatch=monkeypatch)
    for table in ("jobs", "assets"):
        embedded_cloud.client("dynamodb").delete_table(TableName=table)
    _empty_ingest_bucket(embedded_cloud)


def make_tables(cloud: Emulator) -> None:
    """The tables as components/persist.py declares them."""
    make_table(
        cloud,
        "jobs",
        "jobId",
        {
            jobs.FILE_KEY_INDEX: ("fileKey", "createdAt", {"ProjectionType": "ALL"}),
            jobs.STATUS_INDEX: ("status", "createdAt", {"ProjectionType": "KEYS_ONLY"}),
            jobs.OWNER_INDEX: (
                "owner",
                "createdAt",
                {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["status", "fileKey"]},
            ),
        },
    )
    make_table(
        cloud,
        "assets",
        "fileKey",
        {
            assets.OWNER_INDEX: ("owner", "persistedAt", {"ProjectionType": "KEYS_ONLY"}),
            assets.SHARD_INDEX: ("shard", "persistedAt", {"ProjectionType": "KEYS_ONLY"}),
        },
    )


def make_table(cloud: Emulator, name: str, key: str, indexes: Mapping[str, tuple[str, str, dict[str, Any]]]) -> None:
    attributes = {key, *(each for hash_key, range_key, _ in indexes.values() for each in (hash_key, range_key))}
    cloud.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in sorted(attributes)],
        GlobalSecondaryIndexes=[
            {
                "IndexName": index,
                "KeySchema": [
                    {"AttributeName": hash_key, "KeyType": "HASH"},
                    {"AttributeName": range_key, "KeyType": "RANGE"},
                ],
                "Projection": projection,
            }
            for index, (hash_key, range_key, projection) in indexes.items()
        ],
    )


def make_buckets(cloud: Emulator) -> None:
    s3 = cloud.client("s3")
    for bucket in ("ingest", "processed"):
        s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket="ingest", VersioningConfiguration={"Status": "Enabled"})


def _empty_ingest_bucket(cloud: Emulator) -> None:
    s3 = cloud.client("s3")
    listed = s3.list_object_versions(Bucket="ingest")
    for each in (*listed.get("Versions", ()), *listed.get("DeleteMarkers", ())):
        s3.delete_object(Bucket="ingest", Key=each["Key"], VersionId=each["VersionId"])


@dataclass(frozen=True, kw_only=True)
class Operators:
    """The operators' handlers before empty queues."""

    api: Api
    queues: QueueOutputs[str]
    audit: str

    def look(self, path: str = DEAD_LETTERS, claims: Mapping[str, str] = GROUP) -> Answer:
        return answered(looking.handler(event("GET", path, None, claims), None))

    def replay(self, *, claims: Mapping[str, str] = GROUP, **body: object) -> Answer:
        return answered(replay.handler(event("POST", REPLAY, json.dumps(body), claims), None))

    def queue(self, url: str) -> SqsQueue:
        return SqsQueue(self.api.cloud.client("sqs"), url)

    def fail(self, name: str, cause: str) -> str:
        """Put an upload's event into the transform queue's dead-letter queue; its job says why. Returns its key."""
        version = ObjectVersion(bucket="ingest", key=f"uploads/{uuid.uuid4().hex}/{name}", version_id="1")
        job_id = version.key.split("/")[1]
        row = {"jobId": job_id, "versionId": "1", "updatedAt": "2026-11-27T12:00:00.000Z"}
        why = {"reasonCode": cause, "reason": f"{cause} happened", "hint": f"Mend {cause}"}
        self.api.put_row("jobs", {**row, **why})
        self.send(self.queues.transform_dlq_url, created(version))
        return version.key

    def send(self, url: str, body: Mapping[str, Any]) -> None:
        self.api.cloud.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(body))

    def audit_lines(self) -> list[dict[str, Any]]:
        events = self.api.cloud.client("logs").filter_log_events(logGroupName=self.audit)["events"]
        return [json.loads(each["message"]) for each in events]


def created(version: ObjectVersion) -> dict[str, Any]:
    return object_created(
        version, bytes=1, etag="e", sequencer="01", reason="PutObject", time="2026-11-27T12:00:00Z", region="us-east-1"
    )


def event(method: str, path: str, body: str | None, claims: Mapping[str, str]) -> dict[str, Any]:
    return request_event(method, path, body, {"sub": "olivia", **claims}, {})


def answered(answer: Mapping[str, Any]) -> Answer:
    headers = {name.lower(): value for name, value in answer["headers"].items()}
    return Answer(status=answer["statusCode"], headers=headers, text=answer["body"])


def make_queues(cloud: Emulator, prefix: str) -> QueueOutputs[str]:
    """The queues of a stack without webhooks and orders."""
    urls = {
        name: cloud.client("sqs").create_queue(QueueName=f"{prefix}-{name}")["QueueUrl"]
        for name in ("transform-queue", "transform-dlq", "validate-dlq", "delivery-dlq")
    }
    return QueueOutputs(
        transform_queue_url=urls["transform-queue"],
        transform_dlq_url=urls["transform-dlq"],
        validate_dlq_url=urls["validate-dlq"],
        delivery_dlq_url=urls["delivery-dlq"],
        results_queue_urls={},
        results_dlq_urls={},
        webhooks_queue_url="",
        webhooks_dlq_url="",
        order_queue_url="",
        order_dlq_url="",
    )


def operator_environment(outputs: QueueOutputs[str], audit: str) -> dict[str, str]:
    """The variables of the operators' functions, besides those of the API."""
    settings = OperatorConfiguration(
        stack="test", auth="jwt", queues=outputs, pipe_name="pipe", alert_topic_arn="arn:aws:sns:::alerts"
    )
    return {"OPERATOR_SETTINGS": json.dumps(settings.values()), "AUDIT_LOG_GROUP": audit}


@pytest.fixture
def stack(api: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[Operators]:
    sqs, prefix = api.cloud.client("sqs"), f"stack-{uuid.uuid4().hex[:8]}"
    outputs = make_queues(api.cloud, prefix)
    api.cloud.client("logs").create_log_group(logGroupName=f"{prefix}-audit")
    for name, value in operator_environment(outputs, f"{prefix}-audit").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(queues, "WAIT_SECONDS", 0)
    operators.configuration.cache_clear()
    yield Operators(api=api, queues=outputs, audit=f"{prefix}-audit")
    operators.configuration.cache_clear()
    for url in filter(None, vars(outputs).values()):
        sqs.delete_queue(QueueUrl=url)
