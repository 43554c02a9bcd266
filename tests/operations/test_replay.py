"""A replay respects its rate and neither loses nor duplicates messages, whatever SQS does and whenever it is killed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from client.moving import Message, MoveResult, OutgoingMessage, move, send_all
from tests.operations.simulated_queue import Killed, Misfortune, SimulatedQueue, VirtualClock

Choice = Callable[[Sequence[Message]], Sequence[OutgoingMessage | None]]

probabilities = st.sampled_from([0.0, 0.05, 0.3])
misfortunes = st.builds(
    Misfortune,
    seed=st.integers(0, 2**32),
    refused=probabilities,
    undeleted=probabilities,
    handed_out_again=probabilities,
)


def everything(messages: Sequence[Message]) -> list[OutgoingMessage | None]:
    return [OutgoingMessage(body=message.body) for message in messages]


def odd_ones(messages: Sequence[Message]) -> list[OutgoingMessage | None]:
    return [OutgoingMessage(body=message.body) if int(message.body) % 2 else None for message in messages]


class Run:
    """Two queues, and replays from one to the other."""

    def __init__(self, misfortune: Misfortune | None = None, *, messages: int, visibility_seconds: float = 300) -> None:
        self.clock = VirtualClock()
        self.misfortune = misfortune or Misfortune()
        self.source = SimulatedQueue(self.clock, self.misfortune, visibility_seconds=visibility_seconds)
        self.destination = SimulatedQueue(self.clock, self.misfortune)
        self.source.put(*(str(number) for number in range(messages)))

    def replay(
        self,
        choice: Choice = everything,
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


@given(misfortune=misfortunes, rate=st.integers(1, 120), messages=st.integers(0, 150))
@settings(max_examples=60)
def test_no_second_sees_more_than_the_rate(misfortune: Misfortune, rate: int, messages: int) -> None:
    run = Run(misfortune, messages=messages, visibility_seconds=10_000)

    run.replay(rate=rate)

    assert run.most_arrivals_in_a_second() <= rate


@given(misfortune=misfortunes, messages=st.integers(0, 120), visibility_seconds=st.sampled_from([1.0, 30.0, 300.0]))
@settings(max_examples=80)
def test_one_run_sends_each_message_once_and_keeps_what_is_refused(
    misfortune: Misfortune, messages: int, visibility_seconds: float
) -> None:
    run = Run(misfortune, messages=messages, visibility_seconds=visibility_seconds)

    result = run.replay()

    arrived = run.destination.copies()
    assert all(count == 1 for count in arrived.values())
    assert result.sent == len(arrived)
    assert {str(number) for number in range(messages)} == arrived.keys() | run.source.copies().keys()
    run.clock.sleep(visibility_seconds)
    assert len(run.source.visible_bodies()) == len(run.source.bodies) <= result.refused + result.undeleted


@given(
    misfortune=misfortunes,
    deadly_call=st.integers(1, 40),
    dies_before_effect=st.booleans(),
    messages=st.integers(1, 60),
    choice=st.sampled_from([everything, odd_ones]),
)
@example(
    misfortune=Misfortune(), deadly_call=2, dies_before_effect=False, messages=30, choice=everything
)  # sent, and not deleted
@settings(max_examples=200)
def test_killed_anywhere_and_run_again_it_loses_nothing_and_doubles_only_what_was_on_its_way(
    misfortune: Misfortune, deadly_call: int, dies_before_effect: bool, messages: int, choice: Choice
) -> None:
    run = Run(misfortune, messages=messages)
    misfortune.deadly_call, misfortune.dies_before_effect = deadly_call, dies_before_effect
    with suppress(Killed):
        run.replay(choice)
    after_death = run.destination.copies()
    on_its_way = run.source.copies().keys() & after_death.keys()
    assert all(count == 1 for count in after_death.values())
    if not misfortune.undeleted:
        assert len(on_its_way) <= 10
    run.source.risen.clear()

    misfortune.deadly_call = None
    run.clock.sleep(run.source.visibility_seconds)
    result = run.replay(choice)

    arrived = run.destination.copies()
    chosen = {str(number) for number in range(messages) if choice is everything or number % 2}
    assert arrived.keys() <= chosen
    assert chosen == arrived.keys() | (run.source.copies().keys() & chosen)
    assert len(chosen) - len(arrived) <= result.refused
    for body, count in arrived.items():
        assert count <= 1 + (body in on_its_way) + (body in run.source.risen), body


@pytest.mark.parametrize("dies_before_effect", [True, False])
def test_every_single_point_to_die_at_loses_nothing(dies_before_effect: bool) -> None:
    whole = Run(messages=18)
    whole.replay()

    for deadly_call in range(1, whole.misfortune.calls + 1):
        run = Run(Misfortune(deadly_call=deadly_call, dies_before_effect=dies_before_effect), messages=18)
        with pytest.raises(Killed):
            run.replay()
        on_its_way = run.source.copies().keys() & run.destination.copies().keys()

        run.misfortune.deadly_call = None
        run.clock.sleep(run.source.visibility_seconds)
        run.replay()

        assert run.source.bodies == {}
        assert run.destination.copies() == {str(number): 1 + (str(number) in on_its_way) for number in range(18)}


def test_what_is_not_chosen_stays_and_can_be_received_at_once_again() -> None:
    run = Run(messages=95)

    result = run.replay(odd_ones)

    assert (result.sent, result.left) == (47, 48)
    assert run.source.visible_bodies() == sorted(str(number) for number in range(0, 95, 2))


def test_messages_that_come_into_view_again_before_the_end_do_not_keep_it_busy_for_ever() -> None:
    run = Run(messages=400, visibility_seconds=1)

    result = run.replay(odd_ones, rate=10)

    assert result.sent == 200
    assert len(run.source.bodies) == 200


def test_a_queue_of_others_is_looked_through_up_to_a_bound() -> None:
    run = Run(messages=500)

    result = run.replay(lambda messages: [None] * len(messages), max_held=100)

    assert 100 <= result.left < 110
    assert len(run.source.visible_bodies()) == 500


def test_asked_to_stop_it_finishes_the_portion_and_shows_the_rest() -> None:
    run = Run(messages=200)

    def stop(result: MoveResult) -> None:
        run.clock.requested = result.sent >= 60

    result = run.replay(on_progress=stop)

    assert result.interrupted
    assert 60 <= result.sent < 70
    assert run.source.copies().keys().isdisjoint(run.destination.copies())
    assert len(run.source.visible_bodies()) == 200 - result.sent


def test_refused_message_is_sent_three_times_and_stays_in_its_queue() -> None:
    run = Run(Misfortune(refused=1), messages=5)

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


@given(misfortune=misfortunes, rate=st.integers(1, 60), messages=st.integers(0, 100))
@settings(max_examples=40)
def test_a_list_is_sent_once_in_order_of_portions_within_the_rate(
    misfortune: Misfortune, rate: int, messages: int
) -> None:
    run = Run(misfortune, messages=0)

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
