"""The code examples in README."""

from __future__ import annotations

import re
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"


def readme_block(language: str) -> str:
    """The only code block of a language in README's section on transforms."""
    (block,) = readme_blocks("Add a transform", language)
    return block


def readme_blocks(heading: str, language: str) -> list[str]:
    """Every code block of a language in README's section."""
    section = README.read_text(encoding="utf-8").partition(f"## {heading}\n")[2]
    return re.findall(rf"```{language}\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)
