"""A replay storm: many dead letters, replayed at a bounded rate while nobody takes them, so that all can be counted."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from client.dead_letters.replaying import replay
from client.dead_letters.stack_queues import DeadLetterQueue, find_queue
from client.move_task import MAX_RATE
from contract.clock import SystemClock
from contract.names import TRANSFORM
from storm.history import Replayed
from storm.testbed import Testbed

PROCESSED = 200
"""How many of the replayed messages are processed; the rest, events of finished files like these, is purged."""

_BATCH = 10
_SAMPLE_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True)
class ReplayStorm:
    """What the storm showed.

    Attributes:
        messages: how many dead letters there were.
        arrived: how many messages arrived where they were replayed to.
        seconds: how long their replay took.
        most_in_a_second: the most that arrived within any second.
    """

    messages: int
    arrived: int
    seconds: float
    most_in_a_second: int

    def __str__(self) -> str:
        rate = f"{self.most_in_a_second} in the busiest second"
        return f"replay storm: {self.arrived} of {self.messages} dead letters arrived in {self.seconds:.1f} s, {rate}"


def storm(bed: Testbed, messages: int) -> ReplayStorm:
    """Replay so many events of finished files from the transform DLQ while the pipe is stopped, and count them."""
    pipeline = bed.stack.pipeline
    queue = find_queue(pipeline, TRANSFORM)
    with bed.stack.paused():
        _send(bed, queue.url, messages)
        arrivals = _Arrivals(bed, queue.replays_to)
        started = time.monotonic()
        with arrivals:
            result = replayed(bed, queue)
        seconds = time.monotonic() - started
        transform = pipeline.queue(queue.replays_to)
        if messages > PROCESSED:
            transform.purge()
            _send(bed, queue.replays_to, PROCESSED)
    return ReplayStorm(
        messages=messages, arrived=result.arrived, seconds=seconds, most_in_a_second=arrivals.most_in_a_second()
    )


def replayed(bed: Testbed, queue: DeadLetterQueue, *, only: str | None = None) -> Replayed:
    """Replay a queue whose destination nobody reads, and note what its operator was told and what arrived."""
    source, destination = bed.stack.pipeline.queue(queue.url), bed.stack.pipeline.queue(queue.replays_to)
    found, before = source.depth().total, destination.depth().total
    result = replay(bed.stack.pipeline, queue, only=only, rate=MAX_RATE, clock=SystemClock())
    entry = Replayed(
        queue=queue.name,
        found=found,
        sent=result.sent,
        left=source.depth().total,
        arrived=destination.depth().total - before,
    )
    bed.history.add(entry)
    return entry


def _send(bed: Testbed, url: str, count: int) -> None:
    """Send events of finished files."""
    sqs, events = bed.stack.cloud.client("sqs"), _finished_events(bed)
    for start in range(0, count, _BATCH):
        entries = [{"Id": str(number), "MessageBody": next(events)} for number in range(min(_BATCH, count - start))]
        sqs.send_message_batch(QueueUrl=url, Entries=entries)


def _finished_events(bed: Testbed) -> Iterator[str]:
    """Events of files that are finished, over and over."""
    finished = {row["versionId"] for row in bed.observer.jobs() if "finishedAt" in row}
    bodies = [
        json.dumps(event)
        for event in bed.events()
        if event.get("detail", {}).get("object", {}).get("version-id") in finished
    ]
    while True:
        yield from bodies


class _Arrivals:
    """Samples how many messages are in a queue."""

    def __init__(self, bed: Testbed, url: str) -> None:
        self._queue = bed.stack.pipeline.queue(url)
        self._samples: list[tuple[float, int]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def most_in_a_second(self) -> int:
        """The most that arrived between two samples that are at most a second apart."""
        most, start = 0, 0
        for at, count in self._samples:
            while at - self._samples[start][0] > 1:
                start += 1
            most = max(most, count - self._samples[start][1])
        return most

    def _sample(self) -> None:
        while not self._ended.is_set():
            self._samples.append((time.monotonic(), self._queue.depth().total))
            self._ended.wait(_SAMPLE_SECONDS)
