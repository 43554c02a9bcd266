"""The branches of a definition and of an execution: states, retries, catches and choices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

Definition = dict[str, Any]


def states_of(definition: Definition) -> dict[str, dict[str, Any]]:
    """Return every state by name, including those inside a Map."""
    states = dict(definition["States"])
    for state in definition["States"].values():
        states |= state.get("ItemProcessor", {}).get("States", {})
    return states


def branches_of(definition: Definition) -> set[str]:
    """Return the names of all branches of a definition."""
    branches = set()
    for name, state in states_of(definition).items():
        branches.add(name)
        branches |= {_retry(name, retrier) for retrier in state.get("Retry", [])}
        branches |= {_catch(name, catcher) for catcher in state.get("Catch", [])}
        branches |= {f"{name} chooses {rule['Next']}" for rule in state.get("Choices", [])}
        if "Default" in state:
            branches.add(f"{name} chooses {state['Default']}")
    return branches


def branches_taken(definition: Definition, history: Sequence[dict[str, Any]]) -> set[str]:
    """Return the names of the branches of an execution, from its history."""
    taken = set()
    for (name, events), (next_name, _) in pairwise([*_visits(history), ("", [])]):
        state = definition["States"][name]
        taken.add(name)
        if state["Type"] == "Choice":
            taken.add(f"{name} chooses {next_name}")
        if state["Type"] == "Task":
            taken |= _handled(name, state, task_errors(events), caught=_last_attempt_failed(events))
        if state["Type"] == "Map":
            caught = next_name != state["Next"]
            taken |= {_catch(name, catcher) for catcher in state["Catch"] if caught}
            for inner_name, inner in state["ItemProcessor"]["States"].items():
                if inner["Type"] == "Task":
                    taken |= {inner_name, *_handled(inner_name, inner, task_errors(events), caught=caught)}
                elif caught:
                    taken.add(inner_name)
    return taken


def states_entered(history: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """Return the states that an execution entered, in order, without those inside a Map."""
    return tuple(name for name, _ in _visits(history))


def task_errors(history: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """Return the errors of every attempt of a task, in order."""
    return tuple(event["taskFailedEventDetails"]["error"] for event in history if event["type"] == "TaskFailed")


def _visits(history: Sequence[dict[str, Any]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Generate each entered state, in order, with the events until the next one."""
    entries = [index for index, event in enumerate(history) if "stateEnteredEventDetails" in event]
    for entry, end in pairwise([*entries, len(history)]):
        yield history[entry]["stateEnteredEventDetails"]["name"], list(history[entry + 1 : end])


def _last_attempt_failed(events: Sequence[dict[str, Any]]) -> bool:
    ends = [event["type"] for event in events if event["type"] in ("TaskSucceeded", "TaskFailed")]
    return ends[-1:] == ["TaskFailed"]


def _handled(name: str, state: dict[str, Any], errors: Sequence[str], *, caught: bool) -> set[str]:
    """Return the retriers and catchers that handled a task's errors: the first one that matches an error."""
    retriers = {_retry(name, retrier) for retrier in state["Retry"] if set(retrier["ErrorEquals"]) & set(errors)}
    catchers = [each for each in state["Catch"] if set(each["ErrorEquals"]) & {"States.ALL", *errors[-1:]}]
    return retriers | {_catch(name, catcher) for catcher in catchers[:1] if caught}


def _retry(name: str, retrier: dict[str, Any]) -> str:
    return f"{name} retries {retrier['ErrorEquals'][0]}"


def _catch(name: str, catcher: dict[str, Any]) -> str:
    return f"{name} catches {catcher['ErrorEquals'][0]}"
