"""Injects the faults of a plan into the emulator's services; without a fault in the plan, nothing changes."""

from __future__ import annotations

import datetime
import functools
import json
import random
import resource
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import eventbridge, lambda_svc, sns, sqs, stepfunctions

from localcloud.faults import Effect, FaultPlan, PlannedFault, Point
from localcloud.patches.lambda_ import RAISED
from localcloud.patches.sqs import queues_lock

# What a worker may still allocate when its memory is limited.
_SPARE_BYTES = 1 << 20
# As Lambda reports a runtime that was ended from outside ("Lambda Developer Guide", Troubleshoot execution issues).
_EXITED = "Error: Runtime exited with error: signal: killed"


def install(plan: FaultPlan) -> None:
    """Apply these patches; call it after those of the services."""
    _in_tasks(plan)
    _in_invocations(plan)
    _in_deliveries(plan)
    _in_receipts(plan)
    _in_deletions(plan)


def _in_tasks(plan: FaultPlan) -> None:
    invoke = stepfunctions._invoke_resource

    @functools.wraps(invoke)
    def invoke_resource(service: str, arguments: dict[str, Any]) -> Any:
        action = service.removeprefix("arn:aws:states:::")
        target = next(
            (
                arguments[name]
                for name in ("FunctionName", "TableName", "QueueUrl", "TopicArn", "Bucket")
                if name in arguments
            ),
            "",
        )
        fault = plan.strike(Point.TASK, f"{action} {target}")
        if fault is None:
            return invoke(service, arguments)
        if fault.effect is Effect.DELAY:
            time.sleep(fault.values["seconds"])
            return invoke(service, arguments)
        if fault.effect is Effect.LOSE:
            invoke(service, arguments)
        raise stepfunctions._ExecutionError(fault.values["error"], "injected fault")

    stepfunctions._invoke_resource = invoke_resource


