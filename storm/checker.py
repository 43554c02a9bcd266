"""Holds a client's history against the world: a pure function from both to findings.

What counts:

lost
    A version that S3 acknowledged is not in the bucket. A version in the bucket has neither a job nor a dead letter.
    The newest accepted version of a key has no record. A rendition that a record or a fulfilled order names is not in
    the processed bucket. A completed or rejected version was not announced to the subscriber, or not to the webhook's
    receiver. A rejected file is in no dead letter. An accepted order has no row. Messages that a replay found
    neither arrived nor are left. A FAILED job's message is in no dead-letter queue.

doubled
    An effect that a subscriber which dedupes as documented, on (fileKey, sequencer, run) or on the order's id, sees
    twice: two notifications with the same key and different content. A second copy of the same notification is not one:
    SNS and SQS deliver at least once, and the workflow publishes again after it stopped between publishing and
    marking that. Two jobs of one version are, and messages of a replay that arrived
    and are still there.

stale
    A record that is not of the newest accepted version, or has another version's content or renditions. A record of a
    deleted file. A superseded version that no newer one replaced. A version that was announced before its record was
    there.

unexplained
    A job without a verdict and without a dead letter. A verdict that the content does not deserve. A rejection or a
    failure without reason and hint. A dead letter that cannot be read. A failed attempt at a file while no fault was
    in force. An order without an end. A message that stays in a queue. A replay whose count is not what arrived.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from client.pipeline import Row, is_finished
from contract.assets import DELETED_AT, PROCESSED_VERSION
from contract.dead_letters.causes import Cause, DeadLetter
from contract.events import announced_version
from contract.jobs import JobStatus
from contract.keys import renditions_folder
from contract.messages import MessageType
from contract.orders import OrderStatus
from storm.history import History, Uploaded
from storm.world import Version, World

# A failure may be recorded this long after its fault has ended: an execution that began before runs for two minutes at
# most in the local stack, its retries included.
GRACE = timedelta(seconds=150)

Rows = Mapping[str, Row]
Uploads = dict[str, list[Uploaded]]
"""The uploads of each key."""


class Kind(StrEnum):
    """What is wrong; see the module's documentation."""

    LOST = "lost"
    DOUBLED = "doubled"
    STALE = "stale"
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is wrong, with whom it concerns: a file's version, an order, a queue."""

    kind: Kind
    subject: str
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.subject}: {self.what}"


def check(history: History, world: World) -> list[Finding]:
    """Everything in the world that contradicts the history, in no particular order."""
    uploads: Uploads = defaultdict(list)
    for upload in history.uploads:
        uploads[upload.file_key].append(upload)
    return [
        *_acknowledged(history, world),
        *_versions(uploads, world),
        *_records(uploads, world),
        *_notifications(world),
        *_orders(history, world),
        *_replays(history),
        *_failures(history, world),
        *_queues(world),
    ]


def _lost(subject: object, what: str) -> Finding:
    return Finding(kind=Kind.LOST, subject=str(subject), what=what)


def _doubled(subject: object, what: str) -> Finding:
    return Finding(kind=Kind.DOUBLED, subject=str(subject), what=what)


def _stale(subject: object, what: str) -> Finding:
    return Finding(kind=Kind.STALE, subject=str(subject), what=what)


def _unexplained(subject: object, what: str) -> Finding:
    return Finding(kind=Kind.UNEXPLAINED, subject=str(subject), what=what)


def _acknowledged(history: History, world: World) -> Iterator[Finding]:
    """Every version that S3 acknowledged is in the bucket."""
    stored = {(key, version.version_id) for key, versions in world.versions.items() for version in versions}
    for upload in history.uploads:
        if upload.version_id and (upload.file_key, upload.version_id) not in stored:
            yield _lost(_name(upload.file_key, upload.version_id), "acknowledged, and not in the bucket")
    for deletion in history.deletions:
        if (deletion.file_key, deletion.marker_id) not in stored:
            yield _lost(deletion.file_key, "its deletion was acknowledged, and has no marker in the bucket")


