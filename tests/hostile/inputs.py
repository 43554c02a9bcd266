"""An input of a run: what is sent to the pipeline."""

from __future__ import annotations

from dataclasses import dataclass

PICTURE, TABLE, REQUEST = "picture", "table", "request"


@dataclass(frozen=True, kw_only=True)
class HostileInput:
    """One input.

    Args:
        family: PICTURE, TABLE or REQUEST.
        kind: what is wrong with it, for the reader of a report.
        body: the file; of a request {function, event} as JSON.
        name: of the file.
        rows: how many rows a table has; None where its generator does not know.
    """

    family: str
    kind: str
    body: bytes
    name: str
    rows: int | None = None
