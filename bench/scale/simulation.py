"""A discrete-event simulation of the queue, the pipe, the workflow and its functions.

Messages wait in a queue until the pipe has a free slot. A slot runs one workflow: work before validate, validate, the
transforms side by side, work after them. A function that has no free environment within its concurrency makes its
caller wait; on AWS the workflow would try again after a while. An environment's first call takes longer.

On one machine everything shares its cores, and what the embedded cloud does itself is done by one process, which
executes one thread of Python at a time. On AWS neither is limited.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count

Action = Callable[[], None]


@dataclass(frozen=True, kw_only=True)
class Work:
    """Seconds of waiting for nothing, of the one server, and of a core; one after the other."""

    waiting: float = 0.0
    server: float = 0.0
    core: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Function:
    """A function.

    Attributes:
        call: what a call takes.
        concurrency: calls at a time.
        cold: what an environment's first call takes in addition.
        warm: environments that are there from the beginning.
    """

    call: Work
    concurrency: int
    cold: Work = Work()
    warm: int = 0


@dataclass(frozen=True, kw_only=True)
class Pipe:
    """Slots of a pipe: how many at the start, what is added a minute while messages wait, and the most."""

    first: int
    per_minute: float = 0.0
    most: int


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is simulated.

    Attributes:
        pipe: its slots.
        before: from the message's receipt to the call of validate.
        validate: the function.
        transforms: the functions that run side by side.
        after: from the last transform to the deletion of the message.
        transforms_at_a_time: of one file.
        cores: of the machine; None for as many as wanted.
        has_one_server: whether there is one server for all work of that kind.
    """

    pipe: Pipe
    before: Work
    validate: Function
    transforms: Sequence[Function]
    after: Work
    transforms_at_a_time: int = 10
    cores: int | None = None
    has_one_server: bool = False


@dataclass(kw_only=True)
class Outcome:
    """What happened.

    Attributes:
        finished: when each message was deleted, in this order.
        waits: how long each message waited in the queue, in the order of their receipt.
        most_waiting: messages in the queue at its longest.
        most_running: workflows at a time at the most.
        cold_starts: environments that were started.
        depth: (time, messages in the queue) at each whole minute.
    """

    finished: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    most_waiting: int = 0
    most_running: int = 0
    cold_starts: int = 0
    depth: list[tuple[float, int]] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """From the beginning to the last deletion."""
        return max(self.finished, default=0.0)


class _Clock:
    """Runs actions in the order of their times."""

    def __init__(self) -> None:
        self.now = 0.0
        self._agenda: list[tuple[float, int, Action]] = []
        self._numbers = count()

    def after(self, seconds: float, action: Action) -> None:
        heapq.heappush(self._agenda, (self.now + seconds, next(self._numbers), action))

    def run(self, until: float) -> None:
        while self._agenda and self._agenda[0][0] <= until:
            self.now, _, action = heapq.heappop(self._agenda)
            action()


class _Station:
    """Places of which each is held by one at a time; the others wait in the order in which they came."""

    def __init__(self, places: int | None) -> None:
        self._free = places
        self.waiting: deque[Action] = deque()

    def take(self, then: Action) -> None:
        if self._free is None:
            then()
        elif self._free:
            self._free -= 1
            then()
        else:
            self.waiting.append(then)

    def give_back(self) -> None:
        if self._free is None:
            return
        if self.waiting:
            self.waiting.popleft()()
        else:
            self._free += 1


