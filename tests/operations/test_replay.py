"""A replay respects its rate and neither loses nor duplicates messages, whatever SQS does and whenever it is killed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contract.moving import Message, MoveResult, OutgoingMessage, move, send_all
from tests.operations.simulated_queue import Faults, Killed, SimulatedQueue, VirtualClock

Choice = Callable[[Sequence[Message]], Sequence[OutgoingMessage | None]]

probabilities = st.sampled_from([0.0, 0.05, 0.3])
any_faults = st.builds(
    Faults,
    seed=st.integers(0, 2**32),
    refused=probabilities,
    undeleted=probabilities,
    redelivered=probabilities,
)


def all_messages(messages: Sequence[Message]) -> list[OutgoingMessage | None]:
    return [OutgoingMessage(body=message.body) for message in messages]


def odd_messages(messages: Sequence[Message]) -> list[OutgoingMessage | None]:
    return [OutgoingMessage(body=message.body) if int(message.body) % 2 else None for message in messages]


class Run:
    """Two queues, and replays from one to the other."""

    def __init__(self, faults: Faults | None = None, *, messages: int, visibility_seconds: float = 300) -> None:
        self.clock = VirtualClock()
        self.faults = faults or Faults()
        self.source = SimulatedQueue(self.clock, self.faults, visibility_seconds=visibility_seconds)
        self.destination = SimulatedQueue(self.clock, self.faults)
        self.source.put(*(str(number) for number in range(messages)))

    def replay(
        self,
        choice: Choice = all_messages,
        *,
        rate: int = 50,
        max_held: int = 100_000,
        on_progress: Callable[[MoveResult], None] = lambda _: None,
    ) -> MoveResult:
        return move(
            self.source,
            self.destination,
            choice,
            rate=rate,
            clock=self.clock,
            max_held=max_held,
            on_progress=on_progress,
        )

    def most_arrivals_in_a_second(self) -> int:
        times, first, most = self.destination.arrivals, 0, 0
        for last, arrived in enumerate(times):
            while times[first] <= arrived - 1:
                first += 1
            most = max(most, last - first + 1)
        return most


def test_fifty_thousand_messages_at_fifty_a_second_never_exceed_their_rate_in_any_second() -> None:
    run = Run(messages=50_000)
    started = run.clock.time

    result = run.replay(rate=50)

    assert (result.sent, result.left, result.refused, result.undeleted) == (50_000, 0, 0, 0)
    assert run.most_arrivals_in_a_second() <= 50
    assert run.clock.time - started < 50_000 / 50 * 1.1, "and it uses the rate it is allowed"
    assert set(run.destination.copies().values()) == {1}
    assert len(run.destination.bodies) == 50_000
    assert run.source.bodies == {}


@given(faults=any_faults, rate=st.integers(1, 120), messages=st.integers(0, 150))
@settings(max_examples=60)
def test_rate_is_not_exceeded_in_any_second(faults: Faults, rate: int, messages: int) -> None:
    run = Run(faults, messages=messages, visibility_seconds=10_000)

    run.replay(rate=rate)

    assert run.most_arrivals_in_a_second() <= rate


@given(faults=any_faults, messages=st.integers(0, 120), visibility_seconds=st.sampled_from([1.0, 30.0, 300.0]))
@settings(max_examples=80)
def test_one_run_sends_each_message_once_and_keeps_what_is_refused(
    faults: Faults, messages: int, visibility_seconds: float
) -> None:
    run = Run(faults, messages=messages, visibility_seconds=visibility_seconds)

    result = run.replay()

    arrived = run.destination.copies()
    assert all(count == 1 for count in arrived.values())
    assert result.sent == len(arrived)
    assert {str(number) for number in range(messages)} == arrived.keys() | run.source.copies().keys()
    run.clock.sleep(visibility_seconds)
    assert len(run.source.visible_bodies()) == len(run.source.bodies) <= result.refused + result.undeleted


@given(
    faults=any_faults,
    killed_at_call=st.integers(1, 40),
    killed_before_effect=st.booleans(),
    messages=st.integers(1, 60),
    choice=st.sampled_from([all_messages, odd_messages]),
)
@example(
    faults=Faults(), killed_at_call=2, killed_before_effect=False, messages=30, choice=all_messages
)  # sent, and not deleted
@settings(max_examples=200)
def test_replay_killed_at_any_point_and_repeated_loses_nothing_and_duplicates_one_batch_at_most(
    faults: Faults, killed_at_call: int, killed_before_effect: bool, messages: int, choice: Choice
) -> None:
    run = Run(faults, messages=messages)
    faults.killed_at_call, faults.killed_before_effect = killed_at_call, killed_before_effect
    with suppress(Killed):
        run.replay(choice)
    sent_before_the_kill = run.destination.copies()
    in_both_queues = run.source.copies().keys() & sent_before_the_kill.keys()
    assert all(count == 1 for count in sent_before_the_kill.values())
    if not faults.undeleted:
        assert len(in_both_queues) <= 10
    run.source.redelivered_after_delete.clear()

    faults.killed_at_call = None
    run.clock.sleep(run.source.visibility_seconds)
    result = run.replay(choice)

    arrived = run.destination.copies()
    chosen = {str(number) for number in range(messages) if choice is all_messages or number % 2}
    assert arrived.keys() <= chosen
    assert chosen == arrived.keys() | (run.source.copies().keys() & chosen)
    assert len(chosen) - len(arrived) <= result.refused
    for body, count in arrived.items():
        assert count <= 1 + (body in in_both_queues) + (body in run.source.redelivered_after_delete), body


@pytest.mark.parametrize("killed_before_effect", [True, False])
def test_replay_killed_at_each_single_call_loses_nothing(killed_before_effect: bool) -> None:
    whole = Run(messages=18)
    whole.replay()

    for killed_at_call in range(1, whole.faults.calls + 1):
        run = Run(Faults(killed_at_call=killed_at_call, killed_before_effect=killed_before_effect), messages=18)
        with pytest.raises(Killed):
            run.replay()
        in_both_queues = run.source.copies().keys() & run.destination.copies().keys()

        run.faults.killed_at_call = None
        run.clock.sleep(run.source.visibility_seconds)
        run.replay()

        assert run.source.bodies == {}
        assert run.destination.copies() == {str(number): 1 + (str(number) in in_both_queues) for number in range(18)}


def test_messages_that_are_not_chosen_are_visible_again_at_the_end() -> None:
    run = Run(messages=95)

    result = run.replay(odd_messages)

    assert (result.sent, result.left) == (47, 48)
    assert run.source.visible_bodies() == sorted(str(number) for number in range(0, 95, 2))


def test_replay_ends_although_messages_become_visible_again_during_it() -> None:
    run = Run(messages=400, visibility_seconds=1)

    result = run.replay(odd_messages, rate=10)

    assert result.sent == 200
    assert len(run.source.bodies) == 200


def test_at_most_max_held_messages_that_are_not_chosen_are_read() -> None:
    run = Run(messages=500)

    result = run.replay(lambda messages: [None] * len(messages), max_held=100)

    assert 100 <= result.left < 110
    assert len(run.source.visible_bodies()) == 500


def test_request_to_stop_finishes_the_batch_and_releases_the_rest() -> None:
    run = Run(messages=200)

    def stop(result: MoveResult) -> None:
        run.clock.requested = result.sent >= 60

    result = run.replay(on_progress=stop)

    assert result.interrupted
    assert 60 <= result.sent < 70
    assert run.source.copies().keys().isdisjoint(run.destination.copies())
    assert len(run.source.visible_bodies()) == 200 - result.sent


def test_refused_message_is_sent_three_times_and_stays_in_its_queue() -> None:
    run = Run(Faults(refused=1), messages=5)

    result = run.replay()

    assert (result.sent, result.refused) == (0, 5)
    assert len(run.source.visible_bodies()) == 5


def test_copies_keep_their_attributes() -> None:
    attributes = {"ERROR_CODE": {"DataType": "String", "StringValue": "NO_PERMISSIONS"}}
    received: list[OutgoingMessage] = []

    class Recorder:
        def send(self, copies: Sequence[OutgoingMessage]) -> list[int]:
            received.extend(copies)
            return []

    run = Run(messages=1)
    move(
        run.source,
        Recorder(),
        lambda messages: [OutgoingMessage(body=message.body, message_attributes=attributes) for message in messages],
        rate=1,
        clock=run.clock,
        max_held=10,
    )

    assert received == [OutgoingMessage(body="0", message_attributes=attributes)]


@given(faults=any_faults, rate=st.integers(1, 60), messages=st.integers(0, 100))
@settings(max_examples=40)
def test_list_is_sent_once_in_batches_in_order_within_the_rate(faults: Faults, rate: int, messages: int) -> None:
    run = Run(faults, messages=0)

    result = send_all(
        (OutgoingMessage(body=str(number)) for number in range(messages)), run.destination, rate=rate, clock=run.clock
    )

    assert run.most_arrivals_in_a_second() <= rate
    assert result.settled == messages == result.sent + result.refused
    assert all(count == 1 for count in run.destination.copies().values())


def test_interrupted_list_continues_after_the_settled_messages() -> None:
    run = Run(messages=0)

    def stop(result: MoveResult) -> None:
        run.clock.requested = result.sent >= 40

    numbers = [OutgoingMessage(body=str(number)) for number in range(100)]
    result = send_all(numbers, run.destination, rate=1000, clock=run.clock, on_progress=stop)
    assert result.interrupted
    run.clock.requested = False

    send_all(numbers[result.settled :], run.destination, rate=1000, clock=run.clock)

    assert run.destination.copies() == {str(number): 1 for number in range(100)}