def _versions(uploads: Uploads, world: World) -> Iterator[Finding]:
    """Every version in the bucket has one job, with the verdict that its content deserves, and is announced."""
    jobs: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in world.jobs.values():
        jobs[row["fileKey"], row.get("versionId", "")].append(row)
    waiting = {_announced(each) for each in world.dead_letters}
    told = _told(world)
    for key, versions in world.versions.items():
        for version in versions:
            if version.is_deletion:
                continue
            name, own = _name(key, version.version_id), jobs[key, version.version_id]
            is_waiting = version.version_id in waiting
            if not own:
                if not is_waiting:
                    yield _lost(name, "it has neither a job nor a dead letter")
            elif len(own) > 1:
                yield _doubled(name, f"it has the jobs {', '.join(row['jobId'] for row in own)}")
            elif is_finished(own[0]):
                yield from _verdict(name, own[0], _content_of(uploads, key, version.version_id))
                yield from _announcement(name, own[0], told)
            elif not is_waiting:
                yield _without_an_end(name, own[0])


def _without_an_end(name: str, row: Row) -> Finding:
    """A job that nothing will go on with: the message of a failed one is gone, any other stopped without an error."""
    if row["status"] == JobStatus.FAILED:
        return _lost(name, "its job is FAILED, and its message is in no dead-letter queue")
    return _unexplained(name, f"its job is {row['status']} for good, without a dead letter")


@dataclass(frozen=True, kw_only=True)
class _Told:
    """The versions that the subscriber and the receiver were told about, each with what, and the rejected ones."""

    notified: frozenset[tuple[str, str]]
    posted: frozenset[tuple[str, str]] | None
    rejected: frozenset[str]


def _told(world: World) -> _Told:
    def about(messages: Iterator[Mapping[str, Any]]) -> frozenset[tuple[str, str]]:
        return frozenset((message.get("type", ""), message.get("versionId", "")) for message in messages)

    return _Told(
        notified=about(_messages(world)),
        posted=about(body["data"] for body in world.webhooks) if world.has_webhooks else None,
        rejected=frozenset(each["file"]["versionId"] for each in world.rejections),
    )


def _announcement(name: str, row: Row, told: _Told) -> Iterator[Finding]:
    """Whoever has to be told of the end of a job was told. The same content again is not announced again."""
    about = (_MESSAGES.get(row["status"], ""), row["versionId"])
    if row["status"] in _MESSAGES and PROCESSED_VERSION not in row:
        if about not in told.notified:
            yield _lost(name, f"it is {row['status']}, and no {about[0]} was received")
        elif told.posted is not None and about not in told.posted:
            yield _lost(name, f"it is {row['status']}, and the webhook's receiver was not told")
    if row["status"] == JobStatus.REJECTED and row["versionId"] not in told.rejected:
        yield _lost(name, "it is REJECTED, and in no dead letter")


_MESSAGES = {JobStatus.COMPLETED: MessageType.ASSET_READY, JobStatus.REJECTED: MessageType.ASSET_REJECTED}


def _verdict(name: str, row: Row, content: Uploaded | None) -> Iterator[Finding]:
    if content is None:
        yield _unexplained(name, "it is in the bucket, and nobody uploaded it")
    elif content.is_acceptable and row["status"] == JobStatus.REJECTED:
        yield _unexplained(name, f"it is acceptable, and REJECTED as {row.get('reasonCode')}")
    elif not content.is_acceptable and row["status"] != JobStatus.REJECTED:
        yield _unexplained(name, f"it is damaged, and {row['status']}")
    if row["status"] == JobStatus.REJECTED and not (row.get("reasonCode") and row.get("hint")):
        yield _unexplained(name, "it is REJECTED without a reason code and a hint")


