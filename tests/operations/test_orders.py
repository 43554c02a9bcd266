"""Commands about orders: their lists, traces, logs, dead letters and redrives, and what the doctor says of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from client.orders import find_order, newest_orders
from client.pipeline import Pipeline
from client.uploads import Upload
from contract import queues
from operations.cost import orders as costs
from operations.doctor.checks.orders import orders_are_fulfilled
from operations.doctor.findings import Status, run_check
from testing.callers import Callers
from testing.stack import Stack, deployed_stack
from testing.waiting import eventually
from tests.operations.conftest import RunCommand, answers_of_saved_query

ATTEMPTS = 2
UNKNOWN = "0" * 32


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A stack that takes orders, whose every caller is an operator."""
    with deployed_stack(api={"auth": "none"}, orders={"maxReceiveCount": ATTEMPTS}) as deployed:
        yield deployed


@pytest.fixture(scope="module")
def connection(stack: Stack) -> Pipeline:
    return Pipeline(
        stack="local", outputs=stack.pipeline.outputs, client=stack.cloud.client, endpoint_url=stack.cloud.endpoint_url
    )


@pytest.fixture(scope="module")
def picture(stack: Stack) -> Upload:
    upload = stack.upload("uploads/ordered.jpg")
    stack.finish(upload)
    return upload


@pytest.fixture(autouse=True)
def quick_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A home of its own for the audit file; the embedded SQS has one server, so nobody waits for others to answer."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(queues, "WAIT_SECONDS", 0)


def place(stack: Stack, file_key: str, width: int) -> str:
    """Order a rendition of its own; the order's id."""
    body = {"fileKey": file_key, "renditions": [{"width": width, "format": "jpeg"}]}
    return Callers(stack=stack).call("POST", "/orders", None, body).json["orderId"]


def ended(stack: Stack, order_id: str, status: str) -> dict[str, Any]:
    """Wait until an order has a status."""

    def found() -> dict[str, Any] | None:
        order = find_order(stack.pipeline, order_id)
        return order if order["status"] == status else None

    return eventually(found, f"order {order_id} {status}", 60)


def test_trace_and_logs_of_a_fulfilled_order_reach_from_its_row_to_its_notification(
    stack: Stack, picture: Upload, img_pipeline: RunCommand
) -> None:
    order_id = place(stack, picture.file_key, 61)
    ended(stack, order_id, "FULFILLED")

    def traced() -> dict[str, Any] | None:
        found = json.loads(img_pipeline("trace", order_id, "--json").stdout)
        return found if {entry["where"] for entry in found["entries"]} >= {"fulfil", "results topic"} else None

    found = eventually(traced, "the function's line and the notification")

    assert (found["orderId"], found["fileKey"], found["status"]) == (order_id, picture.file_key, "FULFILLED")
    what = [f"{entry['where']}: {entry['what']}" for entry in found["entries"]]
    assert what[0] == f"orders table: stored: 1 renditions of {picture.file_key}"
    assert any(each.startswith("fulfil: attempt 1: FULFILLED after ") for each in what)
    assert "results topic: OrderFulfilled was published" in what
    assert found["now"] == ["Finished: fulfilled and published; no action is needed."]
    lines = json.loads(img_pipeline("logs", order_id, "--json").stdout)
    assert {line["function"] for line in lines} == {"fulfil"}
    assert [line for line in lines if order_id in line["text"]]
    # The file's trace names its orders.
    assert f"Orders: {order_id} FULFILLED" in img_pipeline("trace", picture.file_key).stdout


def test_a_batch_of_two_orders_is_told_apart(stack: Stack, picture: Upload, img_pipeline: RunCommand) -> None:
    with stack.unconsumed(stack.outputs["orderQueueUrl"]):
        first, second = place(stack, picture.file_key, 62), place(stack, picture.file_key, 63)
    for order_id in (first, second):
        ended(stack, order_id, "FULFILLED")
    lines = eventually(lambda: json.loads(img_pipeline("logs", first, "--json").stdout), "the function's lines")
    assert [line for line in lines if first in line["text"]]
    assert not [line for line in lines if second in line["text"]]


def test_trace_of_a_refused_order_has_its_reason_and_hint(stack: Stack, img_pipeline: RunCommand) -> None:
    order_id = place(stack, "uploads/nowhere.jpg", 60)
    found = json.loads(img_pipeline("trace", order_id, "--json").stdout)
    assert found["status"] == "REJECTED"
    assert found["entries"][0]["what"] == "REJECTED as ASSET_NOT_FOUND"
    assert found["now"][0].startswith("Rejected as ASSET_NOT_FOUND: ")
    assert found["now"][0].endswith("Use a fileKey that GET /assets returned.")


