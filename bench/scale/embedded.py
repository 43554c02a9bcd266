"""Bursts on the embedded cloud, each between files that are sent one after the other, which predict it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from statistics import mean
from typing import Any

from bench.bursts import process_burst
from bench.executions import Execution, execution_of
from bench.processes import SERVER, cpu_milliseconds
from bench.scale.simulation import Function, Pipe, Plan, Work, simulate
from operations.cost.work import VALIDATE
from testing.stack import Stack, deployed_stack

CORES = os.cpu_count() or 1
BURSTS = ((100, 2), (300, 2), (100, 4))
"""Files, and the slots of the pipe."""

_WARM_FILES, _CALIBRATION_FILES = 6, 20
# One transform after the other takes longer; the visibility timeout stays below the alarm's threshold.
_ONE_AT_A_TIME: dict[str, Any] = {"mapConcurrency": 1, "workflowTimeoutSeconds": 230}
# The reservedConcurrency of each function in Pulumi.local.yaml.
_CONCURRENCY = 4


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What one file takes of the embedded cloud when no other is processed.

    Attributes:
        before: seconds from the end of one execution to the call of validate in the next, the pipe's work included.
        functions: seconds of a call of each function, as the workflow sees it.
        after: seconds of the execution that no function was called in, but for those before validate.
        server_share: the part of the CPU seconds that the embedded cloud's own process took; the rest is that of the
            functions' processes.
    """

    before: float
    functions: Mapping[str, float]
    after: float
    server_share: float

    def plan(self, *, pipe_slots: int, cores: int = CORES) -> Plan:
        """The simulation's plan of this machine.

        All time that a file takes alone is taken for the work of a process: of the functions' in their calls, and of
        the embedded cloud's everywhere, in the proportion of their CPU seconds.
        """
        calls = sum(self.functions.values())
        of_workers = (1 - self.server_share) * (self.before + calls + self.after)

        def function(name: str) -> Function:
            core = min(1.0, of_workers / calls) * self.functions[name]
            return Function(
                call=Work(server=self.functions[name] - core, core=core), concurrency=_CONCURRENCY, warm=_CONCURRENCY
            )

        return Plan(
            pipe=Pipe(first=pipe_slots, most=pipe_slots),
            before=Work(server=self.before),
            validate=function(VALIDATE),
            transforms=[function(name) for name in self.functions if name != VALIDATE],
            after=Work(server=self.after),
            cores=cores,
            has_one_server=True,
        )

    def averaged(self, other: Calibration) -> Calibration:
        """The mean of two."""
        return Calibration(
            before=mean((self.before, other.before)),
            functions={name: mean((seconds, other.functions[name])) for name, seconds in self.functions.items()},
            after=mean((self.after, other.after)),
            server_share=mean((self.server_share, other.server_share)),
        )


def compare() -> list[dict[str, float]]:
    """Bursts, each between two calibrations, and what the simulation makes of these.

    Returns:
        For each burst its files and slots, and the measured and the predicted seconds.
    """
    rows: list[dict[str, float]] = []
    with ExitStack() as stacks:
        alone = stacks.enter_context(deployed_stack(pipe_concurrency=1, **_ONE_AT_A_TIME))
        by_slots = {
            slots: stacks.enter_context(deployed_stack(pipe_concurrency=slots))
            for slots in sorted({slots for _, slots in BURSTS})
        }
        for stack in (alone, *by_slots.values()):
            _drain(stack, _WARM_FILES * 4, "warm")
        before = _calibrate(alone, 0)
        for number, (files, slots) in enumerate(BURSTS, 1):
            executions = _drain(by_slots[slots], files, f"burst{number}")
            after = _calibrate(alone, number)
            found = before.averaged(after)
            rows.append(
                {
                    "files": files,
                    "slots": slots,
                    "measuredSeconds": executions[-1].ended - executions[0].began,
                    "predictedSeconds": simulate(found.plan(pipe_slots=slots), [0.0] * files).seconds,
                    "aloneSeconds": found.before + sum(found.functions.values()) + found.after,
                    "serverShare": found.server_share,
                }
            )
            before = after
    return rows


def _calibrate(stack: Stack, number: int) -> Calibration:
    """Send files through the pipeline one after the other, each transform after the other."""
    used = cpu_milliseconds(stack.cloud)
    executions = _drain(stack, _CALIBRATION_FILES, f"calibration{number}")
    used = cpu_milliseconds(stack.cloud) - used
    gaps = [later.began - earlier.ended for earlier, later in pairwise(executions)]
    calls = [call for each in executions for call in each.calls]
    in_calls = sum(call.ended - call.began for call in calls) / len(executions)
    return Calibration(
        before=mean(gaps) + mean(each.calls[0].began - each.began for each in executions),
        functions={
            name: mean(call.ended - call.began for call in calls if call.function == name)
            for name in executions[0].function_milliseconds
        },
        after=mean(each.ended - each.calls[0].began for each in executions) - in_calls,
        server_share=used[SERVER] / used.total(),
    )


def _drain(stack: Stack, files: int, name: str) -> list[Execution]:
    """Process a burst; its executions, in their order."""
    machine = stack.outputs["stateMachineArn"]
    before = len(stack.cloud.executions(machine))
    process_burst(stack, name, files)
    found = stack.cloud.executions(machine)
    executions = (execution_of(each["events"]) for each in found[: len(found) - before])
    return sorted(executions, key=lambda each: each.began)
