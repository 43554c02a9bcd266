"""Makes a run's inputs, each from the run's seed and its own number alone."""

from __future__ import annotations

import random

from tests.hostile.inputs import HostileInput
from tests.hostile.pictures import picture
from tests.hostile.requests import request
from tests.hostile.tables import table

_FAMILIES = (picture, table, picture, request)


def input_of(seed: int, number: int) -> HostileInput:
    """The input with this number, counted from 0, of the run with this seed."""
    return _FAMILIES[number % len(_FAMILIES)](random.Random(f"{seed}/{number}"))  # noqa: S311 - test data
