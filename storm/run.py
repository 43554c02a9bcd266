"""A whole run: every fault alone, seeded combinations, a burst, a replay storm, a soak, and the planted bugs."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from storm.checker import Finding, Kind
from storm.faults.catalogue import all_faults
from storm.faults.fault import Fault
from storm.load import burst
from storm.planted import Catch, PlantedBug, all_bugs, plant
from storm.replays import ReplayStorm, storm
from storm.scenario import Result, play
from storm.testbed import Testbed, testbed

_WARM_FILES = 8
_FAULT_FILES, _COMBINATION_FILES, _SOAK_FILES = 12, 16, 16
_TOGETHER = 3


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run consists of.

    Args:
        seed: of every random choice.
        files: in the burst.
        seconds: of the soak; 0 leaves it out.
        replays: dead letters in the replay storm; 0 leaves it out.
        combinations: how many sets of faults are injected together before the burst.
        faults: names of the faults to inject; empty for all.
        bugs: names of the bugs to plant; None for all.
    """

    seed: int = 1
    files: int = 300
    seconds: float = 60
    replays: int = 2000
    combinations: int = 4
    faults: Sequence[str] = ()
    bugs: Sequence[str] | None = None


@dataclass(kw_only=True)
class Outcome:
    """What a run showed.

    Attributes:
        plan: what was run.
        files: uploads of the clients, each a version of a file.
        alone, together, soak: scenarios with one fault, with several, and those of the soak.
        burst: the burst, in which faults strike as well.
        replay: the replay storm; None if it was left out.
        orders: how many orders have which status at the end.
        attempts: attempts at these orders.
        findings: everything that the checker found, each once.
        catches: the planted bugs.
        seconds: how long all of it took.
    """

    plan: Plan
    files: int = 0
    alone: list[Result] = field(default_factory=list)
    together: list[Result] = field(default_factory=list)
    soak: list[Result] = field(default_factory=list)
    burst: Result | None = None
    replay: ReplayStorm | None = None
    orders: Counter[str] = field(default_factory=Counter)
    attempts: int = 0
    findings: set[Finding] = field(default_factory=set)
    catches: list[Catch] = field(default_factory=list)
    seconds: float = 0

    @property
    def scenarios(self) -> Iterator[Result]:
        """Every scenario."""
        yield from self.alone
        yield from self.together
        if self.burst:
            yield self.burst
        yield from self.soak

    @property
    def faults(self) -> int:
        """How many different faults have struck."""
        return len(
            {name for result in self.scenarios for name, fired in zip(result.names, result.fired, strict=True) if fired}
        )

    @property
    def failures(self) -> list[str]:
        """Scenarios that did not do what they are there for: a fault that never struck, a pipeline never idle."""
        return [str(result) for result in self.scenarios if result.failure]

    @property
    def is_good(self) -> bool:
        """Whether every count is as it should be."""
        return not self.findings and not self.failures and all(catch.is_caught for catch in self.catches)

    def __str__(self) -> str:
        counts = Counter(finding.kind for finding in self.findings)
        found = " ".join(f"{kind}={counts[kind]}" for kind in Kind)
        caught = sum(catch.is_caught for catch in self.catches)
        return (
            f"storm: files={self.files} faults={self.faults} {found} "
            f"planted={len(self.catches)} caught={caught} seconds={self.seconds:.0f}"
        )


def run(plan: Plan, say: Callable[[str], None]) -> Outcome:
    """Run a plan; `say` is told of each step when it has ended."""
    started, outcome = time.monotonic(), Outcome(plan=plan)

    def told(result: Result) -> Result:
        say(f"{time.monotonic() - started:5.0f} s  {result}")
        for finding in result.findings:
            if finding not in outcome.findings:
                say(f"         {finding}")
        outcome.findings |= set(result.findings)
        return result

    with testbed(plan.seed) as bed:
        burst(bed, _WARM_FILES, "warm")
        bed.await_idle(60)
        for number, fault in enumerate(_chosen(plan)):
            outcome.alone.append(told(play(bed, [fault], _FAULT_FILES, f"alone{number}")))
        for number in range(plan.combinations):
            faults = _combination(bed, plan, f"together{number}")
            outcome.together.append(told(play(bed, faults, _COMBINATION_FILES, f"together{number}")))
        if plan.files:
            outcome.burst = told(play(bed, _combination(bed, plan, "burst"), plan.files, "burst"))
        if plan.replays:
            outcome.replay = storm(bed, plan.replays)
            say(f"{time.monotonic() - started:5.0f} s  {outcome.replay}")
        _soak(bed, plan, outcome, told)
        told(play(bed, [], 0, "end"))
        outcome.files, orders = bed.files, bed.observer.orders()
        outcome.orders = Counter(row["status"] for row in orders)
        outcome.attempts = sum(int(row.get("attempts", 0)) for row in orders)
    _plant_bugs(plan, outcome, say, started)
    outcome.seconds = time.monotonic() - started
    return outcome


def _chosen(plan: Plan) -> list[Fault]:
    return [fault for fault in all_faults() if not plan.faults or fault.name in plan.faults]


def _combination(bed: Testbed, plan: Plan, name: str) -> list[Fault]:
    """Several faults that the seed chooses."""
    faults = [fault for fault in _chosen(plan) if fault.is_combined]
    return bed.chance(f"{name}/faults").sample(faults, min(_TOGETHER, len(faults)))


def _soak(bed: Testbed, plan: Plan, outcome: Outcome, told: Callable[[Result], Result]) -> None:
    """One combination after the other until the time is over."""
    ending, number = time.monotonic() + plan.seconds, 0
    while time.monotonic() < ending:
        number += 1
        name = f"soak{number}"
        outcome.soak.append(told(play(bed, _combination(bed, plan, name), _SOAK_FILES, name)))


def _plant_bugs(plan: Plan, outcome: Outcome, say: Callable[[str], None], started: float) -> None:
    """Plant the bugs in a stack of their own, whose findings are not those of the run."""
    bugs: list[PlantedBug] = [bug for bug in all_bugs() if plan.bugs is None or bug.name in plan.bugs]
    if not bugs:
        return
    with testbed(plan.seed) as bed:
        for number, bug in enumerate(bugs):
            catch = plant(bed, bug, f"planted{number}")
            outcome.catches.append(catch)
            say(f"{time.monotonic() - started:5.0f} s  {catch}")
