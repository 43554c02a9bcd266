"""A short storm: a few faults, a replay and one planted bug, with every file accounted for."""

from __future__ import annotations

import re

import pytest

from storm.run import Plan, run

FAULTS = (
    "function killed during its work",
    "S3 connection reset within a body",
    "SQS duplicate",
)


@pytest.mark.weekly
def test_every_file_is_accounted_for_under_faults_and_a_planted_bug_is_caught() -> None:
    plan = Plan(files=0, seconds=0, replays=30, combinations=0, faults=FAULTS, bugs=("notification dropped",))

    outcome = run(plan, print)

    print(outcome)
    assert outcome.is_good, outcome.failures
    assert {name for result in outcome.alone for name in result.names} == set(FAULTS)
    assert outcome.replay is not None
    assert outcome.replay.messages == 30
    assert re.fullmatch(
        r"storm: files=\d+ faults=3 lost=0 doubled=0 stale=0 unexplained=0 planted=1 caught=1 seconds=\d+", str(outcome)
    )
