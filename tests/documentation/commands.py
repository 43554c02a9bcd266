"""The commands that the documentation shows, as a shell would split them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

COMMAND = "img-pipeline"


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command line of a fenced `sh` block; `given` is what an `echo` before it writes to its standard input."""

    section: str
    words: tuple[str, ...]
    given: str | None = None

    def __str__(self) -> str:
        return shlex.join(self.words)

    @property
    def program(self) -> str:
        return self.words[0]

    @property
    def arguments(self) -> tuple[str, ...]:
        return self.words[1:]


def commands_of(document: Path) -> Iterator[Command]:
    """Every command of a Markdown file, in order, with the heading above it."""
    text, section = document.read_text(encoding="utf-8"), ""
    for found in re.finditer(r"^#+ (?P<title>[^\n]+)$|^```sh\n(?P<lines>.*?)^```$", text, re.MULTILINE | re.DOTALL):
        if found["title"]:
            section = found["title"]
            continue
        for line in found["lines"].replace("\\\n", " ").splitlines():
            yield from _commands(line, section)


def _commands(line: str, section: str) -> Iterator[Command]:
    for part in re.split(r" && | ; ", line):
        echoed, piped, command = part.partition(" | ")
        words = shlex.split(command if piped else part, comments=True)
        while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
            words = words[1:]
        if words:
            given = " ".join(shlex.split(echoed)[1:]) + "\n" if piped else None
            yield Command(section=section, words=tuple(words), given=given)
