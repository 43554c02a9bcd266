"""README's transform, as tests build it."""

from __future__ import annotations

import re
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"


def readme_block(language: str) -> str:
    """The only code block of a language in README's section."""
    section = README.read_text(encoding="utf-8").partition("## Add a transform")[2]
    (block,) = re.findall(rf"```{language}\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)
    return block
