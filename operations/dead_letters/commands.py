"""`img-pipeline dlq`: look at dead letters, replay them, keep them in a file, or delete them."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from operations.connection import Connection, LocalOption, StackOption, connect
from operations.dead_letters.archive import export, put_back, read
from operations.dead_letters.causes import Group, Letter, group
from operations.dead_letters.replaying import purge, replay
from operations.dead_letters.sampling import DEFAULT_LIMIT, Sample, find, sample
from operations.dead_letters.stack_queues import DeadLetterQueue, dead_letter_queues, find_queue, states
from operations.errors import OperationError
from operations.interruption import Interruption
from operations.terminal import (
    JsonOption,
    RateOption,
    YesOption,
    console,
    duration,
    end,
    print_json,
    progress,
    say_only,
)

app = typer.Typer(name="dlq", help="Dead letters: look, replay, keep, delete.", no_args_is_help=True)

QueueArgument = Annotated[
    str, typer.Argument(metavar="QUEUE", help="transform, validate, delivery or results-SUBSCRIBER.")
]
LimitOption = Annotated[int, typer.Option(min=1, help="The most messages to look at in a queue.")]


@app.command("list")
def list_queues(*, stack: StackOption = "dev", local: LocalOption = False, as_json: JsonOption = False) -> None:
    """Every dead-letter queue: how many messages, how many of them in flight, the age of the oldest.

    Example: `img-pipeline dlq list --stack prod`
    """
    found = states(connect(stack, local=local))
    if as_json:
        return print_json([asdict(state) for state in found])
    table = Table("queue", "messages", "in flight", "oldest", "what they are", box=None, pad_edge=False)
    for state in found:
        age = "" if state.oldest_age_seconds is None else duration(state.oldest_age_seconds)
        table.add_row(state.queue, str(state.visible), str(state.in_flight), age, state.kind)
    return console.print(table)


@app.command()
def show(
    *,
    queue: Annotated[str, typer.Argument(metavar="QUEUE", help="One queue; every queue if left out.")] = "",
    stack: StackOption = "dev",
    local: LocalOption = False,
    limit: LimitOption = DEFAULT_LIMIT,
    as_json: JsonOption = False,
) -> None:
    """Dead letters by cause: how many, first and last seen, and some files to look at. Takes nothing out.

    Example: `img-pipeline dlq show transform --stack prod`
    """
    connection = connect(stack, local=local)
    queues = [find_queue(connection, queue)] if queue else dead_letter_queues(connection)
    looks = [(each, _look(connection, each, limit)) for each in queues]
    if as_json:
        return print_json(
            [
                {"queue": each.name, "lookedAt": len(look.letters), "depth": look.depth, "whole": look.whole}
                | {"causes": [asdict(cause) for cause in group(look.letters)]}
                for each, look in looks
            ]
        )
    for each, look in looks:
        if look.letters or queue:
            _show_causes(each, look)
    if not any(look.letters for _, look in looks):
        console.print("no dead letters")
    return None


@app.command()
def peek(
    *,
    wanted: Annotated[str, typer.Argument(metavar="ID", help="A message's id, a job's id or a file's key.")],
    queue: Annotated[str, typer.Option(help="Look in this queue only.")] = "",
    stack: StackOption = "dev",
    local: LocalOption = False,
    limit: LimitOption = 10 * DEFAULT_LIMIT,
    as_json: JsonOption = False,
) -> None:
    """One dead letter: its body, its attributes and its job. Takes nothing out.

    Example: `img-pipeline dlq peek uploads/cat.jpg --stack prod`
    """
    connection = connect(stack, local=local)
    queues = [find_queue(connection, queue)] if queue else dead_letter_queues(connection)
    search = find(connection, wanted, queues, limit=limit)
    if search.letter is None:
        raise OperationError(f"{wanted} is not among the {search.looked_at} dead letters looked at")
    found = _description(search.letter)
    if as_json:
        return print_json(found)
    for title, value in found.items():
        console.print(f"[bold]{title}[/]")
        if isinstance(value, str):
            console.print(value, markup=False, highlight=False, soft_wrap=True)
        else:
            console.print_json(json.dumps(value, default=str))
    return None


@app.command("replay")
def replay_command(
    *,
    queue: QueueArgument = "transform",
    only: Annotated[
        str, typer.Option(metavar="CAUSE|KEY", help="Only this cause, file, job or message; others stay.")
    ] = "",
    everything: Annotated[bool, typer.Option("--all", help="The whole queue, as without --only.")] = False,
    rate: RateOption = 50,
    stack: StackOption = "dev",
    local: LocalOption = False,
    yes: YesOption = False,
) -> None:
    """Send dead letters back to where they failed, at a bounded rate.

    A message is deleted only when its copy has arrived. Rejected files are judged again.

    Example: `img-pipeline dlq replay --only WatermarkError --rate 20 --stack prod`
    """
    if only and everything:
        raise OperationError("--only and --all contradict each other: leave one out")
    connection = connect(stack, local=local)
    source = find_queue(connection, queue)
    look = _look(connection, source, DEFAULT_LIMIT)
    chosen = [letter for letter in look.letters if not only or letter.matches(only)]
    _show_causes(source, Sample(letters=chosen, depth=look.depth, whole=look.whole))
    if look.whole and not chosen:
        raise OperationError(f"nothing in {source.name} matches {only}" if only else f"{source.name} is empty")
    total = len(chosen) if look.whole else None
    count = str(total) if total else f"those of about {look.depth} that match" if only else f"about {look.depth}"
    if not yes:
        seconds = (total or look.depth) / rate
        return say_only(f"replay would send {count} to {_name(source.replays_to)} in about {duration(seconds)}")
    with Interruption() as interruption, progress("replaying", total or look.depth) as on_progress:
        tally = replay(
            connection,
            source,
            only=only or None,
            rate=rate,
            interruption=interruption,
            on_progress=lambda done: on_progress(done.sent),
        )
    console.print(f"replayed {tally.sent} to {_name(source.replays_to)}; left {tally.left} in {source.name}")
    return end(tally)


@app.command("purge")
def purge_command(
    *,
    queue: Annotated[
        str,
        typer.Argument(
            metavar="QUEUE", help="The queue to empty: transform, validate, delivery or results-SUBSCRIBER."
        ),
    ],
    stack: StackOption = "dev",
    local: LocalOption = False,
    yes: YesOption = False,
) -> None:
    """Delete everything in a dead-letter queue. Keep it first with `dlq export`.

    Example: `img-pipeline dlq purge validate --stack prod`
    """
    connection = connect(stack, local=local)
    source = find_queue(connection, queue)
    look = _look(connection, source, DEFAULT_LIMIT)
    _show_causes(source, look)
    if not yes:
        return say_only(f"purge would delete about {look.depth} messages for good")
    return console.print(f"purged about {purge(connection, source)} messages from {source.name}")


@app.command("export")
def export_command(
    *,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", dir_okay=False, help="The file to write, one JSON line a message.")
    ],
    queue: Annotated[str, typer.Option(help="transform, validate, delivery or results-SUBSCRIBER.")] = "transform",
    stack: StackOption = "dev",
    local: LocalOption = False,
) -> None:
    """Write a queue's dead letters to a file. Takes nothing out.

    Example: `img-pipeline dlq export letters.jsonl --queue transform --stack prod`
    """
    connection = connect(stack, local=local)
    source = find_queue(connection, queue)
    with progress("exporting", None) as on_progress:
        look = export(connection, source, file, on_progress=on_progress)
    console.print(f"wrote {len(look.letters)} of about {look.depth} dead letters to {file}", highlight=False)


@app.command("import")
def import_command(
    *,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="A file that `dlq export` wrote.")
    ],
    queue: Annotated[str, typer.Option(help="Another queue than the one they came from.")] = "",
    rate: RateOption = 50,
    skip: Annotated[int, typer.Option(min=0, help="Lines that an interrupted import has settled.")] = 0,
    stack: StackOption = "dev",
    local: LocalOption = False,
    yes: YesOption = False,
) -> None:
    """Put exported dead letters back into a dead-letter queue, from where they can be replayed.

    Example: `img-pipeline dlq import letters.jsonl --stack prod`
    """
    connection = connect(stack, local=local)
    letters = read(file)
    names = {queue} if queue else {letter.queue for letter in letters}
    if len(names) != 1:
        raise OperationError(f"{file} holds letters of {len(names)} queues: name one with --queue")
    destination = find_queue(connection, names.pop())
    if not yes:
        return say_only(f"import would send {max(len(letters) - skip, 0)} messages to {_name(destination.url)}")
    with Interruption() as interruption, progress("importing", len(letters) - skip) as on_progress:
        tally = put_back(
            connection,
            destination,
            letters,
            rate=rate,
            skip=skip,
            interruption=interruption,
            on_progress=lambda done: on_progress(done.sent),
        )
    console.print(f"imported {tally.sent} messages into {_name(destination.url)}")
    if tally.interrupted:
        console.print(f"go on with --skip {skip + tally.settled}")
    return end(tally)


def _look(connection: Connection, queue: DeadLetterQueue, limit: int) -> Sample:
    with progress(f"looking at {queue.name}", None) as on_progress:
        return sample(connection, queue, limit=limit, on_progress=on_progress)


def _show_causes(queue: DeadLetterQueue, look: Sample) -> None:
    sampled = f"{len(look.letters)}" if look.whole else f"{len(look.letters)} of about {look.depth}, a sample"
    console.print(f"[bold]{queue.name}[/]: {sampled}", highlight=False)
    table = Table("cause", "count", "first seen", "last seen", "for example", box=None, pad_edge=False)
    groups = group(look.letters)
    for cause in groups:
        table.add_row(cause.cause, str(cause.count), _moment(cause.first_seen), _moment(cause.last_seen), _keys(cause))
    if groups:
        console.print(table)
    for cause in groups:
        console.print(f"  {cause.cause}: {cause.reason} {cause.hint}", markup=False, highlight=False)


def _keys(cause: Group) -> str:
    return "\n".join(cause.sample_keys)


def _description(letter: Letter) -> dict[str, Any]:
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
