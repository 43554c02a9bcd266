"""Planted bugs: each is deployed in place of the real workflow or code, and the checker has to catch it.

A bug of the workflow is a changed definition of the deployed state machine; one of a function is a changed copy of its
deployed archive; one of the replay is a changed copy of the module that moves messages.
"""

from __future__ import annotations

import copy
import io
import json
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from botocore.exceptions import ClientError

import client.dead_letters.replaying
import contract.moving
from client.dead_letters.stack_queues import find_queue
from contract.names import TRANSFORM
from localcloud.faults import Effect, PlannedFault, Point
from localcloud.rehearsal import make_live
from storm.checker import Finding, Kind, check
from storm.history import FaultWindow
from storm.load import damaged, order, picture, put
from storm.replays import replayed
from storm.testbed import Testbed
from testing.waiting import eventually

Definition = dict[str, Any]
Change = Callable[[Definition], None]

_SETTLE_SECONDS = 40
_LATE_SECONDS = 3


@dataclass(frozen=True, kw_only=True)
class PlantedBug:
    """A bug, and the load that lets it show.

    Attributes:
        name: as in the report.
        kind: of the finding that it has to cause.
        planted: deploys it until the end of the block.
        load: what clients do then; gets the prefix of their keys.
    """

    name: str
    kind: Kind
    planted: Callable[[Testbed], Any]
    load: Callable[[Testbed, str], None]


@dataclass(frozen=True, kw_only=True)
class Catch:
    """A planted bug, and the findings that it caused."""

    name: str
    kind: Kind
    findings: tuple[Finding, ...]

    @property
    def is_caught(self) -> bool:
        """Whether one of them is of the kind that the bug is."""
        return any(finding.kind is self.kind for finding in self.findings)

    def __str__(self) -> str:
        found = f"caught, {len(self.findings)} findings" if self.is_caught else f"MISSED, {list(self.findings)}"
        return f"planted: {self.name}: {found}"


def plant(bed: Testbed, bug: PlantedBug, prefix: str) -> Catch:
    """Deploy a bug, run its load, remove it, and return what the checker finds that it did not find before."""
    before = set(check(bed.history, bed.observe()))
    with bug.planted(bed):
        bug.load(bed, prefix)
        _settle(bed)
    after = check(bed.history, bed.observe())
    return Catch(name=bug.name, kind=bug.kind, findings=tuple(each for each in after if each not in before))


def _settle(bed: Testbed) -> None:
    """Wait until no message is on its way; a bug may leave jobs without an end."""
    outputs = bed.stack.pipeline.outputs
    urls = (outputs.transform_queue_url, outputs.order_queue_url, outputs.webhooks_queue_url)
    deadline = time.monotonic() + _SETTLE_SECONDS
    while any(bed.stack.pipeline.queue_depth(url) for url in urls) and time.monotonic() < deadline:
        bed.pause(0.2)


def _workflow(change: Change) -> Callable[[Testbed], Any]:
    """Deploys the file workflow with a change."""

    @contextmanager
    def planted(bed: Testbed) -> Iterator[None]:
        states, arn = bed.stack.cloud.client("stepfunctions"), bed.stack.outputs["stateMachineArn"]
        original = states.describe_state_machine(stateMachineArn=arn)["definition"]
        changed = json.loads(original)
        untouched = copy.deepcopy(changed)
        change(changed["States"])
        assert changed != untouched, "the change changes nothing"
        states.update_state_machine(stateMachineArn=arn, definition=json.dumps(changed))
        try:
            yield
        finally:
            states.update_state_machine(stateMachineArn=arn, definition=original)

    return planted


def _function(name: str, file: str, *replacements: tuple[str, str]) -> Callable[[Testbed], Any]:
    """Deploys a function from a changed copy of its archive."""

    @contextmanager
    def planted(bed: Testbed) -> Iterator[None]:
        lambda_, function = bed.stack.cloud.client("lambda"), bed.stack.outputs["functionNames"][name]
        url = lambda_.get_function(FunctionName=function)["Code"]["Location"]
        with urllib.request.urlopen(url) as answer:  # noqa: S310 - the embedded cloud's own address
            original = answer.read()
        _release(bed, function, _with_changed_file(original, file, replacements))
        try:
            yield
        finally:
            _release(bed, function, original)

    return planted


def _release(bed: Testbed, function: str, archive: bytes) -> None:
    lambda_ = bed.stack.cloud.client("lambda")
    published = lambda_.update_function_code(FunctionName=function, ZipFile=archive, Publish=True)
    make_live(bed.stack.cloud, function, published["Version"])


