"""The documentation matches the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.generated import ROOT, documents, regenerated


@pytest.mark.parametrize("document", documents(), ids=lambda path: path.name)
def test_generated_parts_match_the_code(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert regenerated(text) == text, f"{document.name} is out of date: run `make docs` and commit it"


@pytest.mark.parametrize("document", documents(), ids=lambda path: path.name)
def test_links_and_make_targets_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z][a-z-]*)", text)) - targets - {"sure"} == set()
    for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
        assert (document.parent / link).exists(), f"{document.name} links to {link}"
