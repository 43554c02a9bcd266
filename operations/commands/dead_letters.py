"""`img-pipeline dlq`: show dead letters, replay them, export them to a file, or delete them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from client.dead_letters.archive import export, put_back, read
from client.dead_letters.replaying import purge, replay
from client.dead_letters.sampling import DEFAULT_LIMIT, Sample, find, sample
from client.dead_letters.stack_queues import DeadLetterQueue, dead_letter_queues, find_queue, states
from client.errors import InvalidRequestError, NotFoundError
from client.pipeline import Pipeline
from contract.dead_letters.causes import DeadLetter, group
from contract.outputs import DeadLetterKind
from operations.commands.console import (
    confirmed,
    duration,
    finish,
    interruption_reported,
    out,
    print_json,
    print_table,
    progress,
    sending,
)
from operations.commands.options import OPERATE, JsonOption, LocalOption, RateOption, StackOption, YesOption
from operations.connection import connect

app = typer.Typer()
dlq = typer.Typer(help="Dead letters: show, replay, export, import, delete.", no_args_is_help=True)
app.add_typer(dlq, name="dlq", rich_help_panel=OPERATE)


_QUEUE_NAMES = "transform, validate, delivery, webhooks, order or results-SUBSCRIBER."
QueueArgument = Annotated[str, typer.Argument(metavar="QUEUE", help=_QUEUE_NAMES)]
LimitOption = Annotated[int, typer.Option(min=1, help="The maximum number of messages to read from a queue.")]


@dlq.command("list")
def list_queues(*, stack: StackOption = None, local: LocalOption = False, as_json: JsonOption = False) -> None:
    """Every dead-letter queue: how many messages, how many of them in flight, the age of the oldest.

    Example: `img-pipeline dlq list --stack prod`
    """
    found = states(connect(stack, local=local))
    if as_json:
        print_json(found)
        return
    cells = []
    for state in found:
        age = "" if state.oldest_age_seconds is None else duration(state.oldest_age_seconds)
        cells.append((state.queue, str(state.visible), str(state.in_flight), age, state.kind))
    print_table(("queue", "messages", "in flight", "oldest", "what they are"), cells)


@dlq.command()
def show(
    *,
    queue: Annotated[str, typer.Argument(metavar="QUEUE", help="One queue; every queue if omitted.")] = "",
    stack: StackOption = None,
    local: LocalOption = False,
    limit: LimitOption = DEFAULT_LIMIT,
    as_json: JsonOption = False,
) -> None:
    """Dead letters by cause: how many, first and last seen, and some of the files. Nothing is removed from a queue.

    Example: `img-pipeline dlq show transform --stack prod`
    """
    pipeline = connect(stack, local=local)
    queues = [find_queue(pipeline, queue)] if queue else dead_letter_queues(pipeline)
    samples = [(each, _sample(pipeline, each, limit)) for each in queues]
    if as_json:
        print_json(
            [
                {
                    "queue": each.name,
                    "lookedAt": len(found.dead_letters),
                    "depth": found.depth,
                    "whole": found.whole,
                }
                | {"causes": group(found.dead_letters)}
                for each, found in samples
            ]
        )
        return
    for each, found in samples:
        if found.dead_letters or queue:
            _show_causes(each, found)
    if not any(found.dead_letters for _, found in samples):
        out.print("no dead letters")


@dlq.command()
def peek(
    *,
    wanted: Annotated[
        str, typer.Argument(metavar="ID", help="A message's, a job's or an order's id, or a file's key.")
    ],
    queue: Annotated[str, typer.Option(help="Check in this queue only.")] = "",
    stack: StackOption = None,
    local: LocalOption = False,
    limit: LimitOption = 10 * DEFAULT_LIMIT,
    as_json: JsonOption = False,
) -> None:
    """One dead letter: its body, its attributes and its job. Nothing is removed from the queue.

    Example: `img-pipeline dlq peek uploads/cat.jpg --stack prod`
    """
    pipeline = connect(stack, local=local)
    queues = [find_queue(pipeline, queue)] if queue else dead_letter_queues(pipeline)
    search = find(pipeline, wanted, queues, limit=limit)
    if search.dead_letter is None:
        raise NotFoundError(f"{wanted} is not among the {search.read} dead letters that were read")
    found = _description(search.dead_letter)
    if as_json:
        print_json(found)
        return
    for title, value in found.items():
        if value == "":
            continue
        out.print(f"[bold]{title}[/]")
        if isinstance(value, str):
            out.print(value, markup=False)
        else:
            print_json(value)


@dlq.command("replay")
def replay_command(
    *,
    queue: QueueArgument = "transform",
    only: Annotated[str, typer.Option(metavar="CAUSE|KEY", help="Only this cause, file, job, order or message.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="The whole queue, as without --only.")] = False,
    rate: RateOption = 50,
    stack: StackOption = None,
    local: LocalOption = False,
    yes: YesOption = False,
) -> None:
    """Send dead letters back to the queue where they failed, at a limited rate.

    A message is deleted only after its copy was sent. Rejected files are validated again.

    Example: `img-pipeline dlq replay --only WatermarkError --rate 20 --stack prod`
    """
    if only and everything:
        raise InvalidRequestError("--only and --all cannot be combined: remove one of them")
    pipeline = connect(stack, local=local)
    source = find_queue(pipeline, queue)
    found = _sample(pipeline, source, DEFAULT_LIMIT)
    chosen = [dead_letter for dead_letter in found.dead_letters if not only or dead_letter.matches(only)]
    _show_causes(source, Sample(dead_letters=chosen, depth=found.depth, whole=found.whole))
    if found.whole and not chosen:
        if only:
            raise NotFoundError(f"nothing in {source.name} matches {only}")
        return
    total = len(chosen) if found.whole else None
    count = str(total) if total else f"those of about {found.depth} that match" if only else f"about {found.depth}"
    seconds = duration((total or found.depth) / rate)
    if not confirmed(f"replay would send {count} to {_name(source.replays_to)} in about {seconds}", yes=yes):
        return
    with sending("replaying", total or found.depth) as (interruption, on_progress):
        result = replay(pipeline, source, only=only or None, rate=rate, clock=interruption, on_progress=on_progress)
    finish(result, f"replayed {result.sent} to {_name(source.replays_to)}; left {result.left} in {source.name}")


@dlq.command("purge")
def purge_command(
    *,
    queue: Annotated[
        str,
        typer.Argument(
            metavar="QUEUE",
            help=f"The queue to empty: {_QUEUE_NAMES}",
        ),
    ],
    stack: StackOption = None,
    local: LocalOption = False,
    yes: YesOption = False,
) -> None:
    """Delete everything in a dead-letter queue. Keep it first with `dlq export`.

    Example: `img-pipeline dlq purge validate --stack prod`
    """
    pipeline = connect(stack, local=local)
    source = find_queue(pipeline, queue)
    found = _sample(pipeline, source, DEFAULT_LIMIT)
    _show_causes(source, found)
    if not confirmed(f"purge would delete about {found.depth} messages permanently", yes=yes):
        return
    with interruption_reported(
        lambda: f"{source.name} may have been purged: `img-pipeline dlq list` shows how many messages it holds"
    ):
        count = purge(pipeline, source)
    out.print(f"purged about {count} messages from {source.name}")


@dlq.command("export")
def export_command(
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write, one JSON line a message.")],
    queue: Annotated[str, typer.Option(help=_QUEUE_NAMES)] = "transform",
    stack: StackOption = None,
    local: LocalOption = False,
) -> None:
    """Write a queue's dead letters to a file. Nothing is removed from the queue.

    Example: `img-pipeline dlq export dead-letters.jsonl --queue transform --stack prod`
    """
    pipeline = connect(stack, local=local)
    source = find_queue(pipeline, queue)
    with interruption_reported(lambda: f"{file} was not written; the messages are still in {source.name}"):  # noqa: SIM117
        with progress("exporting", None) as on_progress:
            found = export(pipeline, source, file, on_progress=on_progress)
    out.print(f"wrote {len(found.dead_letters)} of about {found.depth} dead letters to {file}")


@dlq.command("import")
def import_command(
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that `dlq export` wrote.")],
    queue: Annotated[str, typer.Option(help="A queue other than the one they came from.")] = "",
    rate: RateOption = 50,
    skip: Annotated[int, typer.Option(min=0, help="Lines to skip: those that an interrupted import has sent.")] = 0,
    stack: StackOption = None,
    local: LocalOption = False,
    yes: YesOption = False,
) -> None:
    """Put exported dead letters back into a dead-letter queue, from where they can be replayed.

    Example: `img-pipeline dlq import dead-letters.jsonl --stack prod`
    """
    pipeline = connect(stack, local=local)
    dead_letters = read(file)
    names = {queue} if queue else {dead_letter.queue for dead_letter in dead_letters}
    if len(names) != 1:
        raise InvalidRequestError(f"{file} contains dead letters of {len(names)} queues: name one with --queue")
    destination = find_queue(pipeline, names.pop())
    plan = f"import would send {max(len(dead_letters) - skip, 0)} messages to {_name(destination.url)}"
    if not confirmed(plan, yes=yes):
        return
    with sending("importing", len(dead_letters) - skip) as (interruption, on_progress):
        result = put_back(
            pipeline, destination, dead_letters, rate=rate, skip=skip, clock=interruption, on_progress=on_progress
        )
    done = f"imported {result.sent} of {max(len(dead_letters) - skip, 0)} messages into {_name(destination.url)}"
    finish(result, done, resume=f"continue with --skip {skip + result.settled}")


def _sample(pipeline: Pipeline, queue: DeadLetterQueue, limit: int) -> Sample:
    with progress(f"reading {queue.name}", None) as on_progress:
        return sample(pipeline, queue, limit=limit, on_progress=on_progress)


def _show_causes(queue: DeadLetterQueue, found: Sample) -> None:
    sampled = (
        f"{len(found.dead_letters)}" if found.whole else f"{len(found.dead_letters)} of about {found.depth}, a sample"
    )
    out.print(f"[bold]{queue.name}[/]: {sampled}")
    groups = group(found.dead_letters)
    if groups:
        cells = []
        for cause in groups:
            first, *others = cause.sample_keys or [""]
            times = (_moment(cause.first_seen), _moment(cause.last_seen))
            cells.append((cause.cause, str(cause.count), *times, escape(first)))
            cells += [("", "", "", "", escape(key)) for key in others]
        print_table(("cause", "count", "first seen", "last seen", "for example"), cells)
    for cause in groups:
        out.print(f"  {cause.cause}: {cause.reason} {cause.hint}", markup=False)
        if cause.sample_keys and queue.kind is DeadLetterKind.EVENTS:
            out.print(f"  Log: img-pipeline logs {cause.sample_keys[0]}", markup=False)
        if order_id := next((each.order_id for each in found.dead_letters if each.cause == cause.cause), ""):
            out.print(f"  Trace: img-pipeline trace {order_id}", markup=False)


def _description(dead_letter: DeadLetter) -> dict[str, Any]:
    return {
        "queue": dead_letter.queue,
        "message": dead_letter.message.message_id,
        "file": dead_letter.file_key,
        "order": dead_letter.order_id,
        "cause": f"{dead_letter.cause}: {dead_letter.reason} {dead_letter.hint}",
        "attributes": dict(dead_letter.message.attributes),
        "messageAttributes": dict(dead_letter.message.message_attributes),
        "body": dead_letter.message.body,
        "job": dict(dead_letter.job),
    }


def _name(url: str) -> str:
    return url.rsplit("/", 1)[-1]


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"