class _Environments:
    """A function's environments."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.places = _Station(function.concurrency)
        self.warm = function.warm
        self.started = 0


class _Simulation:
    def __init__(self, plan: Plan) -> None:
        self._plan, self._clock, self.outcome = plan, _Clock(), Outcome()
        self._cores = _Station(plan.cores)
        self._server = _Station(1 if plan.has_one_server else None)
        self._validate = _Environments(plan.validate)
        self._transforms = [_Environments(function) for function in plan.transforms]
        self._slots = self._free_slots = plan.pipe.first
        self._queue: deque[float] = deque()

    def run(self, arrivals: Sequence[float], until: float) -> Outcome:
        self._arrivals = iter(arrivals)
        self._await_next()
        if self._plan.pipe.per_minute:
            self._clock.after(60 / self._plan.pipe.per_minute, self._grow)
        self._clock.after(0, self._note)
        self._expected = len(arrivals)
        self._clock.run(until)
        self.outcome.cold_starts = sum(each.started for each in (self._validate, *self._transforms))
        return self.outcome

    def _await_next(self) -> None:
        """Plan the next arrival alone, so that the agenda stays short."""
        at = next(self._arrivals, None)
        if at is not None:
            self._clock.after(at - self._clock.now, self._arrive)

    def _arrive(self) -> None:
        self._await_next()
        self._queue.append(self._clock.now)
        self._receive()
        self.outcome.most_waiting = max(self.outcome.most_waiting, len(self._queue))

    def _receive(self) -> None:
        while self._queue and self._free_slots:
            self._free_slots -= 1
            self.outcome.waits.append(self._clock.now - self._queue.popleft())
            self.outcome.most_running = max(self.outcome.most_running, self._slots - self._free_slots)
            self._do(self._plan.before, lambda: self._call(self._validate, self._transform))

    def _grow(self) -> None:
        if self._slots < self._plan.pipe.most and len(self.outcome.finished) < self._expected:
            if self._queue:
                self._slots += 1
                self._free_slots += 1
                self._receive()
            self._clock.after(60 / self._plan.pipe.per_minute, self._grow)

    def _note(self) -> None:
        self.outcome.depth.append((self._clock.now, len(self._queue)))
        if len(self.outcome.finished) < self._expected:
            self._clock.after(60, self._note)

    def _transform(self) -> None:
        left, open_ = deque(self._transforms), len(self._transforms)

        def ended() -> None:
            nonlocal open_
            open_ -= 1
            if left:
                self._call(left.popleft(), ended)
            elif not open_:
                self._do(self._plan.after, self._finish)

        if not left:
            self._do(self._plan.after, self._finish)
        for _ in range(min(self._plan.transforms_at_a_time, len(left))):
            self._call(left.popleft(), ended)

    def _finish(self) -> None:
        self.outcome.finished.append(self._clock.now)
        self._free_slots += 1
        self._receive()

    def _call(self, environments: _Environments, then: Action) -> None:
        function = environments.function

        def ended() -> None:
            environments.warm += 1
            environments.places.give_back()
            then()

        def begin() -> None:
            if environments.warm:
                environments.warm -= 1
                self._do(function.call, ended)
            else:
                environments.started += 1
                self._do(function.cold, lambda: self._do(function.call, ended))

        environments.places.take(begin)

    def _do(self, work: Work, then: Action) -> None:
        def on_core() -> None:
            self._hold(self._cores, work.core, then)

        def on_server() -> None:
            if work.server:
                self._hold(self._server, work.server, on_core, and_core=True)
            else:
                on_core()

        if work.waiting:
            self._clock.after(work.waiting, on_server)
        else:
            on_server()

    def _hold(self, station: _Station, seconds: float, then: Action, *, and_core: bool = False) -> None:
        """Hold a place for a while, and a core with it."""
        if not seconds:
            then()
            return

        def release() -> None:
            if and_core:
                self._cores.give_back()
            station.give_back()
            then()

        def taken() -> None:
            if and_core:
                self._cores.take(lambda: self._clock.after(seconds, release))
            else:
                self._clock.after(seconds, release)

        station.take(taken)


def simulate(plan: Plan, arrivals: Sequence[float], until: float = float("inf")) -> Outcome:
    """Run messages that arrive at these times, in seconds, through the plan.

    Args:
        plan: what they pass.
        arrivals: when each is sent to the queue, in this order.
        until: when to stop; by default, when all have been deleted.
    """
    return _Simulation(plan).run(arrivals, until)
