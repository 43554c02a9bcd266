"""File names that people chose, made safe for object keys and addresses."""

from __future__ import annotations

import re
import unicodedata

from contract.keys import UPLOADS

MAX_BYTES = 100
"""Length of a sanitised name."""

NAMELESS = "file"
"""What a name becomes of which nothing is left."""

_MAX_EXTENSION = 16


def sanitised(name: str) -> str:
    """A file name of ``A-Z a-z 0-9 . _ -`` that keeps its extension, at most `MAX_BYTES` long.

    Only what follows the last slash or backslash counts. Accents are dropped from letters, and whatever else is not
    among these characters becomes one hyphen.
    """
    last = re.split(r"[/\\]", name)[-1]
    letters = "".join(each for each in unicodedata.normalize("NFKD", last) if not unicodedata.combining(each))
    stem, _, extension = letters.rpartition(".")
    if not stem and not letters.startswith("."):
        stem, extension = letters, ""
    ending = _cleaned(extension).replace(".", "")[:_MAX_EXTENSION].strip("-_")
    ending = f".{ending}" if ending else ""
    return (_cleaned(stem)[: MAX_BYTES - len(ending)].strip(".-") or NAMELESS) + ending


def file_key(job_id: str, name: str) -> str:
    """The key under which a job's file is uploaded."""
    return f"{UPLOADS}{job_id}/{sanitised(name)}"


def _cleaned(text: str) -> str:
    return re.sub(r"\.{2,}", ".", re.sub(r"[^A-Za-z0-9._-]+", "-", text)).strip(".-")