def _content_of(uploads: Uploads, file_key: str, version_id: str) -> Uploaded | None:
    """The upload of a version. One whose answer was lost is any of the key's uploads without a version."""
    exact = [upload for upload in uploads[file_key] if upload.version_id == version_id]
    unknown = [upload for upload in uploads[file_key] if upload.version_id is None]
    return next(iter(exact or unknown), None)


def _records(uploads: Uploads, world: World) -> Iterator[Finding]:
    """The record of every key is of its newest accepted version, and everything it names is there."""
    jobs = {row.get("versionId", ""): row for row in world.jobs.values()}
    for key, versions in world.versions.items():
        record = world.assets.get(key)
        is_live = record is not None and DELETED_AT not in record
        if versions[0].is_deletion:
            if is_live:
                yield _stale(key, "it was deleted, and has a record")
            continue
        newest = _newest_accepted(uploads, key, versions, jobs)
        if newest is None:
            continue
        if record is None or not is_live:
            yield _lost(_name(key, newest.version_id), "the newest accepted version has no record")
            continue
        if record["versionId"] != newest.version_id:
            what = f"the record is of version {record['versionId']}, and {newest.version_id} is newer"
            yield _stale(key, what)
            continue
        yield from _content(uploads, world, key, record)
    yield from _superseded(world, jobs)


def _newest_accepted(uploads: Uploads, key: str, versions: Sequence[Version], jobs: Rows) -> Version | None:
    """The newest version that has to be on record: acceptable, and processed to the end."""
    for version in versions:
        content, job = _content_of(uploads, key, version.version_id), jobs.get(version.version_id)
        if version.is_deletion:
            return None
        if content and content.is_acceptable and job and is_finished(job):
            return version
    return None


def _content(uploads: Uploads, world: World, key: str, record: Row) -> Iterator[Finding]:
    """A record has the content and the renditions of its version, and all of them exist."""
    name, content = _name(key, record["versionId"]), _content_of(uploads, key, record["versionId"])
    if content and record["sha256"] != content.sha256:
        yield _stale(name, f"its record has the content {record['sha256']}, and {content.sha256} was uploaded")
    folder = renditions_folder(key, record.get(PROCESSED_VERSION, record["versionId"]))
    if not record["renditions"]:
        yield _lost(name, "its record names no rendition")
    for rendition in record["renditions"]:
        if not rendition["key"].startswith(folder):
            yield _stale(name, f"its record names {rendition['key']}, which is of another version")
        if rendition["key"] not in world.renditions:
            yield _lost(name, f"its record names {rendition['key']}, which is not there")


def _superseded(world: World, jobs: Rows) -> Iterator[Finding]:
    """A version is superseded by a newer one on record, or by the deletion of its file."""
    for row in jobs.values():
        if row["status"] != JobStatus.SUPERSEDED:
            continue
        record = world.assets.get(row["fileKey"])
        if record is None or record["sequencer"] <= row["sequencer"]:
            yield _stale(_name(row["fileKey"], row["versionId"]), "it is SUPERSEDED, and no newer version is on record")


def _notifications(world: World) -> Iterator[Finding]:
    """Notifications with one dedupe key are all the same, and come after the record that they are about."""
    contents: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for each in world.notifications:
        contents[_dedupe_key(each.message)].add(json.dumps(each.message, sort_keys=True))
    for key, different in contents.items():
        if len(different) > 1:
            yield _doubled(" ".join(key), f"{len(different)} notifications with this key differ")
    for each in world.notifications:
        message = each.message
        if message.get("type") != MessageType.ASSET_READY:
            continue
        record = world.assets.get(message["fileKey"], {})
        is_its_own = record.get("sequencer") == message["sequencer"] and record.get("run") == message["run"]
        if is_its_own and "persistedAt" in record and each.sent_at < _milliseconds(record["persistedAt"]):
            yield _stale(_name(message["fileKey"], message["versionId"]), "it was announced before it was on record")


