"""Writes docs/reliability.md: what a run did, and what it showed."""

from __future__ import annotations

import inspect
import os
import platform
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version

from client.move_task import MAX_RATE
from localcloud.patches import MINISTACK_VERSION
from storm import checker
from storm.faults.catalogue import all_faults
from storm.replays import PROCESSED
from storm.run import Outcome
from storm.scenario import Result
from storm.testbed import ORDER_VISIBILITY_SECONDS, SUCCESS_RATE, VISIBILITY_SECONDS

LIMITS = (
    "The services are an emulator's. Its S3, SQS and DynamoDB run in one process with locks, so that races within a "
    "service, replication and partitions do not occur; duplicates, reordering and late delivery are injected instead.",
    "Its pipe processes a few batches at a time. How EventBridge Pipes scales, and what it does at its quotas, is not "
    "shown.",
    "Memory is limited by RLIMIT_AS, so that an allocation fails; Lambda kills the environment instead, which is the "
    "fault of a killed function. A full disk is RLIMIT_FSIZE: a write fails with EFBIG instead of ENOSPC.",
    "The cloud is restarted by ending its server and killing its workers: executions, invocations and requests stop "
    "where they are, but the server writes its tables and queues to disk as it ends. Killed by SIGKILL it would lose "
    "them, which AWS does not.",
    "Throttling and S3's 503 have the errors and the places that AWS documents, not its rates.",
    f"The visibility timeout of the queue of webhooks is {VISIBILITY_SECONDS} s, that of orders "
    f"{ORDER_VISIBILITY_SECONDS} s, and that of the transform queue {VISIBILITY_SECONDS} s as long as the cloud "
    "restarts: with the stack's own settings, what a killed process had in hand comes back minutes later.",
    "Regions and availability zones do not fail here.",
)


def report(outcome: Outcome) -> str:
    """The page."""
    return "\n".join(_lines(outcome)) + "\n"


def _lines(outcome: Outcome) -> Iterator[str]:
    yield "# Reliability: what faults, duplicates and bursts did to the pipeline"
    yield ""
    yield f"Written by `{_command(outcome)}`; the seed decides the files, their versions and the sets of faults."
    yield "Which of several requests a fault strikes depends on timing too."
    yield ""
    yield f"    {outcome}"
    yield ""
    for failure in outcome.failures:
        yield f"**Failed**: {failure}"
        yield ""
    yield from _machine(outcome)
    yield from _what_counts()
    yield from _alone(outcome.alone)
    yield from _together(outcome)
    yield from _load(outcome)
    yield from _planted(outcome)
    yield "## What an emulator cannot show"
    yield ""
    for limit in LIMITS:
        yield f"- {limit}"


def _command(outcome: Outcome) -> str:
    plan = outcome.plan
    return f"make storm FILES={plan.files} SECONDS={plan.seconds:.0f} REPLAYS={plan.replays} SEED={plan.seed}"


def _machine(outcome: Outcome) -> Iterator[str]:
    yield "| | |"
    yield "|---|---|"
    yield f"| date | {datetime.now(UTC).date()} |"
    yield f"| machine | {os.cpu_count()} {platform.machine()} processors, {platform.system()} |"
    yield f"| versions | Python {platform.python_version()}, MiniStack {MINISTACK_VERSION}, boto3 {version('boto3')} |"
    yield f"| seed | {outcome.plan.seed} |"
    yield f"| duration | {outcome.seconds:.0f} s |"
    yield ""


def _what_counts() -> Iterator[str]:
    """The checker's own definitions."""
    yield "## What counts"
    yield ""
    yield "A client's history, what it asked and what it was told, is compared with the bucket's versions, the tables,"
    yield "the subscriber's messages, the webhook's receiver, the queues and the dead letters (`storm/checker.py`):"
    yield ""
    kind = ""
    for line in inspect.cleandoc(checker.__doc__ or "").splitlines()[4:]:
        if line and not line.startswith(" "):
            kind = line
        elif line:
            yield f"- **{kind}**: {line.strip()}" if kind else f"  {line.strip()}"
            kind = ""
    yield ""