def test_trace_of_a_waiting_order_says_why_it_waits_and_what_enables_its_function(
    stack: Stack, picture: Upload, img_pipeline: RunCommand
) -> None:
    with stack.unconsumed(stack.outputs["orderQueueUrl"]) as mapping:
        order_id = place(stack, picture.file_key, 64)
        printed = img_pipeline("trace", order_id).stdout
    assert "No attempt has begun." in printed
    assert "The order queue holds 1 to deliver and 0 in flight." in printed
    assert "The function fulfil receives nothing: its event source mapping is Disabled: `aws lambda" in printed
    assert f"update-event-source-mapping --uuid {mapping} --enabled`" in printed
    ended(stack, order_id, "FULFILLED")


def test_order_whose_message_is_lost_is_found_and_redriven(
    stack: Stack, picture: Upload, img_pipeline: RunCommand
) -> None:
    with stack.unconsumed(stack.outputs["orderQueueUrl"]):
        order_id = place(stack, picture.file_key, 65)
        stack.cloud.client("sqs").purge_queue(QueueUrl=stack.outputs["orderQueueUrl"])
        printed = img_pipeline("trace", order_id).stdout
    assert f"So it has no message: `img-pipeline orders redrive {order_id} --stack local` queues it again." in printed
    img_pipeline("orders", "redrive", order_id, "--yes")
    ended(stack, order_id, "FULFILLED")


def test_failed_order_is_explained_by_every_command_until_it_is_redriven(
    stack: Stack, connection: Pipeline, picture: Upload, img_pipeline: RunCommand
) -> None:
    with stack.failing_orders():
        order_id = place(stack, picture.file_key, 66)
        first = eventually(
            lambda: ("Attempt 1 failed" in (printed := img_pipeline("trace", order_id).stdout) and printed) or None,
            "the first attempt's failure",
        )
        ended(stack, order_id, "FAILED")
    assert "Attempt 1 failed with SimulatedError: The attempt failed on purpose" in first
    assert f"The next of {ATTEMPTS} attempts follows 2 s after it" in first

    found = json.loads(img_pipeline("trace", order_id, "--json").stdout)
    assert f"given up after {ATTEMPTS} attempts with SimulatedError: FAILED" in [
        each["what"] for each in found["entries"]
    ]
    assert len([each for each in found["entries"] if each["where"] == "fulfil" and each["failed"]]) == ATTEMPTS
    assert found["now"][0].startswith(f"Failed after {ATTEMPTS} attempts with SimulatedError: ")
    assert f"img-pipeline orders redrive {order_id} --stack local" in found["now"][1]
    lines = json.loads(img_pipeline("logs", order_id, "--json").stdout)
    assert {line["function"] for line in lines} == {"fulfil", "failed_order"}
    assert order_id in img_pipeline("orders", "failed").stdout
    warned = run_check(orders_are_fulfilled, connection)[-1]
    assert (warned.status, warned.found) == (Status.WARN, "1 failed orders wait to be redriven")
    assert "img-pipeline orders failed --stack local" in warned.advice

    assert f"queued {order_id}" in img_pipeline("orders", "redrive", "--all", "--yes").stdout

    ended(stack, order_id, "FULFILLED")
    assert {finding.status for finding in run_check(orders_are_fulfilled, connection)} == {Status.OK}
    attempts = [row for row in answers_of_saved_query(stack, "order-attempts-by-outcome") if row["example"] == order_id]
    assert {(row["outcome"], row["attempt"]) for row in attempts} >= {("SimulatedError", "1"), ("SimulatedError", "2")}
    again = [each["what"] for each in json.loads(img_pipeline("trace", order_id, "--json").stdout)["entries"]]
    assert {"redriven", "closed: the order is fulfilled after all"} <= set(again)
    assert "SimulatedError" in img_pipeline("orders", "show", order_id).stdout


def test_orders_dead_letters_are_shown_exported_and_replayed(
    stack: Stack, picture: Upload, img_pipeline: RunCommand, tmp_path: Path
) -> None:
    url = stack.outputs["orderDlqUrl"]
    with stack.unconsumed(url) as mapping:
        with stack.failing_orders():
            order_id = place(stack, picture.file_key, 67)
            eventually(lambda: stack.pipeline.queue_depth(url) == 1, "the dead letter", 60)
        assert "holds 1, which the function failed_order records" in img_pipeline("trace", order_id).stdout
        listed = {each["queue"]: each["visible"] for each in json.loads(img_pipeline("dlq", "list", "--json").stdout)}
        assert listed["order"] == 1
        shown = img_pipeline("dlq", "show", "order").stdout
        assert "NOT_RECORDED" in shown
        assert f"Trace: img-pipeline trace {order_id}" in shown
        peeked = json.loads(img_pipeline("dlq", "peek", order_id, "--json").stdout)
        assert (peeked["queue"], peeked["order"], peeked["file"]) == ("order", order_id, picture.file_key)
        assert img_pipeline("dlq", "export", str(tmp_path / "orders.jsonl"), "--queue", "order").exit_code == 0
        assert order_id in (tmp_path / "orders.jsonl").read_text()
        assert mapping in img_pipeline("doctor", "--no-smoke").stdout

        replayed = img_pipeline("dlq", "replay", "order", "--only", order_id, "--yes").stdout

        assert "replayed 1 to img-pipeline-local-order-queue" in replayed
        ended(stack, order_id, "FULFILLED")
    assert stack.pipeline.queue_depth(url) == 0


