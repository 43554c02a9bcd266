"""What is outside the pipeline: the machine that it runs on, the receiver of webhooks, and orders that fail."""

from __future__ import annotations

from dataclasses import dataclass

from storm.faults.fault import Fault
from storm.testbed import SUCCESS_RATE, VISIBILITY_SECONDS, Testbed, set_visibility
from testing.waiting import eventually


@dataclass(kw_only=True)
class CloudRestarted(Fault):
    """The embedded cloud ends with executions in flight, and starts again on its data directory.

    Messages that were in flight come back after their queue's visibility timeout, which is shortened for this fault: it
    would be minutes.
    """

    name: str = "cloud killed and restarted on its data directory"
    point: str = "the embedded cloud's process and its workers"
    proof: str = "messages that were in flight when it ended"
    needs_load: bool = True
    is_combined: bool = False  # a cloud that restarts forgets the other faults
    _visibility: int = 0
    _in_flight: int = 0

    def inject(self, bed: Testbed) -> None:
        """Restart it once messages are in flight."""
        url = bed.stack.pipeline.outputs.transform_queue_url
        with bed.stack.paused():  # so that none is in flight with the timeout of before
            self._visibility = set_visibility(bed.stack, url, VISIBILITY_SECONDS)
        queue = bed.stack.pipeline.queue(url)
        self._in_flight = eventually(lambda: queue.depth().in_flight, "messages in flight")
        bed.stack.cloud.restart()

    def fired(self, bed: Testbed) -> int:
        """What was in flight."""
        return self._in_flight

    def recover(self, bed: Testbed) -> None:
        """Give the queue its visibility timeout back."""
        set_visibility(bed.stack, bed.stack.pipeline.outputs.transform_queue_url, self._visibility)


@dataclass(kw_only=True)
class ReceiverDown(Fault):
    """The receiver of webhooks answers 503."""

    name: str = "webhook receiver down"
    point: str = "the receiver's answers"
    proof: str = "deliveries that it refused"
    # Its second attempt comes after five seconds, the third one only after five minutes.
    hold_seconds: float = 2
    _before: int = 0

    def inject(self, bed: Testbed) -> None:
        """Let it refuse."""
        self._before = self._refused(bed)
        bed.receiver.status = 503

    def fired(self, bed: Testbed) -> int:
        """Count refusals."""
        return self._refused(bed) - self._before

    def recover(self, bed: Testbed) -> None:
        """Let it accept."""
        bed.receiver.status = 200

    def _refused(self, bed: Testbed) -> int:
        return sum(each.status == 503 for each in bed.receiver.requests)


@dataclass(kw_only=True)
class OrdersFailing(Fault):
    """Attempts at orders fail with a probability, as the stack's setting `orders.successRate` says, all the time."""

    name: str = f"order fulfilment failing {round(100 * (1 - SUCCESS_RATE))} %"
    point: str = "the setting orders.successRate"
    proof: str = "attempts at orders beyond the first"

    def inject(self, bed: Testbed) -> None:
        """It is in force."""

    def fired(self, bed: Testbed) -> int:
        """Count further attempts."""
        return sum(int(row.get("attempts", 1)) - 1 for row in bed.observer.orders())

    def recover(self, bed: Testbed) -> None:
        """It stays in force: failed orders are redriven."""