def _in_invocations(plan: FaultPlan) -> None:
    invoke, execute = lambda_runtime.Worker.invoke, lambda_svc._execute_function_warm

    @functools.wraps(invoke)
    def invoke_worker(self: lambda_runtime.Worker, *arguments: Any, **keywords: Any) -> dict[str, Any]:
        run = functools.partial(invoke, self, *arguments, **keywords)
        number, fault = plan.attempt(Point.INVOCATION, self.func_name)
        if fault is None:
            return run()
        result = _killed(self, fault, run) if fault.effect is Effect.KILL else _limited(self, fault, run)
        answer = result.get("result")
        has_raised = isinstance(answer, dict) and RAISED in answer
        plan.settle(number, has_struck=has_raised or result.get("status") != "ok")
        return result

    @functools.wraps(execute)
    def execute_function_warm(func: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        result = execute(func, event, request_id)
        body = result.get("body")
        if isinstance(body, dict) and body.get("errorMessage") == _EXITED:
            return result | {"body": body | {"errorType": "Runtime.ExitError"}}
        return result

    lambda_runtime.Worker.invoke = invoke_worker
    lambda_svc._execute_function_warm = execute_function_warm


def _killed(worker: lambda_runtime.Worker, fault: PlannedFault, run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    when, died = fault.values["when"], {"status": "error", "error": _EXITED}
    if when == "before":
        _kill(worker)
        return died
    if when == "after":
        run()
        _kill(worker)
        return died
    timer = threading.Timer(fault.values.get("seconds", 0.01), _kill, [worker])
    timer.start()
    result = run()
    timer.cancel()
    return result if result.get("status") == "ok" else result | died


def _kill(worker: lambda_runtime.Worker) -> None:
    process = worker._proc
    if process is not None and process.poll() is None:
        process.send_signal(signal.SIGKILL)
        process.wait()


def _limited(worker: lambda_runtime.Worker, fault: PlannedFault, run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Run with the worker's memory or disk as good as full; its next invocation has another process."""
    if worker._proc is None or worker._proc.poll() is not None:
        worker._spawn()
    process: Any = worker._proc
    if fault.values["resource"] == "disk":
        # No byte can be added to a file, as on a full disk.
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    else:
        pages = int(Path(f"/proc/{process.pid}/statm").read_text(encoding="ascii").split()[0])
        limit = pages * resource.getpagesize() + _SPARE_BYTES
        resource.prlimit(process.pid, resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
    result = run()
    _kill(worker)
    return result


def _in_deliveries(plan: FaultPlan) -> None:
    for service, name in ((eventbridge, "_dispatch_to_sqs"), (sns, "_deliver_to_sqs")):
        setattr(service, name, _delivery(plan, getattr(service, name)))


def _delivery(plan: FaultPlan, deliver: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(deliver)
    def deliver_to_queue(queue: Any, payload: str, *arguments: Any, **keywords: Any) -> None:
        name = str(queue).rsplit(":", 1)[-1]
        fault = plan.strike(Point.DELIVERY, name)
        if fault and fault.effect is Effect.SKEW:
            payload = _skewed(payload, fault.values["seconds"])
        with queues_lock:
            deliver(queue, payload, *arguments, **keywords)
            if fault and fault.effect is Effect.REPEAT:
                deliver(queue, payload, *arguments, **keywords)
            if fault and fault.effect is Effect.DELAY and (found := sqs._queue_by_arn(str(queue))):
                found["messages"][-1]["visible_at"] = time.time() + fault.values["seconds"]

    return deliver_to_queue


def _skewed(payload: str, seconds: float) -> str:
    event = json.loads(payload)
    at = datetime.datetime.fromisoformat(event["time"]) + datetime.timedelta(seconds=seconds)
    return json.dumps(event | {"time": at.strftime("%Y-%m-%dT%H:%M:%SZ")})


def _in_receipts(plan: FaultPlan) -> None:
    collect, shuffler = sqs._collect_msgs, random.Random(0)  # noqa: S311 - guards nothing

    @functools.wraps(collect)
    def collect_messages(queue: dict[str, Any], *arguments: Any) -> Any:
        if len(queue["messages"]) > 1 and plan.strike(Point.RECEIPT, _queue_name(queue)):
            with queues_lock:
                shuffler.shuffle(queue["messages"])
        return collect(queue, *arguments)

    sqs._collect_msgs = collect_messages


def _in_deletions(plan: FaultPlan) -> None:
    """A deletion that is acknowledged and has no effect: a standard queue may deliver the message again.

    See "Amazon SQS at-least-once delivery": a server that was unavailable when a message was deleted still has it.
    """
    delete, delete_for_mapping = sqs._act_delete_message, sqs._delete_messages_for_esm

    @functools.wraps(delete)
    def delete_message(data: dict[str, Any], url: str) -> dict[str, Any]:
        queue = sqs._get_q(data.get("QueueUrl", url), "sqs:DeleteMessage")
        return {} if is_lost(queue, {data.get("ReceiptHandle", "")}) else delete(data, url)

    @functools.wraps(delete_for_mapping)
    def delete_messages_for_mapping(url: str, receipt_handles: set[str]) -> None:
        if not is_lost(sqs._get_q(url), receipt_handles):
            delete_for_mapping(url, receipt_handles)

    def is_lost(queue: dict[str, Any], receipt_handles: set[str]) -> bool:
        if not plan.strike(Point.DELETION, _queue_name(queue)):
            return False
        with queues_lock:
            for message in queue["messages"]:
                if message["receipt_handle"] in receipt_handles:
                    message["visible_at"] = time.time()
        return True

    sqs._HANDLERS["DeleteMessage"] = delete_message
    sqs._delete_messages_for_esm = delete_messages_for_mapping


def _queue_name(queue: dict[str, Any]) -> str:
    return queue["attributes"]["QueueArn"].rsplit(":", 1)[-1]
