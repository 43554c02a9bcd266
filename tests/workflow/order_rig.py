"""The workflow of orders in the embedded Step Functions, with tables and a queue."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from components.workflow.order_workflow import OrderWorkflowSpec, order_workflow_definition
from contract.orders import REFUSALS
from tests.workflow.branches import branches_taken, states_entered, task_errors
from tests.workflow.rig import Execution, Interference, Rig, configure, mock_config

MACHINE = "order-workflow"
DAILY_ORDERS = 3
MEASURES = {"M": {"width": {"N": "640"}, "height": {"N": "480"}, "frames": {"N": "1"}}}
ASSET = {
    "owner": {"S": "alice"},
    "versionId": {"S": "v1"},
    "bucket": {"S": "photographs"},
    "jobId": {"S": "1" * 32},
    "sequencer": {"S": "0" * 32},
    "mediaType": {"S": "image/jpeg"},
    "bytes": {"N": "1234"},
    "measures": MEASURES,
    "renditions": {"L": [{"M": {"name": {"S": "w320-jpeg"}}}]},
    "publishedAt": {"S": "2026-11-20T10:00:00Z"},
}
_numbers = count(1)


@dataclass(frozen=True, kw_only=True)
class Order:
    """An order as the API starts the workflow with it."""

    order_id: str = field(default_factory=lambda: f"{next(_numbers):032x}")
    owner: str = field(default_factory=lambda: f"caller-{next(_numbers)}")
    is_operator: bool = False
    file_key: str = field(default_factory=lambda: f"uploads/ordered {next(_numbers)} ü.jpg")
    renditions: tuple[Mapping[str, Any], ...] = ({"preset": "w320", "format": "webp"},)
    open_id: str = field(default_factory=lambda: f"open/{next(_numbers)}")

    @property
    def input(self) -> dict[str, Any]:
        """The execution's input."""
        return {
            "orderId": self.order_id,
            "owner": self.owner,
            "isOperator": self.is_operator,
            "fileKey": self.file_key,
            "renditions": list(self.renditions),
            "reference": "PO-1",
            "requestHash": "ab" * 32,
            "openId": self.open_id,
        }

    @property
    def repeated(self) -> Order:
        """Another order of the same renditions by the same caller."""
        return replace(self, order_id=f"{next(_numbers):032x}")


class OrderRig:
    """Runs the workflow of orders and reads its results."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self.taken: set[str] = set()
        self._runs = count(1)
        cloud = rig.cloud
        cloud.client("dynamodb").create_table(
            TableName="orders",
            KeySchema=[{"AttributeName": "orderId", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "orderId", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        self._queue_url = cloud.client("sqs").create_queue(QueueName="order-queue")["QueueUrl"]
        self.definition = order_workflow_definition(
            OrderWorkflowSpec(
                assets_table="assets",
                orders_table="orders",
                order_queue_url=self._queue_url,
                presets=("w320", "w640"),
                daily_orders_per_caller=DAILY_ORDERS,
                retention_days=30,
            )
        )
        self._arn = cloud.client("stepfunctions").create_state_machine(
            name=MACHINE,
            definition=json.dumps(self.definition),
            roleArn=rig.role(
                MACHINE,
                "states.amazonaws.com",
                [*(f"dynamodb:{name}Item" for name in ("Get", "Put", "Update", "Delete")), "sqs:SendMessage"],
            ),
            type="EXPRESS",
        )["stateMachineArn"]

    def record_asset(self, order: Order, **attributes: Any) -> None:
        """Write the record of the ordered file, which belongs to the caller; None removes an attribute."""
        item = {"fileKey": {"S": order.file_key}, **ASSET, "owner": {"S": order.owner}, **attributes}
        self._rig.cloud.client("dynamodb").put_item(
            TableName="assets", Item={name: value for name, value in item.items() if value is not None}
        )

    def run(self, order: Order, faults: Mapping[str, Interference] | None = None) -> Execution:
        """Run the workflow with an order and wait until it ends; `faults` are states that fail at every attempt."""
        name, case = f"order-{next(self._runs)}", f"order-case-{next(self._runs)}"
        configure(self._rig.cloud, "_sfn_mock_config", mock_config(case, faults or {}, machines=(MACHINE,)))
        answer = self._rig.cloud.client("stepfunctions").start_sync_execution(
            stateMachineArn=f"{self._arn}#{case}", name=name, input=json.dumps(order.input)
        )
        (history,) = [each["events"] for each in self._rig.cloud.executions(self._arn) if each["name"] == name]
        self.taken |= branches_taken(self.definition, history)
        return Execution(
            name=name,
            status=answer["status"],
            error=answer.get("error", ""),
            cause=answer.get("cause", ""),
            output=json.loads(answer["output"]) if "output" in answer else {},
            states=states_entered(history),
            task_errors=task_errors(history),
        )

    def row(self, order: Order) -> dict[str, Any]:
        """An order's row, as Python values; empty if there is none."""
        return self._rig.row("orders", {"orderId": {"S": order.order_id}})

    def is_on_order(self, order: Order) -> bool:
        """Whether equal orders are kept away."""
        return bool(self._rig.row("orders", {"orderId": {"S": order.open_id}}))

    def end(self, order: Order) -> None:
        """Let equal orders in again, as the function does that ends an order."""
        self._rig.cloud.client("dynamodb").delete_item(TableName="orders", Key={"orderId": {"S": order.open_id}})

    def queued(self) -> list[str]:
        """The orders in the queue since the last call."""
        return [json.loads(body)["orderId"] for body in self._rig.take(self._queue_url)]

    def refusal(self, order: Order) -> str:
        """Why an order was refused; its row has the texts that belong to the code."""
        row = self.row(order)
        assert row["status"] == "REJECTED", row
        text = REFUSALS[row["code"]]
        assert (row["reason"], row["hint"]) == (text.reason, text.hint)
        return row["code"]