def test_trace_of_a_job_without_its_file_says_until_when_it_can_be_uploaded(
    stack: Stack, img_pipeline: RunCommand
) -> None:
    body = {"filename": "late.jpg", "size": 10}
    job = Callers(stack=stack).call("POST", "/uploads", None, body).json
    for wanted in (job["jobId"], job["fileKey"]):
        result = img_pipeline("trace", wanted)
        assert (result.exit_code, type(result.exception).__name__) == (1, "NotFoundError")
        assert f"its job {job['jobId']} is PENDING, and its upload URL is valid until" in str(result.exception)


def test_lists_show_every_status_and_refuse_an_unknown_one(
    stack: Stack, picture: Upload, img_pipeline: RunCommand
) -> None:
    order_id = place(stack, picture.file_key, 68)
    ended(stack, order_id, "FULFILLED")
    listed = json.loads(img_pipeline("orders", "list", "--status", "fulfilled", "--json").stdout)
    assert order_id in [order["orderId"] for order in listed]
    assert {order["status"] for order in listed} == {"FULFILLED"}
    assert order_id in img_pipeline("orders", "list").stdout
    assert order_id in [order["orderId"] for order in newest_orders(stack.pipeline, limit=1000)]
    wrong = img_pipeline("orders", "list", "--status", "DONE")
    assert (wrong.exit_code, type(wrong.exception).__name__) == (1, "InvalidRequestError")


def test_an_orders_price_counts_the_calls_of_a_real_one(stack: Stack, picture: Upload) -> None:
    before = len(stack.cloud.journal())
    order_id = place(stack, picture.file_key, 69)
    ended(stack, order_id, "FULFILLED")
    eventually(lambda: "publishedAt" in find_order(stack.pipeline, order_id), "the publication")
    roles = {stack.outputs["roleArns"][name].rpartition("/")[2] for name in ("order-workflow", "fulfil")}
    made = Counter(each.action for each in stack.cloud.journal()[before:] if each.role in roles)
    # Each row of a transaction is authorized as its own action. Written twice: the stored and the fulfilled order.
    whole_rows = {"dynamodb:PutItem": 1, "dynamodb:UpdateItem": 4}
    small_rows = {"dynamodb:PutItem": 1, "dynamodb:UpdateItem": 1, "dynamodb:DeleteItem": 1}
    for action in ("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"):
        assert made[action] == whole_rows.get(action, 0) + small_rows[action], action
    assert sum(whole_rows.values()) + 2 == costs.ROW_WRITES
    assert sum(small_rows.values()) + 2 == costs.SMALL_WRITES
    assert made["dynamodb:GetItem"] == costs.READS
    assert (made["s3:GetObjectVersion"], made["s3:ListBucket"]) == (costs.PICTURE_READS, costs.LISTS)
    assert (made["s3:PutObject"], made["sns:Publish"], made["sqs:SendMessage"]) == (1, 1, 1)


@pytest.mark.parametrize("command", [("trace",), ("logs",), ("orders", "show"), ("orders", "redrive", "--yes")])
def test_an_unknown_order_is_one_line(command: tuple[str, ...], img_pipeline: RunCommand) -> None:
    result = img_pipeline(*command, UNKNOWN)
    assert (result.exit_code, type(result.exception).__name__) == (1, "NotFoundError")
    assert UNKNOWN in str(result.exception)
    assert "\n" not in str(result.exception)


def test_failure_of_an_order_that_is_no_longer_kept_is_closed_by_a_redrive(
    stack: Stack, picture: Upload, img_pipeline: RunCommand
) -> None:
    with stack.failing_orders():
        order_id = place(stack, picture.file_key, 71)
        ended(stack, order_id, "FAILED")
    key = {"orderId": {"S": order_id}}
    stack.cloud.client("dynamodb").delete_item(TableName=stack.outputs["ordersTable"], Key=key)
    assert (
        f"closed {order_id}: the order is no longer kept" in img_pipeline("orders", "redrive", "--all", "--yes").stdout
    )
    assert order_id not in img_pipeline("orders", "failed").stdout
