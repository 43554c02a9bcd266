"""What orders of renditions cost, line by line; orders that fail or are refused are left out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from components.settings import Settings
from contract.messages import Outcome
from operations.cost import prices
from operations.cost.api import call_lines
from operations.cost.bill import (
    DAYS_PER_MONTH,
    GIGABYTE,
    IDLE_POLLS_PER_MONTH,
    KILOBYTE,
    REQUESTS_PER_MESSAGE,
    Line,
    OrderLoad,
)
from operations.cost.files import express_lines, log_lines, row_lines, storage_line, subscriber_lines
from operations.cost.measurements import Measurements
from operations.cost.renditions import encoding_seconds, stored_bytes
from operations.cost.webhooks import delivery_lines
from operations.cost.work import billed_seconds, log_bytes_per_call, workflow_log_bytes
from operations.cost.workflow import WorkflowRun, order_workflow_run

# What a client calls for one order: one call that places it, and polls until it has ended: believed.
CALLS_PER_ORDER = 4
# One call of another service by the workflow, as for files: believed.
SECONDS_PER_TASK = 0.05
# Writes of an order's whole row: stored and fulfilled in transactions, which count twice, and an attempt, the claim of
# its publication and the publication, recorded without.
ROW_WRITES = 2 + 2 + 1 + 1 + 1
# The caller's quota, and the row that keeps equal orders away, written and deleted in the same transactions.
SMALL_WRITES = 1 + 2 + 2
# The indexes by owner, status and file when the order is stored; when its status changes, one write to the index by
# owner, which holds the status, and two to that by status.
INDEX_WRITES = 3 + 3
# The asset, by the workflow and before the order is marked as fulfilled, and the order once it is.
READS = 3
# What `fulfil` reads of S3: the picture. It lists what is stored, which S3 prices like a PUT.
PICTURE_READS, LISTS = 1, 1


@dataclass(frozen=True, kw_only=True)
class OrderWork:
    """What one order takes.

    Args:
        settings: the stack's.
        load: the orders.
        measured: what was measured.
        core_speed: how fast Lambda's core is beside the measured one.
    """

    settings: Settings
    load: OrderLoad
    measured: Measurements
    core_speed: float

    @property
    def run(self) -> WorkflowRun:
        """What the order workflow does."""
        return order_workflow_run(self.settings)

    @property
    def workflow_seconds(self) -> float:
        """How long the order workflow runs, which the API waits for."""
        return self.run.calls * SECONDS_PER_TASK

    @property
    def fulfil_seconds(self) -> float:
        """Billed duration of the function that makes the renditions."""
        encoding = sum(encoding_seconds(spec, self.measured) for spec in self.load.renditions)
        cpu_seconds = self.measured.cpu_seconds.thumbnail.of(self.load.megabytes) + encoding
        return billed_seconds(
            cpu_seconds / self.core_speed,
            self.settings.fulfil_memory_mb,
            megabytes=self.load.megabytes,
            requests=PICTURE_READS + LISTS + len(self.load.renditions),
        )

    @property
    def row_units(self) -> int:
        """Kilobytes of the order's row, each of which is a write unit."""
        return math.ceil(self.measured.order.row_bytes / KILOBYTE)

    @property
    def rendition_bytes(self) -> float:
        """Bytes written to the processed bucket."""
        return sum(stored_bytes(spec, self.measured) for spec in self.load.renditions)


def order_lines(work: OrderWork) -> Iterator[Line]:
    """What every order costs, from the request to its notification."""
    settings, orders = work.settings, work.load.orders
    log_bytes = log_bytes_per_call(settings, work.measured)
    yield from call_lines(settings, orders * CALLS_PER_ORDER, waiting_seconds=orders * work.workflow_seconds)
    yield from express_lines(orders, work.workflow_seconds)
    yield Line(service="SQS", what="order queue", quantity=orders * REQUESTS_PER_MESSAGE, price=prices.SQS_REQUEST)
    yield Line(service="Lambda", what="fulfil called", quantity=orders, price=prices.LAMBDA_REQUEST)
    yield Line(
        service="Lambda",
        what=f"fulfil, {work.fulfil_seconds:.2f} s at {settings.fulfil_memory_mb} MB",
        quantity=orders * work.fulfil_seconds * settings.fulfil_memory_mb / 1024,
        price=prices.LAMBDA_DURATION[settings.architecture],
    )
    yield from _tables(work)
    yield from _storage(work)
    yield Line(service="SNS", what="results", quantity=orders, price=prices.SNS_PUBLISH)
    yield from subscriber_lines(settings, orders, Outcome.FULFILLED)
    yield from delivery_lines(settings, orders, Outcome.FULFILLED, log_bytes_per_call=log_bytes)
    yield from log_lines(
        settings,
        functions=orders * log_bytes / GIGABYTE,
        workflow=orders * workflow_log_bytes(settings, work.run, work.measured.order.execution_data_bytes) / GIGABYTE,
    )


def idle_lines(settings: Settings) -> Iterator[Line]:
    """What a stack that takes orders costs without any."""
    if settings.has_orders:
        yield Line(
            service="SQS",
            what="polls of the orders' two idle queues",
            quantity=2 * IDLE_POLLS_PER_MONTH,
            price=prices.SQS_REQUEST,
        )


def _tables(work: OrderWork) -> Iterator[Line]:
    orders, days = work.load.orders, work.settings.job_retention_days
    units = ROW_WRITES * work.row_units + SMALL_WRITES + INDEX_WRITES
    yield Line(service="DynamoDB", what="orders with indexes", quantity=orders * units, price=prices.DYNAMODB_WRITE)
    yield Line(service="DynamoDB", what="reads of orders", quantity=orders * READS, price=prices.DYNAMODB_READ)
    gigabytes = orders * work.measured.order.row_bytes * days / DAYS_PER_MONTH / GIGABYTE
    yield from row_lines(f"orders of {days} days", gigabytes)


def _storage(work: OrderWork) -> Iterator[Line]:
    orders = work.load.orders
    yield Line(service="S3", what="reads by fulfil", quantity=orders * PICTURE_READS, price=prices.S3_GET)
    yield Line(service="S3", what="lists of renditions", quantity=orders * LISTS, price=prices.S3_PUT)
    yield Line(
        service="S3",
        what="ordered renditions written",
        quantity=orders * len(work.load.renditions),
        price=prices.S3_PUT,
    )
    yield storage_line(
        "ordered renditions", orders * work.rendition_bytes / GIGABYTE, work.settings.lifecycle.rendition_days
    )