def _alone(results: Sequence[Result]) -> Iterator[str]:
    yield "## Each fault alone"
    yield ""
    yield "Injected while clients upload files and place orders. The recovery time is from the fault's end until no"
    yield "message, job, order or dead letter is left, while the operator replays and redrives what failed; it includes"
    yield "the work that had piled up. Then the checker reads everything."
    yield ""
    yield "| fault | injection point | proof that it struck | times | files | recovered in | findings |"
    yield "|---|---|---|---:|---:|---:|---:|"
    about = {fault.name: fault for fault in all_faults()}
    for result in results:
        (name,), (fired,) = result.names, result.fired
        fault = about[name]
        yield (
            f"| {name} | {fault.point} | {fault.proof} | {fired} | {result.files} | {_recovered(result)} "
            f"| {len(result.findings)} |"
        )
    yield ""


def _together(outcome: Outcome) -> Iterator[str]:
    results = [*outcome.together, *outcome.soak]
    if not results:
        return
    yield "## Faults together"
    yield ""
    yield f"The seed chose these sets. The last {len(outcome.soak)} are the soak of {outcome.plan.seconds:.0f} s."
    yield ""
    yield "| faults (times) | files | recovered in | findings |"
    yield "|---|---:|---:|---:|"
    for result in results:
        yield f"| {_struck(result)} | {result.files} | {_recovered(result)} | {len(result.findings)} |"
    yield ""


def _struck(result: Result) -> str:
    return ", ".join(f"{name} ({fired})" for name, fired in zip(result.names, result.fired, strict=True))


def _recovered(result: Result) -> str:
    return result.failure or f"{result.recovery_seconds:.1f} s"


def _load(outcome: Outcome) -> Iterator[str]:
    yield "## Load"
    yield ""
    if burst := outcome.burst:
        yield (
            f"- **Burst**: {burst.files} files from four clients at once, of which one in eight is damaged and one in "
            "eight a table, with further versions, the same content again and deletions, while these faults were in "
            f"force: {_struck(burst)}. All was done {burst.recovery_seconds:.0f} s after the faults had ended, with "
            f"{len(burst.findings)} findings." + (f" **It did not end: {burst.failure}.**" if burst.failure else "")
        )
    if replay := outcome.replay:
        yield (
            f"- **Replay storm**: {replay.messages:,} dead letters were replayed in {replay.seconds:.0f} s at no more "
            f"than {MAX_RATE} a second while the pipe was stopped; {replay.most_in_a_second} was the most that arrived "
            f"within a second. {replay.arrived:,} arrived. {min(PROCESSED, replay.messages)} were then processed and "
            "the rest purged: all were events of files that had been finished before."
        )
    ends = ", ".join(f"{count} {status}" for status, count in sorted(outcome.orders.items()))
    yield (
        f"- **Orders**: {outcome.orders.total()} orders took {outcome.attempts} attempts, each of which failed with a "
        f"probability of {1 - SUCCESS_RATE:.0%} on purpose. Failed orders were redriven. At the end: {ends}."
    )
    yield ""


def _planted(outcome: Outcome) -> Iterator[str]:
    if not outcome.catches:
        return
    yield "## The checker is checked"
    yield ""
    yield "Each of these bugs was deployed in place of the real workflow or code, under a small load"
    yield "(`storm/planted.py`)."
    yield ""
    yield "| planted bug | has to be found as | found | an example |"
    yield "|---|---|---|---|"
    for catch in outcome.catches:
        counts = Counter(finding.kind for finding in catch.findings)
        found = ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "nothing"
        example = next((each.what for each in catch.findings if each.kind is catch.kind), "")
        yield f"| {catch.name} | {catch.kind} | {'' if catch.is_caught else '**missed**: '}{found} | {example} |"
    yield ""
