"""`img-pipeline dlq`: look at dead letters, replay them, keep them in a file, or delete them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from client.dead_letters.archive import export, put_back, read
from client.dead_letters.causes import DeadLetter, group
from client.dead_letters.replaying import purge, replay
from client.dead_letters.sampling import DEFAULT_LIMIT, Sample, find, sample
from client.dead_letters.stack_queues import DeadLetterQueue, dead_letter_queues, find_queue, states
from client.errors import InvalidRequestError, NotFoundError
from client.pipeline import Pipeline
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
dlq = typer.Typer(help="Dead letters: look, replay, keep, delete.", no_args_is_help=True)
app.add_typer(dlq, name="dlq", rich_help_panel=OPERATE)


QueueArgument = Annotated[
    str, typer.Argument(metavar="QUEUE", help="transform, validate, delivery or results-SUBSCRIBER.")
]
LimitOption = Annotated[int, typer.Option(min=1, help="The most messages to look at in a queue.")]


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
    queue: Annotated[str, typer.Argument(metavar="QUEUE", help="One queue; every queue if left out.")] = "",
    stack: StackOption = None,
    local: LocalOption = False,
    limit: LimitOption = DEFAULT_LIMIT,
    as_json: JsonOption = False,
) -> None:
    """Dead letters by cause: how many, first and last seen, and some files to look at. Takes nothing out.

    Example: `img-pipeline dlq show transform --stack prod`
    """
    pipeline = connect(stack, local=local)
    queues = [find_queue(pipeline, queue)] if queue else dead_letter_queues(pipeline)
    looks = [(each, _look(pipeline, each, limit)) for each in queues]
    if as_json:
        print_json(
            [
                {"queue": each.name, "lookedAt": len(look.letters), "depth": look.depth, "whole": look.whole}
                | {"causes": group(look.letters)}
                for each, look in looks
            ]
        )
        return
    for each, look in looks:
        if look.letters or queue:
            _show_causes(each, look)
    if not any(look.letters for _, look in looks):
        out.print("no dead letters")


@dlq.command()
def peek(
    *,
    wanted: Annotated[str, typer.Argument(metavar="ID", help="A message's id, a job's id or a file's key.")],
    queue: Annotated[str, typer.Option(help="Check in this queue only.")] = "",
    stack: StackOption = None,
    local: LocalOption = False,
    limit: LimitOption = 10 * DEFAULT_LIMIT,
    as_json: JsonOption = False,
) -> None:
    """One dead letter: its body, its attributes and its job. Takes nothing out.

    Example: `img-pipeline dlq peek uploads/cat.jpg --stack prod`
    """
    pipeline = connect(stack, local=local)
    queues = [find_queue(pipeline, queue)] if queue else dead_letter_queues(pipeline)
    search = find(pipeline, wanted, queues, limit=limit)
    if search.letter is None:
        raise NotFoundError(f"{wanted} is not among the {search.looked_at} dead letters looked at")
    found = _description(search.letter)
    if as_json:
        print_json(found)
        return
    for title, value in found.items():
        out.print(f"[bold]{title}[/]")
        if isinstance(value, str):
            out.print(value, markup=False)
        else:
            print_json(value)


@dlq.command("replay")
def replay_command(
    *,
    queue: QueueArgument = "transform",
    only: Annotated[
        str, typer.Option(metavar="CAUSE|KEY", help="Only this cause, file, job or message; others stay.")
    ] = "",
    everything: Annotated[bool, typer.Option("--all", help="The whole queue, as without --only.")] = False,
    rate: RateOption = 50,
    stack: StackOption = None,
    local: LocalOption = False,
    yes: YesOption = False,
) -> None:
    """Send dead letters back to where they failed, at a bounded rate.

    A message is deleted only when its copy has arrived. Rejected files are judged again.

    Example: `img-pipeline dlq replay --only WatermarkError --rate 20 --stack prod`
    """
    if only and everything:
        raise InvalidRequestError("--only and --all contradict each other: leave one out")
    pipeline = connect(stack, local=local)
    source = find_queue(pipeline, queue)
    look = _look(pipeline, source, DEFAULT_LIMIT)
    chosen = [letter for letter in look.letters if not only or letter.matches(only)]
    _show_causes(source, Sample(letters=chosen, depth=look.depth, whole=look.whole))
    if look.whole and not chosen:
        if only:
            raise NotFoundError(f"nothing in {source.name} matches {only}")
        return
    total = len(chosen) if look.whole else None
    count = str(total) if total else f"those of about {look.depth} that match" if only else f"about {look.depth}"
    seconds = duration((total or look.depth) / rate)
    if not confirmed(f"replay would send {count} to {_name(source.replays_to)} in about {seconds}", yes=yes):
        return
    with sending("replaying", total or look.depth) as (interruption, on_progress):
        result = replay(pipeline, source, only=only or None, rate=rate, clock=interruption, on_progress=on_progress)
    finish(result, f"replayed {result.sent} to {_name(source.replays_to)}; left {result.left} in {source.name}")


@dlq.command("purge")
def purge_command(
    *,
    queue: Annotated[
        str,
        typer.Argument(
            metavar="QUEUE", help="The queue to empty: transform, validate, delivery or results-SUBSCRIBER."
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
    look = _look(pipeline, source, DEFAULT_LIMIT)
    _show_causes(source, look)
    if not confirmed(f"purge would delete about {look.depth} messages for good", yes=yes):
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
    queue: Annotated[str, typer.Option(help="transform, validate, delivery or results-SUBSCRIBER.")] = "transform",
    stack: StackOption = None,
    local: LocalOption = False,
) -> None:
    """Write a queue's dead letters to a file. Takes nothing out.

    Example: `img-pipeline dlq export letters.jsonl --queue transform --stack prod`
    """
    pipeline = connect(stack, local=local)
    source = find_queue(pipeline, queue)
    with interruption_reported(lambda: f"{file} was not written; the messages are still in {source.name}"):  # noqa: SIM117
        with progress("exporting", None) as on_progress:
            look = export(pipeline, source, file, on_progress=on_progress)
    out.print(f"wrote {len(look.letters)} of about {look.depth} dead letters to {file}")


@dlq.command("import")
def import_command(
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that `dlq export` wrote.")],
    queue: Annotated[str, typer.Option(help="Another queue than the one they came from.")] = "",
    rate: RateOption = 50,
    skip: Annotated[int, typer.Option(min=0, help="Lines that an interrupted import has settled.")] = 0,
    stack: StackOption = None,
    local: LocalOption = False,
    yes: YesOption = False,
) -> None:
    """Put exported dead letters back into a dead-letter queue, from where they can be replayed.

    Example: `img-pipeline dlq import letters.jsonl --stack prod`
    """
    pipeline = connect(stack, local=local)
    letters = read(file)
    names = {queue} if queue else {letter.queue for letter in letters}
    if len(names) != 1:
        raise InvalidRequestError(f"{file} holds letters of {len(names)} queues: name one with --queue")
    destination = find_queue(pipeline, names.pop())
    plan = f"import would send {max(len(letters) - skip, 0)} messages to {_name(destination.url)}"
    if not confirmed(plan, yes=yes):
        return
    with sending("importing", len(letters) - skip) as (interruption, on_progress):
        result = put_back(
            pipeline, destination, letters, rate=rate, skip=skip, clock=interruption, on_progress=on_progress
        )
    done = f"imported {result.sent} of {max(len(letters) - skip, 0)} messages into {_name(destination.url)}"
    finish(result, done, resume=f"continue with --skip {skip + result.settled}")


def _look(pipeline: Pipeline, queue: DeadLetterQueue, limit: int) -> Sample:
    with progress(f"looking at {queue.name}", None) as on_progress:
        return sample(pipeline, queue, limit=limit, on_progress=on_progress)


def _show_causes(queue: DeadLetterQueue, look: Sample) -> None:
    sampled = f"{len(look.letters)}" if look.whole else f"{len(look.letters)} of about {look.depth}, a sample"
    out.print(f"[bold]{queue.name}[/]: {sampled}")
    groups = group(look.letters)
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


def _description(letter: DeadLetter) -> dict[str, Any]:
    return {
        "queue": letter.queue,
        "message": letter.message.message_id,
        "file": letter.file_key,
        "cause": f"{letter.cause}: {letter.reason} {letter.hint}",
        "attributes": dict(letter.message.attributes),
        "messageAttributes": dict(letter.message.message_attributes),
        "body": letter.message.body,
        "job": dict(letter.job),
    }


def _name(url: str) -> str:
    return url.rsplit("/", 1)[-1]


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"
