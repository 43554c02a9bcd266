"""Validate accepts tables."""

from __future__ import annotations

import pytest

from tests.unit.conftest import Cloud, table_limits


@pytest.fixture(autouse=True)
def _accepted(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001 - its environment comes first
    monkeypatch.setenv("MEDIA", table_limits())
