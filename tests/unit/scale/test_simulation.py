"""The simulation does what queueing theory says, and what a person can follow by hand."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bench.scale.embedded import Calibration
from bench.scale.simulation import Function, Pipe, Plan, Work, simulate
from operations.cost.work import VALIDATE

MANY = 10_000


def plan(
    *,
    slots: int = MANY,
    per_minute: float = 0.0,
    most: int = MANY,
    validate: Function | None = None,
    transforms: Sequence[Function] = (),
    after: Work | None = None,
    transforms_at_a_time: int = 10,
    cores: int | None = None,
    has_one_server: bool = False,
) -> Plan:
    """A plan in which validate takes two seconds, and nothing else takes time."""
    return Plan(
        pipe=Pipe(first=slots, per_minute=per_minute, most=most),
        before=Work(),
        validate=validate or Function(call=Work(waiting=2), concurrency=MANY),
        transforms=transforms,
        after=after or Work(),
        transforms_at_a_time=transforms_at_a_time,
        cores=cores,
        has_one_server=has_one_server,
    )


def steady(rate: float, seconds: float) -> list[float]:
    return [number / rate for number in range(int(rate * seconds))]


@pytest.mark.parametrize(("rate", "running"), [(0.5, 1), (10, 20), (100, 200)])
def test_littles_law_holds_in_the_steady_state(rate: float, running: int) -> None:
    """Files in the system are the rate times the two seconds that each stays."""
    outcome = simulate(plan(), steady(rate, 60))
    assert outcome.most_running == pytest.approx(running, abs=1)
    assert outcome.most_waiting == 0
    assert len(outcome.finished) == rate * 60


def test_a_queue_grows_where_capacity_is_short() -> None:
    """Ten files a second come; ten slots of two seconds take five."""
    outcome = simulate(plan(slots=10), steady(10, 60), until=60)
    assert len(outcome.finished) == pytest.approx(5 * 60, abs=20)
    assert outcome.depth[-1][1] == pytest.approx(300, abs=20)
    # The last one that was received came half a minute before.
    assert outcome.waits[-1] == pytest.approx(30, abs=2)


def test_a_queue_that_is_emptied_loses_no_file() -> None:
    outcome = simulate(plan(slots=10), steady(10, 60))
    assert len(outcome.finished) == len(outcome.waits) == 600
    assert outcome.seconds == pytest.approx(120, abs=2)


def test_a_function_runs_as_many_calls_as_its_concurrency_and_starts_an_environment_for_each() -> None:
    transform = Function(call=Work(waiting=1), concurrency=4, cold=Work(waiting=0.5))
    outcome = simulate(plan(validate=Function(call=Work(), concurrency=1), transforms=[transform]), [0.0] * 40)
    assert outcome.cold_starts == 4 + 1
    assert outcome.seconds == pytest.approx(0.5 + 40 / 4)


def test_an_environment_that_is_there_is_not_started() -> None:
    validate = Function(call=Work(waiting=1), concurrency=2, cold=Work(waiting=9), warm=2)
    outcome = simulate(plan(validate=validate), [0.0] * 4)
    assert (outcome.cold_starts, outcome.seconds) == (0, 2)


@pytest.mark.parametrize(("at_a_time", "seconds"), [(10, 3), (1, 6)])
def test_transforms_of_a_file_run_side_by_side_as_many_as_may(at_a_time: int, seconds: float) -> None:
    transforms = [Function(call=Work(waiting=each), concurrency=9) for each in (1, 2, 3)]
    none = Function(call=Work(), concurrency=9)
    outcome = simulate(plan(validate=none, transforms=transforms, transforms_at_a_time=at_a_time), [0.0])
    assert outcome.seconds == seconds


def test_a_pipe_adds_slots_while_files_wait_up_to_the_most() -> None:
    grown = simulate(plan(slots=5, per_minute=60, most=1000), steady(20, 60))
    # 40 slots are needed, and one comes every second.
    assert 38 <= grown.most_running <= 75
    assert simulate(plan(slots=5, per_minute=60, most=8), steady(20, 60)).most_running == 8
    assert simulate(plan(slots=5, per_minute=60, most=1000), steady(1, 60)).most_running <= 3


def test_one_server_does_one_thing_at_a_time_and_cores_are_shared() -> None:
    server = Function(call=Work(server=1), concurrency=MANY)
    core = Function(call=Work(core=1), concurrency=MANY)
    assert simulate(plan(validate=server, has_one_server=True, cores=2), [0.0] * 6).seconds == 6
    assert simulate(plan(validate=core, cores=2), [0.0] * 6).seconds == 3
    # The server needs a core as well: six seconds of its own beside six of the functions, on two cores.
    both = plan(validate=server, after=Work(core=1), has_one_server=True, cores=2)
    assert simulate(both, [0.0] * 6).seconds == pytest.approx(7)


def test_on_one_core_files_take_as_long_as_each_takes_alone() -> None:
    found = Calibration(before=0.1, functions={VALIDATE: 0.1, "a": 0.3, "b": 0.2}, after=0.1, server_share=0.4)
    assert simulate(found.plan(pipe_slots=1, cores=1), [0.0] * 10).seconds == pytest.approx(8)
    assert simulate(found.plan(pipe_slots=4, cores=1), [0.0] * 10).seconds == pytest.approx(8)
    faster = simulate(found.plan(pipe_slots=4, cores=2), [0.0] * 10).seconds
    assert 4 <= faster < 6