def _dedupe_key(message: Mapping[str, Any]) -> tuple[str, ...]:
    """What subscribers dedupe on: the version and run of a file, or the order."""
    kind = str(message.get("type"))
    if "orderId" in message:
        return (kind, message["orderId"])
    return (kind, message["fileKey"], message["sequencer"], message.get("run", ""))


def _orders(history: History, world: World) -> Iterator[Finding]:
    """An accepted order is fulfilled with all that it names, and announced; or it failed and says why."""
    told = {message["orderId"] for message in _messages(world) if "orderId" in message}
    for order in history.orders:
        row = world.orders.get(order.order_id)
        if row is None:
            yield _lost(f"order {order.order_id}", "it was accepted, and has no row")
        elif row["status"] == OrderStatus.FULFILLED:
            for rendition in row["results"]:
                if rendition["key"] not in world.renditions:
                    yield _lost(f"order {order.order_id}", f"{rendition['key']} is not there")
            if order.order_id not in told:
                yield _lost(f"order {order.order_id}", "it is FULFILLED, and that was not announced")
        elif row["status"] == OrderStatus.PROCESSING:
            yield _unexplained(f"order {order.order_id}", "it is PROCESSING for good")
        elif not row.get("code"):
            yield _unexplained(f"order {order.order_id}", f"it is {row['status']} without a reason")


def _replays(history: History) -> Iterator[Finding]:
    """Every message that a replay found has arrived once or is still there, and its operator was told how many."""
    for replay in history.replays:
        subject, there = f"replay of {replay.queue}", replay.arrived + replay.left
        if there < replay.found:
            yield _lost(subject, f"{replay.found - there} of {replay.found} messages neither arrived nor are left")
        if there > replay.found:
            yield _doubled(subject, f"{there - replay.found} messages more than the {replay.found} it found")
        if replay.sent != replay.arrived:
            yield _unexplained(subject, f"it counts {replay.sent} messages as sent, and {replay.arrived} arrived")


def _failures(history: History, world: World) -> Iterator[Finding]:
    """An attempt fails only while a fault is in force, and leaves a reason."""
    for row in world.jobs.values():
        name = _name(row["fileKey"], row.get("versionId", ""))
        for stage in row.get("stages", []):
            if stage["stage"] == JobStatus.FAILED and not _has_cause(history, stage["at"]):
                yield _unexplained(name, f"an attempt failed at {stage['at']}, when no fault was in force")
        if row["status"] == JobStatus.FAILED and not (row.get("reasonCode") and row.get("hint")):
            yield _unexplained(name, "it is FAILED without a reason code and a hint")


def _has_cause(history: History, at: str) -> bool:
    then = datetime.fromisoformat(at)
    return any(window.started_at <= then <= window.ended_at + GRACE for window in history.faults)


def _queues(world: World) -> Iterator[Finding]:
    """Nothing waits in a queue, and everybody can tell why a dead letter is one."""
    for queue, depth in world.depths.items():
        if depth:
            yield _unexplained(queue, f"{depth} messages stay in it")
    unreadable = Counter(each.queue for each in world.dead_letters if _is_unreadable(each))
    for queue, count in unreadable.items():
        yield _unexplained(queue, f"{count} dead letters have no reason")


def _is_unreadable(letter: DeadLetter) -> bool:
    return letter.cause == Cause.UNREADABLE or not (letter.reason and letter.hint)


def _announced(letter: DeadLetter) -> str:
    """The version that a dead letter is about; empty for one of another kind."""
    try:
        return announced_version(letter.body).version_id
    except (KeyError, TypeError):
        return ""


def _messages(world: World) -> Iterator[Mapping[str, Any]]:
    return (each.message for each in world.notifications)


def _name(file_key: str, version_id: str) -> str:
    return f"{file_key} version {version_id}"


def _milliseconds(at: str) -> int:
    return int(datetime.fromisoformat(at).timestamp() * 1000)
