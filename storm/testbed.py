"""The stack under test, deployed with everything on: its webhook receiver, its observer and the client's history."""

from __future__ import annotations

import contextlib
import json
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from client.dead_letters.replaying import replay
from client.dead_letters.stack_queues import dead_letter_queues
from client.errors import PipelineError
from client.move_task import MAX_RATE
from client.orders import failed_orders, redrive
from client.pipeline import is_finished
from client.webhooks import replay_webhooks, rotate_signing_keys, webhook_receivers
from contract.clock import SystemClock
from contract.jobs import JobStatus
from contract.keys import UPLOADS
from contract.orders import FULFIL_TIMEOUT_SECONDS, OrderStatus
from contract.outputs import DeadLetterKind
from storm.history import History
from storm.world import Observer, World
from testing.receiver import Receiver, receiving
from testing.stack import NO_THROTTLE, Stack, deployed_stack

SUCCESS_RATE = 0.7
"""The share of the attempts at an order that do not fail on purpose."""

VISIBILITY_SECONDS = 20
ORDER_VISIBILITY_SECONDS = FULFIL_TIMEOUT_SECONDS + 10
"""How long a message of webhooks or orders stays hidden if its function dies: shorter than with the stack's settings,
and for orders no shorter than an attempt may take, which the fulfilling function relies on."""

_REPLAYED = (DeadLetterKind.EVENTS, DeadLetterKind.UNDELIVERED, DeadLetterKind.RESULTS, DeadLetterKind.ORDERS)
_WEBHOOK = "/results"


class NeverIdle(Exception):
    """Work is left after the time that it may take; the message says what."""


