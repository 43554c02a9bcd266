"""A script learns from the exit status that something is left to do."""

from __future__ import annotations

import pytest
import typer

from client.moving import MoveResult
from operations.commands.console import end


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (MoveResult(sent=3, refused=1), "SQS refused 1"),
        (MoveResult(sent=3, undeleted=2), "2 arrived but could not be deleted"),
        (MoveResult(sent=3, interrupted=True), "stopped on request"),
    ],
    ids=["refused", "undeleted", "interrupted"],
)
def test_what_is_left_to_do_is_said_and_exits_with_1(
    result: MoveResult, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as exit_:
        end(result)
    assert exit_.value.exit_code == 1
    assert said in capsys.readouterr().out


def test_when_nothing_is_left_to_do_nothing_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    end(MoveResult(sent=3, left=1))
    assert capsys.readouterr().out == ""
