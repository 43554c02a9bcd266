"""The checker finds each kind of contradiction on a history made by hand, and none where there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from contract.dead_letters.causes import DeadLetter
from contract.moving import Message
from storm.checker import GRACE, Kind, check
from storm.history import Deleted, FaultWindow, History, Ordered, Replayed, Uploaded
from storm.world import Notification, Version, World

KEY, OLD, NEW = "uploads/cat.jpg", "v1", "v2"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
AT = "2026-01-01T00:00:00.000Z"


def uploaded(version_id: str | None, *, sha256: str = "", is_acceptable: bool = True) -> Uploaded:
    return Uploaded(
        file_key=KEY, sha256=sha256 or f"sha of {version_id}", is_acceptable=is_acceptable, version_id=version_id
    )


def job(version_id: str, status: str = "COMPLETED", **values: Any) -> dict[str, Any]:
    row = {
        "jobId": f"job of {version_id}",
        "fileKey": KEY,
        "versionId": version_id,
        "sequencer": version_id,
        "status": status,
        "finishedAt": AT,
    }
    return {name: value for name, value in (row | values).items() if value is not None}


def rendition(version_id: str) -> str:
    return f"processed/{KEY}/{version_id}/w160.jpg"


def record(version_id: str, **values: Any) -> dict[str, Any]:
    return {
        "fileKey": KEY,
        "versionId": version_id,
        "sequencer": version_id,
        "run": "",
        "sha256": f"sha of {version_id}",
        "persistedAt": AT,
        "renditions": [{"key": rendition(version_id)}],
    } | values


def notification(version_id: str, type: str = "AssetReady", **values: Any) -> Notification:
    message = {"type": type, "fileKey": KEY, "versionId": version_id, "sequencer": version_id, "run": ""}
    return Notification(message=message | values, sent_at=round(NOW.timestamp() * 1000) + 5)


def rejection(version_id: str) -> dict[str, Any]:
    return {"file": {"versionId": version_id}}


def dead_letter(version_id: str, **values: Any) -> DeadLetter:
    detail = {"bucket": {"name": "ingest"}, "object": {"key": KEY, "version-id": version_id}}
    about: dict[str, Any] = {
        "queue": "transform",
        "message": Message(message_id="1", receipt_handle="1", body="", sent_at=0),
        "cause": "SNS.SnsException",
        "reason": "It failed.",
        "hint": "Replay it.",
        "file_key": KEY,
        "job_id": "",
        "failed_at": NOW,
        "body": {"detail": detail},
    }
    return DeadLetter(**about | values)


def good_history() -> History:
    return History(uploads=[uploaded(OLD), uploaded(NEW)])


def good_world() -> World:
    """Two versions of a key, both completed, the newer one on record."""
    return World(
        versions={KEY: [Version(version_id=NEW), Version(version_id=OLD)]},
        jobs={OLD: job(OLD), NEW: job(NEW)},
        assets={KEY: record(NEW)},
        renditions=frozenset({rendition(OLD), rendition(NEW)}),
        notifications=[notification(OLD), notification(NEW)],
    )


def kinds(history: History, world: World) -> set[Kind]:
    return {finding.kind for finding in check(history, world)}


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    assert check(good_history(), good_world()) == []


Change = Callable[[World], World]
WRONG: dict[str, tuple[Kind, Change]] = {
    "version not in the bucket": (
        Kind.LOST,
        lambda world: replace(world, versions={KEY: [Version(version_id=NEW)]}),
    ),
    "no job": (Kind.LOST, lambda world: replace(world, jobs={NEW: job(NEW)})),
    "no record": (Kind.LOST, lambda world: replace(world, assets={})),
    "no rendition": (Kind.LOST, lambda world: replace(world, renditions=frozenset())),
    "record without renditions": (Kind.LOST, lambda world: replace(world, assets={KEY: record(NEW, renditions=[])})),
    "no notification": (Kind.LOST, lambda world: replace(world, notifications=[notification(NEW)])),
    "no webhook": (Kind.LOST, lambda world: replace(world, has_webhooks=True)),
    "two jobs": (Kind.DOUBLED, lambda world: replace(world, jobs={**world.jobs, "other": job(NEW, jobId="other")})),
    "notifications that differ": (
        Kind.DOUBLED,
        lambda world: replace(world, notifications=[*world.notifications, notification(NEW, bytes=1)]),
    ),
    "older version on record": (Kind.STALE, lambda world: replace(world, assets={KEY: record(OLD)})),
    "older content on record": (
        Kind.STALE,
        lambda world: replace(world, assets={KEY: record(NEW, sha256=f"sha of {OLD}")}),
    ),
    "older renditions on record": (
        Kind.STALE,
        lambda world: replace(world, assets={KEY: record(NEW, renditions=[{"key": rendition(OLD)}])}),
    ),
    "superseded by nothing": (
        Kind.STALE,
        lambda world: replace(world, jobs={OLD: job(OLD), NEW: job(NEW, "SUPERSEDED")}),
    ),
    "announced before it was recorded": (
        Kind.STALE,
        lambda world: replace(world, assets={KEY: record(NEW, persistedAt="2026-01-01T00:00:00.006Z")}),
    ),
    "deleted and on record": (
        Kind.STALE,
        lambda world: replace(
            world, versions={KEY: [Version(version_id="marker", is_deletion=True), *world.versions[KEY]]}
        ),
    ),
    "job without an end": (
        Kind.UNEXPLAINED,
        lambda world: replace(world, jobs={**world.jobs, OLD: job(OLD, "PROCESSING", finishedAt=None)}),
    ),
    "failed job without a dead letter": (
        Kind.LOST,
        lambda world: replace(
            world, jobs={**world.jobs, OLD: job(OLD, "FAILED", finishedAt=None, reasonCode="Error", hint="Replay it.")}
        ),
    ),
    "acceptable file rejected": (
        Kind.UNEXPLAINED,
        lambda world: replace(
            world,
            jobs={**world.jobs, OLD: job(OLD, "REJECTED", reasonCode="DAMAGED", hint="Repair it.")},
            notifications=[notification(NEW), notification(OLD, "AssetRejected")],
            rejections=[rejection(OLD)],
        ),
    ),
    "failed attempt without a fault": (
        Kind.UNEXPLAINED,
        lambda world: replace(world, jobs={**world.jobs, OLD: job(OLD, stages=[{"stage": "FAILED", "at": AT}])}),
    ),
    "version of nobody": (
        Kind.UNEXPLAINED,
        lambda world: replace(
            world,
            versions={KEY: [*world.versions[KEY], Version(version_id="v0")]},
            jobs={**world.jobs, "v0": job("v0")},
            notifications=[*world.notifications, notification("v0")],
        ),
    ),
    "message that stays": (Kind.UNEXPLAINED, lambda world: replace(world, depths={"transform-queue": 1})),
    "unreadable dead letter": (
        Kind.UNEXPLAINED,
        lambda world: replace(world, dead_letters=[dead_letter(OLD, cause="UNREADABLE")]),
    ),
    "dead letter without a hint": (
        Kind.UNEXPLAINED,
        lambda world: replace(world, dead_letters=[dead_letter(OLD, hint="")]),
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_found_as_what_it_is(what: str) -> None:
    kind, change = WRONG[what]

    assert kinds(good_history(), change(good_world())) == {kind}


def test_rejected_file_has_to_be_a_dead_letter_with_a_reason() -> None:
    history = History(uploads=[uploaded(OLD, is_acceptable=False)])
    rejected = job(OLD, "REJECTED", reasonCode="DAMAGED", hint="Repair it.")
    world = World(
        versions={KEY: [Version(version_id=OLD)]},
        jobs={OLD: rejected},
        notifications=[notification(OLD, "AssetRejected")],
        rejections=[rejection(OLD)],
    )

    assert check(history, world) == []
    assert kinds(history, replace(world, rejections=[])) == {Kind.LOST}
    assert kinds(history, replace(world, jobs={OLD: rejected | {"hint": ""}})) == {Kind.UNEXPLAINED}
    assert kinds(history, replace(world, jobs={OLD: job(OLD)}, assets={KEY: record(OLD)})) >= {Kind.UNEXPLAINED}


def test_second_copy_of_a_notification_is_no_doubled_effect() -> None:
    world = good_world()

    assert check(good_history(), replace(world, notifications=[*world.notifications, *world.notifications])) == []


def test_dead_letter_accounts_for_a_job_without_an_end() -> None:
    row = job(NEW, "FAILED", finishedAt=None, reasonCode="SNS.SnsException", hint="Replay it.")
    world = replace(
        good_world(),
        jobs={OLD: job(OLD), NEW: row},
        assets={KEY: record(OLD)},
        notifications=[notification(OLD)],
        dead_letters=[dead_letter(NEW)],
    )

    assert check(good_history(), world) == []


def test_upload_without_an_answer_may_be_stored_or_not() -> None:
    history = History(uploads=[uploaded(OLD), uploaded(None, sha256=f"sha of {NEW}")])
    only_old = replace(
        good_world(),
        versions={KEY: [Version(version_id=OLD)]},
        jobs={OLD: job(OLD)},
        assets={KEY: record(OLD)},
        notifications=[notification(OLD)],
    )

    assert check(history, good_world()) == []
    assert check(history, only_old) == []


def test_acknowledged_deletion_has_a_marker_and_no_record() -> None:
    history = History(uploads=[uploaded(OLD), uploaded(NEW)], deletions=[Deleted(file_key=KEY, marker_id="marker")])
    marker = Version(version_id="marker", is_deletion=True)
    world = replace(good_world(), versions={KEY: [marker, Version(version_id=NEW), Version(version_id=OLD)]})
    deleted = {"fileKey": KEY, "versionId": "marker", "sequencer": "v3", "deletedAt": AT}

    assert check(history, replace(world, assets={KEY: deleted})) == []
    assert kinds(history, replace(world, assets={})) == set()
    assert kinds(history, good_world()) == {Kind.LOST}


@pytest.mark.parametrize(
    ("row", "found"),
    [
        (None, {Kind.LOST}),
        ({"status": "PROCESSING"}, {Kind.UNEXPLAINED}),
        ({"status": "FAILED"}, {Kind.UNEXPLAINED}),
        ({"status": "FAILED", "code": "SimulatedError"}, set()),
        ({"status": "FULFILLED", "results": []}, set()),
        ({"status": "FULFILLED", "results": [{"key": "processed/missing.jpg"}]}, {Kind.LOST}),
    ],
)
def test_accepted_order_ends_once_and_says_how(row: dict[str, Any] | None, found: set[Kind]) -> None:
    history = History(orders=[Ordered(order_id="o1", file_key=KEY)])
    told = Notification(message={"type": "OrderFulfilled", "orderId": "o1"})
    world = World(orders={"o1": row} if row else {}, notifications=[told])

    assert kinds(history, world) == found


def test_order_that_is_announced_as_fulfilled_at_two_times_is_doubled() -> None:
    messages = [{"type": "OrderFulfilled", "orderId": "o1", "fulfilledAt": at} for at in ("1", "2")]

    assert kinds(History(), World(notifications=[Notification(message=each) for each in messages])) == {Kind.DOUBLED}


@pytest.mark.parametrize(
    ("sent", "left", "arrived", "found"),
    [
        (10, 0, 10, set()),
        (7, 3, 7, set()),
        (7, 0, 7, {Kind.LOST}),
        (10, 0, 0, {Kind.LOST, Kind.UNEXPLAINED}),
        (10, 1, 10, {Kind.DOUBLED}),
        (9, 0, 10, {Kind.UNEXPLAINED}),
    ],
)
def test_replay_accounts_for_every_message(sent: int, left: int, arrived: int, found: set[Kind]) -> None:
    replay = Replayed(queue="transform", found=10, sent=sent, left=left, arrived=arrived)

    assert kinds(History(replays=[replay]), World()) == found


@given(seconds=some.integers(min_value=-600, max_value=600))
def test_failed_attempt_has_a_cause_within_a_fault_and_shortly_after(seconds: int) -> None:
    window = FaultWindow(name="S3 503", started_at=NOW, ended_at=NOW + timedelta(seconds=60))
    at = (NOW + timedelta(seconds=seconds)).isoformat()
    world = replace(good_world(), jobs={OLD: job(OLD, stages=[{"stage": "FAILED", "at": at}]), NEW: job(NEW)})
    has_cause = 0 <= seconds <= 60 + GRACE.total_seconds()

    assert kinds(replace(good_history(), faults=[window]), world) == (set() if has_cause else {Kind.UNEXPLAINED})


@given(times=some.integers(min_value=1, max_value=5), order=some.permutations([OLD, NEW]))
def test_number_and_order_of_deliveries_change_nothing(times: int, order: list[str]) -> None:
    messages = [notification(version) for version in order for _ in range(times)]

    assert check(good_history(), replace(good_world(), notifications=messages)) == []