def _with_changed_file(archive: bytes, file: str, replacements: tuple[tuple[str, str], ...]) -> bytes:
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as source, zipfile.ZipFile(changed, "w") as target:
        for entry in source.infolist():
            body = source.read(entry)
            target.writestr(entry, _replaced(body.decode(), replacements) if entry.filename == file else body)
    return changed.getvalue()


def _replaced(text: str, replacements: tuple[tuple[str, str], ...]) -> str:
    for old, new in replacements:
        assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
        text = text.replace(old, new)
    return text


def _mover(*replacements: tuple[str, str]) -> Callable[[Testbed], Any]:
    """Replays with a changed copy of `contract.moving`."""

    @contextmanager
    def planted(_: Testbed) -> Iterator[None]:
        assert contract.moving.__file__
        text = _replaced(Path(contract.moving.__file__).read_text(encoding="utf-8"), replacements)
        module = ModuleType("contract.moving")
        exec(compile(text, "changed moving.py", "exec"), module.__dict__)  # noqa: S102 - our own text
        original = client.dead_letters.replaying.move
        client.dead_letters.replaying.move = module.move
        try:
            yield
        finally:
            client.dead_letters.replaying.move = original

    return planted


def _goes(state: str, next_state: str) -> Change:
    def change(states: Definition) -> None:
        states[state]["Next"] = next_state

    return change


def _put_without_condition(states: Definition) -> None:
    for name in ("ConditionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues"):
        del states["Persist"]["Arguments"][name]


def _older_version_wins(states: Definition) -> None:
    arguments = states["Persist"]["Arguments"]
    arguments["ConditionExpression"] = arguments["ConditionExpression"].replace(
        "OR sequencer < :sequencer", "OR sequencer > :sequencer"
    )


def _publish_before_put(states: Definition) -> None:
    states["CheckAnswers"]["Choices"][0]["Next"] = "Publish"
    states["Publish"]["Next"] = "Persist"
    states["Persist"]["Next"] = "MarkPublished"


def _differing_repeats(states: Definition) -> None:
    message = states["Publish"]["Arguments"]["Message"]
    states["Publish"]["Arguments"]["Message"] = message.replace('"type":', '"sentAt": $now(), "type":', 1)


def _failure_without_reason(states: Definition) -> None:
    states["RecordFailure"]["Arguments"]["ExpressionAttributeValues"] |= {
        ":reasonCode": {"S": ""},
        ":hint": {"S": ""},
    }


def _pictures(bed: Testbed, prefix: str) -> None:
    for number in range(3):
        put(bed, f"uploads/{prefix}/{number}.jpg", picture(number))


def _late_first_version(bed: Testbed, prefix: str) -> None:
    """Two versions of a key; the event of the first one comes after the second one is finished."""
    late = PlannedFault(
        point=Point.DELIVERY,
        effect=Effect.DELAY,
        subject=".*-transform-queue$",
        values={"seconds": _LATE_SECONDS},
        times=1,
    )
    with _injected(bed, late):
        for number in range(2):
            put(bed, f"uploads/{prefix}/versions.jpg", picture(number))


def _two_versions(bed: Testbed, prefix: str) -> None:
    """Two versions of a key, one after the other."""
    for number in range(2):
        put(bed, f"uploads/{prefix}/versions.jpg", picture(number))
        _settle(bed)


def _damaged_files(bed: Testbed, prefix: str) -> None:
    for number in range(3):
        put(bed, f"uploads/{prefix}/{number}.jpg", damaged(number))


def _publication_repeated(bed: Testbed, prefix: str) -> None:
    """The answers to some publications are lost, so that the workflow publishes again."""
    lost = PlannedFault(
        point=Point.TASK,
        effect=Effect.LOSE,
        subject="sns:publish",
        values={"error": "SNS.SnsException"},
        times=2,
    )
    with _injected(bed, lost):
        _pictures(bed, prefix)
        _settle(bed)


def _orders_delivered_twice(bed: Testbed, prefix: str) -> None:
    _pictures(bed, prefix)
    _settle(bed)
    twice = PlannedFault(point=Point.DELETION, effect=Effect.LOSE, subject=".*-order-queue$", times=6, probability=0.8)
    with _injected(bed, twice):
        order(bed, 6, prefix)
        _settle(bed)


