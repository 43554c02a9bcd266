"""Every command that the documentation shows exists, with the options that it is shown with."""

from __future__ import annotations

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from docs.generated import ROOT, documents
from operations import cli
from tests.documentation.commands import COMMAND, Command, commands_of

SHOWN = {
    f"{document.name}: {command}": command
    for document in (*documents(), ROOT / "CONTRIBUTING.md")
    for command in commands_of(document)
    if command.program == COMMAND
}


@pytest.mark.parametrize("command", SHOWN.values(), ids=SHOWN.keys())
def test_every_documented_command_and_option_exists(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp() / "with-files"
    folder.mkdir(exist_ok=True)
    monkeypatch.chdir(folder)
    for word in command.arguments:
        if word.endswith((".yaml", ".jsonl")):
            (folder / word).touch()
    parse(command.arguments)


def parse(arguments: tuple[str, ...]) -> None:
    """Let the command line read the arguments without doing anything.

    Raises:
        click.UsageError: there is no such command, option or argument.
    """
    command, rest, name, context = get_command(cli.app), list(arguments), COMMAND, None
    while isinstance(command, TyperGroup):
        context = command.make_context(name, rest, parent=context)
        found, command, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        name = str(found)
    assert command is not None
    command.make_context(name, rest, parent=context)


def test_commands_are_extracted_from_the_pages() -> None:
    assert {"README.md", "deploy.md", "runbook.md", "security.md"} <= {name.partition(":")[0] for name in SHOWN}


def test_readme_traces_the_file_that_it_uploads() -> None:
    commands = list(commands_of(ROOT / "README.md"))
    ((_, source, folder),) = [command.words for command in commands if command.program == "cp"]
    (uploaded,) = [command.arguments[1] for command in commands if command.arguments[:1] == ("upload",)]
    (traced,) = [command.arguments[1] for command in commands if command.arguments[:1] == ("trace",)]
    assert (ROOT / source).is_file()
    assert uploaded == folder
    assert traced == f"uploads/{folder}{source.rpartition('/')[2]}"
