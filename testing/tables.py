"""Tables of any size, generated from a seed."""

from __future__ import annotations

import random
from pathlib import Path

_COUNTRIES = ("DE", "FR", "JP", "NL", "US")


def write_orders(path: Path, rows: int) -> None:
    """Write a CSV as exports of a shop have them: a number, a text, a choice of few, a price and a date."""
    chance = random.Random(7)  # noqa: S311 - values, not secrets
    lines = (
        f"{number},{chance.getrandbits(64):x},{_COUNTRIES[number % len(_COUNTRIES)]},{chance.uniform(1, 1000):.2f},"
        f"2026-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}\n"
        for number in range(rows)
    )
    path.write_text("order,customer,country,price,day\n" + "".join(lines), encoding="utf-8")
