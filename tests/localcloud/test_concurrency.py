"""Threads of the emulator do not undo each other's work."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ministack.services import dynamodb, eventbridge, sns, sqs

from localcloud.patches import dynamodb as dynamodb_patches
from localcloud.patches import sqs as sqs_patches
from tests.localcloud.races import bodies_after_a_message_arrives_during_a_deletion, statuses_of_two_conditional_puts


@pytest.fixture(autouse=True)
def unpatched_afterwards() -> Iterator[None]:
    """The patches under test change modules of this process, which other tests take as they come."""
    modules = (dynamodb, eventbridge, sns, sqs)
    originals = [dict(vars(module)) for module in modules]
    actions = dict(sqs._HANDLERS)
    yield
    for module, original in zip(modules, originals, strict=True):
        vars(module).update(original)
    sqs._HANDLERS.update(actions)


def test_of_two_conditional_puts_at_once_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    dynamodb_patches.install()
    assert statuses_of_two_conditional_puts(monkeypatch) == [200, 400]


def test_a_message_that_arrives_while_another_is_deleted_stays() -> None:
    sqs_patches.install()
    assert bodies_after_a_message_arrives_during_a_deletion() == ["new"]
