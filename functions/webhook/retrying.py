"""The back-off between attempts of a delivery."""

from __future__ import annotations

import random

from contract.webhooks import BACK_OFF_SECONDS, MAX_ATTEMPTS

_JITTER = 0.2
# Environments that start from one snapshot have one state of Python's other generators.
_CHANCE = random.SystemRandom()


def wait_seconds(attempt: int) -> int:
    """Seconds until the next attempt, with jitter of up to a fifth, so that a backlog is not sent all at once.

    Args:
        attempt: the failed attempt, from 1; after the last one the message moves to the dead-letter queue at once.
    """
    if attempt >= MAX_ATTEMPTS:
        return 0
    return round(BACK_OFF_SECONDS[attempt - 1] * _CHANCE.uniform(1 - _JITTER, 1))