def _dead_letters(bed: Testbed, prefix: str) -> None:
    """Files that fail until their messages are dead letters."""
    failing = PlannedFault(
        point=Point.TASK, effect=Effect.FAIL, subject="sns:publish", values={"error": "SNS.SnsException"}
    )
    with _injected(bed, failing):
        _pictures(bed, prefix)
        _settle(bed)


def _replay(bed: Testbed, prefix: str) -> None:
    """Dead letters that are replayed one by one, while some sends are refused; the pipe stays stopped until then."""
    _dead_letters(bed, prefix)
    queue = find_queue(bed.stack.pipeline, TRANSFORM)
    refused = PlannedFault(
        point=Point.REQUEST,
        effect=Effect.REFUSE,
        subject="root sqs SendMessageBatch",
        values={"status": 400, "code": "InvalidAddress"},
        times=1,
    )
    with bed.stack.paused():
        eventually(lambda: bed.stack.pipeline.queue_depth(queue.url) > 0, "dead letters")
        # The operator sees the error, and tries again.
        with _injected(bed, refused), suppress(ClientError):
            replayed(bed, queue, only="SNS.SnsException")
        replayed(bed, queue, only="SNS.SnsException")


@contextmanager
def _injected(bed: Testbed, fault: PlannedFault) -> Iterator[None]:
    started_at, number = datetime.now(UTC), bed.stack.cloud.inject(fault)
    try:
        yield
    finally:
        bed.stack.cloud.withdraw(number)
        bed.history.add(FaultWindow(name="planted", started_at=started_at, ended_at=datetime.now(UTC)))


def all_bugs() -> list[PlantedBug]:
    """Every planted bug."""
    return [
        PlantedBug(
            name="record put without its condition",
            kind=Kind.STALE,
            planted=_workflow(_put_without_condition),
            load=_late_first_version,
        ),
        PlantedBug(
            name="older version wins", kind=Kind.STALE, planted=_workflow(_older_version_wins), load=_two_versions
        ),
        PlantedBug(
            name="published before the record is put",
            kind=Kind.STALE,
            planted=_workflow(_publish_before_put),
            load=_pictures,
        ),
        PlantedBug(
            name="notification dropped",
            kind=Kind.LOST,
            planted=_workflow(_goes("Persist", "Complete")),
            load=_pictures,
        ),
        PlantedBug(
            name="job's row never finished",
            kind=Kind.UNEXPLAINED,
            planted=_workflow(_goes("MarkPublished", "Completed")),
            load=_pictures,
        ),
        PlantedBug(
            name="rejection without dead letter",
            kind=Kind.LOST,
            planted=_workflow(_goes("RecordRejection", "PublishRejection")),
            load=_damaged_files,
        ),
        PlantedBug(
            name="repeated notification differs",
            kind=Kind.DOUBLED,
            planted=_workflow(_differing_repeats),
            load=_publication_repeated,
        ),
        PlantedBug(
            name="failure without reason and hint",
            kind=Kind.UNEXPLAINED,
            planted=_workflow(_failure_without_reason),
            load=_dead_letters,
        ),
        PlantedBug(
            name="rendition named and not stored",
            kind=Kind.LOST,
            planted=_function(
                "thumbnail",
                "functions/shared/answers.py",
                ("        s3.put_object(\n", '        rendition.name == "w160-jpeg" or s3.put_object(\n'),
            ),
            load=_pictures,
        ),
        PlantedBug(
            name="order fulfilled twice",
            kind=Kind.DOUBLED,
            planted=_function(
                "fulfil",
                "functions/fulfil/handler.py",
                ('if "fulfilledAt" not in row:', "if True:"),
                ('if "publishedAt" not in row:', "if True:"),
                ("    claim_publication(row[ORDER_ID])\n", ""),
            ),
            load=_orders_delivered_twice,
        ),
        PlantedBug(
            name="dead letter deleted before it is sent",
            kind=Kind.LOST,
            planted=_mover(
                (
                    "        refused = set(self.destination.send([copy for _, copy in chosen]))\n",
                    "        self.source.delete([message for message, _ in chosen])\n"
                    "        refused = set(self.destination.send([copy for _, copy in chosen]))\n",
                )
            ),
            load=_replay,
        ),
        PlantedBug(
            name="replay counted and not sent",
            kind=Kind.LOST,
            planted=_mover(
                ("set(self.destination.send([copy for _, copy in chosen]))", "set()"),
            ),
            load=_replay,
        ),
    ]
