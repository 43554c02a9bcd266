"""The simulation of a stack on AWS at a steady rate, from the durations that the arithmetic uses."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bench.scale.arithmetic import Demand
from bench.scale.quotas import PIPE_BATCHES, PIPE_FIRST_BATCHES, PIPE_GROWTH_PER_MINUTE
from bench.scale.simulation import Function, Outcome, Pipe, Plan, Work, simulate
from operations.cost.work import BOOKKEEPING_SECONDS, VALIDATE

# A new environment and the imports of a function on Lambda's core: believed.
COLD_SECONDS = 0.7
HEADROOM = 1.25
"""Concurrency to reserve, as a multiple of what the steady state takes."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A rate for a while, from an idle stack.

    Args:
        demand: the rate and what a file takes.
        minutes: how long files arrive.
        has_room: whether functions have the concurrency that the rate takes, with headroom; else the settings'.
        pipes: pipes, each with its own queue, that share the files; one of them is simulated.
    """

    demand: Demand
    minutes: float
    has_room: bool
    pipes: int = 1

    def run(self) -> Outcome:
        """Simulate one of the pipes until files stop arriving."""
        seconds = 60 * self.minutes
        rate = self.demand.files_per_second / self.pipes
        return simulate(self._plan, [number / rate for number in range(int(seconds * rate))], until=seconds)

    @property
    def _plan(self) -> Plan:
        seconds = self.demand.function_seconds
        reserved = self._reserved

        def function(name: str) -> Function:
            return Function(
                call=Work(waiting=seconds[name]),
                concurrency=max(1, reserved[name] // self.pipes),
                cold=Work(waiting=COLD_SECONDS),
            )

        return Plan(
            pipe=Pipe(first=PIPE_FIRST_BATCHES, per_minute=PIPE_GROWTH_PER_MINUTE, most=round(PIPE_BATCHES.limit)),
            before=Work(waiting=BOOKKEEPING_SECONDS / 2),
            validate=function(VALIDATE),
            transforms=[function(name) for name in self.demand.work.transforms],
            after=Work(waiting=BOOKKEEPING_SECONDS / 2),
            transforms_at_a_time=self.demand.settings.map_concurrency,
        )

    @property
    def _reserved(self) -> dict[str, int]:
        if self.has_room:
            return with_headroom(self.demand)
        settings = self.demand.settings
        transforms = {name: each.reserved_concurrency for name, each in self.demand.work.transforms.items()}
        return {VALIDATE: settings.validate_.reserved_concurrency, **transforms}


def with_headroom(demand: Demand) -> dict[str, int]:
    """`reservedConcurrency` of each function for a rate; the API's function has no such setting."""
    # A fifth more than the mean is not enough for a handful of files: two of them may come at once.
    return {
        name: max(5, math.ceil(HEADROOM * environments))
        for name, environments in demand.concurrency.items()
        if name != "api"
    }
