"""Tables in the documentation that follow from the code, so that they cannot say something else.

A block in a Markdown file looks like this, and everything between its two comments is rewritten by `make docs`:

    <!-- generated: settings -->
    …
    <!-- end of settings -->
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import yaml

from functions.shared.reasons import WORDINGS, ReasonCode

ROOT = Path(__file__).resolve().parent.parent


def settings_table() -> str:
    """Every key of the stack's configuration, as `Pulumi.yaml` declares it."""
    schema = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
    rows = [(f"`{key}`", _default(entry["default"]), entry["description"]) for key, entry in schema.items()]
    return _table(("Key", "Default", "Meaning"), rows)


def reasons_table() -> str:
    """Every code that a file can be rejected with."""
    rows = [(f"`{code}`", _plain(WORDINGS[code].reason), _plain(WORDINGS[code].hint)) for code in ReasonCode]
    return _table(("Code", "What it says", "What to do"), rows)


BLOCKS: Mapping[str, Callable[[], str]] = {"settings": settings_table, "reasons": reasons_table}


def documents() -> Iterable[Path]:
    """The Markdown files that may hold generated blocks."""
    return (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))


def regenerated(text: str) -> str:
    """The text with every generated block as it should be.

    Raises:
        KeyError: a block has a name that nothing generates.
    """
    return re.sub(
        r"(<!-- generated: (\S+) -->\n).*?(<!-- end of \2 -->)",
        lambda block: f"{block[1]}{BLOCKS[block[2]]()}\n{block[3]}",
        text,
        flags=re.DOTALL,
    )


def _default(value: object) -> str:
    """A default in the form `pulumi config set` or a stack file takes it, kept short."""
    if isinstance(value, str):
        return f"`{value}`" if value else "empty"
    if isinstance(value, list | dict) and not value:
        return "none"
    if isinstance(value, list):
        return "<br>".join(_default(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"`{name}: {_scalar(item)}`" for name, item in value.items())
    return f"`{_scalar(value)}`"


def _scalar(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _plain(text: str) -> str:
    """A wording with its placeholders as an ellipsis."""
    return re.sub(r"\{[^}]*\}", "…", text)


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
