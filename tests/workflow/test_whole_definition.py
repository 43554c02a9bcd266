"""Runs after the other tests of this folder, because of its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.workflow.branches import branches_of
from tests.workflow.rig import Rig


def test_every_state_retry_catch_and_choice_is_tested(rig: Rig, request: pytest.FixtureRequest) -> None:
    if not _all_tests_were_selected(request):
        pytest.skip("only some of the workflow's tests were chosen")

    branches = branches_of(rig.definition)

    assert len(branches) > len(rig.definition["States"])
    assert branches - rig.taken == set()


def _all_tests_were_selected(request: pytest.FixtureRequest) -> bool:
    modules = set(Path(__file__).parent.glob("test_*.py"))
    narrowed = request.config.option.keyword or any("::" in argument for argument in request.config.args)
    return not narrowed and modules <= {item.path for item in request.session.items}
