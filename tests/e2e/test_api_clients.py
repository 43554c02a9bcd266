"""Many clients at once; `python -m bench.api_clients` is the same with 200 of them for a minute."""

from __future__ import annotations

from bench.api_clients import Crowd
from testing.stack import Stack

CLIENTS = 20


def test_of_many_clients_files_none_is_lost_and_none_is_processed_twice(stack: Stack) -> None:
    crowd = Crowd(stack=stack)
    uploaded = crowd.run(CLIENTS, lambda done: done < 1)
    assert len(uploaded) == CLIENTS
    assert {each.expected for each in uploaded} == {"COMPLETED", "REJECTED"}
    assert crowd.unaccounted(uploaded) == []
