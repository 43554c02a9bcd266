"""What validate finds in a file that it accepts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """An accepted file; the other finding is a `Rejection`.

    Args:
        measures: a dataclass of JSON types, recorded and published.
        sample: a small copy of the content as text, which is passed to the transforms and nowhere else; "" if the
            family has none.
    """

    measures: Any
    sample: str = ""

    def payload(self) -> dict[str, Any]:
        """The finding as the workflow reads it."""
        return {"measures": asdict(self.measures)} | ({"sample": self.sample} if self.sample else {})
