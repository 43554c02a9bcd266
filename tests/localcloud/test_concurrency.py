"""Concurrent requests to the emulator do not overwrite each other's changes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ministack.services import dynamodb, eventbridge, sns, sqs

from localcloud.patches import dynamodb as dynamodb_patches
from localcloud.patches import sqs as sqs_patches
from tests.localcloud.races import bodies_after_a_message_arrives_during_a_deletion, statuses_of_two_conditional_puts


@pytest.fixture(autouse=True)
def restore_modules() -> Iterator[None]:
    """Restore the modules of this process that the tested patches change."""
    modules = (dynamodb, eventbridge, sns, sqs)
    originals = [dict(vars(module)) for module in modules]
    actions = dict(sqs._HANDLERS)
    yield
    for module, original in zip(modules, originals, strict=True):
        vars(module).update(original)
    sqs._HANDLERS.update(actions)


def test_one_of_two_concurrent_conditional_puts_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    dynamodb_patches.install()
    assert statuses_of_two_conditional_puts(monkeypatch) == [200, 400]


def test_a_message_sent_during_a_deletion_is_kept() -> None:
    sqs_patches.install()
    assert bodies_after_a_message_arrives_during_a_deletion() == ["new"]


def test_a_message_sent_while_an_event_source_mapping_deletes_is_kept() -> None:
    sqs_patches.install()
    assert bodies_after_a_message_arrives_during_a_deletion(by_mapping=True) == ["new"]
