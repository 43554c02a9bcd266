"""The performance report, docs/performance.md: written from the committed results of each section."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench.sections import SECTIONS

REPORT = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
RESULTS = Path(__file__).with_name("results")
_INTRODUCTION = """# Performance

Written by `make bench` from what it measured, which is in `bench/results`. `.venv/bin/python -m bench --section NAME`
measures one section again, and `--report` only writes this page.
"""


def save(name: str, measured: dict[str, Any]) -> None:
    """Replace a section's results."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")


def report() -> str:
    """The page, with the sections that were measured."""
    parts = [_INTRODUCTION]
    for name, section in SECTIONS.items():
        path = RESULTS / f"{name}.json"
        if path.exists():
            parts.append(f"## {section.TITLE}\n\n{section.markdown(json.loads(path.read_text(encoding='utf-8')))}")
    if len(parts) == 1:
        parts.append("No results are committed yet: `make bench` measures for an hour.\n")
    return "\n".join(parts)