@dataclass(kw_only=True)
class Testbed:
    """A deployed stack under test.

    Attributes:
        stack: the stack and its embedded cloud.
        receiver: takes the stack's webhooks.
        seed: of every random choice.
        history: what the clients asked and were told.
        observer: reads the world.
        files: how many uploads were begun.
    """

    stack: Stack
    receiver: Receiver
    seed: int
    history: History = field(default_factory=History)
    observer: Observer
    files: int = 0
    _events: list[dict[str, Any]] = field(default_factory=list)

    def observe(self) -> World:
        """The world now."""
        return self.observer.observe([json.loads(each.body) for each in self.receiver.accepted(_WEBHOOK)])

    def unfinished(self) -> str:
        """What is still on its way; empty when the pipeline is idle and everything has an end."""
        pipeline = self.stack.pipeline
        depths = {url.rsplit("/", 1)[-1]: pipeline.queue_depth(url) for url in self._working_queues()}
        if busy := [f"{depth} messages in {name}" for name, depth in depths.items() if depth]:
            return ", ".join(busy)
        letters = {
            each.name: pipeline.queue_depth(each.url)
            for each in dead_letter_queues(pipeline)
            if each.kind is not DeadLetterKind.REJECTIONS
        }
        if dead := [f"{depth} dead letters in {name}" for name, depth in letters.items() if depth]:
            return ", ".join(dead)
        jobs = self.observer.jobs()
        if open_jobs := sum(not is_finished(row) for row in jobs):
            return f"{open_jobs} jobs without an end"
        orders = self.observer.orders()
        if open_orders := sum(row["status"] == OrderStatus.PROCESSING for row in orders):
            return f"{open_orders} orders without an end"
        return f"{failed} failed orders" if (failed := len(failed_orders(pipeline))) else ""

    def await_idle(self, timeout_seconds: float) -> float:
        """Operate the stack until nothing is left to do: replay dead letters, redrive orders. The seconds it took.

        Raises:
            NeverIdle: something is left.
        """
        started, what = time.monotonic(), "the state is unknown"
        while time.monotonic() < started + timeout_seconds:
            try:
                what = self.unfinished()
                if not what:
                    return time.monotonic() - started
                self._operate()
            except (ClientError, BotoCoreError, PipelineError, OSError) as error:
                what = str(error)  # a fault is in force that also concerns the operator
            time.sleep(0.2)
        raise NeverIdle(f"after {timeout_seconds:.0f} s: {what}")

    def _operate(self) -> None:
        """Replay what is in the dead-letter queues of events, and redrive what failed."""
        pipeline = self.stack.pipeline
        for queue in dead_letter_queues(pipeline):
            if queue.kind not in _REPLAYED:
                continue
            if pipeline.queue_depth(queue.url):
                replay(pipeline, queue, rate=MAX_RATE, clock=SystemClock())
        if pipeline.queue_depth(pipeline.outputs.webhooks_dlq_url):
            for each in webhook_receivers(pipeline):
                replay_webhooks(pipeline, each.name, rate=MAX_RATE, clock=SystemClock())
        for row in failed_orders(pipeline):
            with contextlib.suppress(PipelineError):  # fulfilled in the meantime
                redrive(pipeline, row["orderId"])

    def events(self) -> list[dict[str, Any]]:
        """S3's events so far, from a queue beside the pipeline's."""
        self._events += self.stack.pipeline.take_messages(self.stack.tap_url)
        return self._events

    def is_busy(self) -> bool:
        """Whether events wait or are being processed."""
        return self.stack.pipeline.queue_depth(self.stack.pipeline.outputs.transform_queue_url) > 0

    def pause(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def failed_attempts(self) -> int:
        """How many attempts at files have failed so far."""
        return sum(
            stage["stage"] == JobStatus.FAILED for row in self.observer.jobs() for stage in row.get("stages", [])
        )

    def chance(self, purpose: str) -> random.Random:
        """A generator that makes the same choices for the same seed and purpose, whatever happened before."""
        return random.Random(f"{self.seed}/{purpose}")  # noqa: S311 - guards nothing

    def orderable(self, count: int, chance: random.Random) -> list[str]:
        """Keys of some pictures on record."""
        assets = self.stack.pipeline.scan_assets(UPLOADS)
        keys = sorted(each["fileKey"] for each in assets if each["mediaType"] == "image/jpeg")
        return chance.sample(keys, min(count, len(keys)))

    def _working_queues(self) -> list[str]:
        outputs = self.stack.pipeline.outputs
        return [outputs.transform_queue_url, outputs.webhooks_queue_url, outputs.order_queue_url]


@contextmanager
def testbed(seed: int) -> Iterator[Testbed]:
    """Deploy a stack with orders, webhooks and an API, whose state survives a restart of its cloud."""
    with receiving() as receiver, tempfile.TemporaryDirectory(prefix="img-pipeline-storm-") as folder:
        settings: dict[str, Any] = {
            "api": {"auth": "none", **NO_THROTTLE},
            "orders": {"successRate": SUCCESS_RATE, "maxReceiveCount": 2},
            "webhooks": {
                "endpoints": {"storm": {"url": f"{receiver.address}{_WEBHOOK}"}},
                "allowPrivateAddresses": True,
            },
        }
        with deployed_stack(data_directory=Path(folder), **settings) as stack:
            rotate_signing_keys(stack.pipeline)
            set_visibility(stack, stack.pipeline.outputs.webhooks_queue_url, VISIBILITY_SECONDS)
            set_visibility(stack, stack.pipeline.outputs.order_queue_url, ORDER_VISIBILITY_SECONDS)
            yield Testbed(
                stack=stack,
                receiver=receiver,
                seed=seed,
                observer=Observer(pipeline=stack.pipeline),
            )


def set_visibility(stack: Stack, queue_url: str, seconds: int) -> int:
    """Change a queue's visibility timeout; the one before."""
    before = stack.pipeline.queue(queue_url).visibility_timeout_seconds()
    attributes = {"VisibilityTimeout": str(seconds)}
    stack.cloud.client("sqs").set_queue_attributes(QueueUrl=queue_url, Attributes=attributes)
    return before
