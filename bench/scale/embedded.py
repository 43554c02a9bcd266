"""Bursts on the embedded cloud, each between files that are sent one after the other, which predict it."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from statistics import mean
from typing import Any

from bench.scale.simulation import Function, Pipe, Plan, Work, simulate
from client.pipeline import Pipeline
from contract.outputs import read_outputs
from localcloud.deployer import deploy
from localcloud.emulator import Emulator
from operations.cost.work import VALIDATE
from testing.pictures import photograph
from testing.waiting import eventually

CORES = os.cpu_count() or 1
BURSTS = ((100, 2), (300, 2), (100, 4))
"""Files, and the slots of the pipe."""

_WARM_FILES, _CALIBRATION_FILES = 6, 20
# One transform after the other takes longer; the visibility timeout stays below the alarm's threshold.
_ONE_AT_A_TIME = {"mapConcurrency": 1, "workflowTimeoutSeconds": 230}
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
        alone = stacks.enter_context(_stack(1, **_ONE_AT_A_TIME))
        by_slots = {slots: stacks.enter_context(_stack(slots)) for slots in sorted({slots for _, slots in BURSTS})}
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


@dataclass(frozen=True, kw_only=True)
class _Execution:
    """When an execution began and ended, and its functions' calls: (name, beginning, end)."""

    began: float
    ended: float
    calls: Sequence[tuple[str, float, float]]


_Stack = tuple[Emulator, Pipeline]


def _calibrate(stack: _Stack, number: int) -> Calibration:
    """Send files through the pipeline one after the other, each transform after the other."""
    cloud = stack[0]
    server, workers = _cpu_seconds(cloud.server_process_id)
    executions = _drain(stack, _CALIBRATION_FILES, f"calibration{number}")
    server_after, workers_after = _cpu_seconds(cloud.server_process_id)
    of_server, of_workers = server_after - server, workers_after - workers
    gaps = [later.began - earlier.ended for earlier, later in pairwise(executions)]
    in_calls = [sum(end - begin for _, begin, end in each.calls) for each in executions]
    return Calibration(
        before=mean(gaps) + mean(each.calls[0][1] - each.began for each in executions),
        functions=_call_seconds(executions),
        after=mean(each.ended - each.calls[0][1] - seconds for each, seconds in zip(executions, in_calls, strict=True)),
        server_share=of_server / (of_server + of_workers),
    )


@contextmanager
def _stack(pipe_slots: int, **settings: object) -> Iterator[_Stack]:
    with Emulator.start(pipe_concurrency=pipe_slots, pipe_retry_seconds=1) as cloud:
        outputs = deploy(cloud, "local", {"api": {"enabled": False}} | settings)
        yield cloud, Pipeline(stack="local", client=cloud.client, outputs=read_outputs(outputs))


def _drain(stack: _Stack, files: int, prefix: str) -> list[_Execution]:
    """Upload files while the pipe is stopped, start it, and wait until all are processed; in their order."""
    cloud, pipeline = stack
    pipes, name = cloud.client("pipes"), pipeline.outputs.pipe_name
    before = len(cloud.executions(pipeline.outputs.state_machine_arn))
    pipes.stop_pipe(Name=name)
    eventually(lambda: pipes.describe_pipe(Name=name)["CurrentState"] == "STOPPED", "the pipe's stop")
    uploads = [pipeline.upload(photograph(1 + number % 8), f"uploads/{prefix}/{number}.jpg") for number in range(files)]
    queue = pipeline.outputs.transform_queue_url
    eventually(lambda: pipeline.queue_depth(queue) >= files, "the events in the queue", 60)
    pipes.start_pipe(Name=name)
    rows = pipeline.await_jobs(uploads, timeout_seconds=600)
    failed = [upload.file_key for upload, row in rows.items() if not row or row["status"] != "COMPLETED"]
    if failed:
        raise RuntimeError(f"not completed: {', '.join(failed[:5])}; the machine may be too busy to measure on")
    found = cloud.executions(pipeline.outputs.state_machine_arn)
    return sorted(map(_execution, found[: len(found) - before]), key=lambda each: each.began)


def _execution(execution: Mapping[str, Any]) -> _Execution:
    calls: list[tuple[str, float, float]] = []
    open_: dict[int, float] = {}
    events = execution["events"]
    for event in events:
        details = event.get("taskScheduledEventDetails", {})
        if details.get("resource", "").endswith("lambda:invoke"):
            open_[event["id"]] = _time(event)
        output = event.get("taskSucceededEventDetails", {}).get("output", "")
        if '"durationMs"' in output and open_:
            payload = json.loads(output)["Payload"]
            calls.append((payload.get("transform", VALIDATE), open_.pop(min(open_)), _time(event)))
    return _Execution(began=_time(events[0]), ended=_time(events[-1]), calls=calls)


def _call_seconds(executions: Sequence[_Execution]) -> dict[str, float]:
    seconds: dict[str, list[float]] = defaultdict(list)
    for execution in executions:
        for name, begin, end in execution.calls:
            seconds[name].append(end - begin)
    return {name: mean(values) for name, values in seconds.items()}


def _time(event: Mapping[str, Any]) -> float:
    return datetime.fromisoformat(event["timestamp"]).timestamp()


def _cpu_seconds(pid: int) -> tuple[float, float]:
    """CPU seconds of a process, and of the processes that it started; of Linux alone."""
    parents = {int(path.name): _stat(path) for path in Path("/proc").iterdir() if path.name.isdecimal()}
    children = [number for number, stat in parents.items() if stat and stat[0] == pid]
    own = parents[pid]
    return (own[1] if own else 0.0), sum(stat[1] for number in children if (stat := parents[number]))


def _stat(path: Path) -> tuple[int, float] | None:
    """(parent, CPU seconds) of a process; None if it has ended."""
    try:
        # "proc_pid_stat(5)": after the command, the 2nd field is the parent, the 12th and 13th are CPU times.
        fields = (path / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[1]), (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
