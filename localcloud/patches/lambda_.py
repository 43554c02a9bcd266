"""Lambda: errors by class, logs, layers, concurrency and metrics."""

from __future__ import annotations

import functools
import io
import os
import tempfile
import threading
import time
import zipfile
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime, responses
from ministack.services import lambda_svc

from contract.lambda_runtime import isolated_python, runtime_packages
from localcloud.patches.iam import NotAssumable, is_allowed, scope
from localcloud.patches.observers import RecordLogLine, RecordMetric


def install(record_metric: RecordMetric, record_log_line: RecordLogLine) -> None:
    """Apply this service's patches."""
    _isolate_python_functions()
    _report_errors_by_class()
    _enforce_log_permissions(record_log_line)
    _poll_with_the_functions_role()
    _share_layers()
    _stop_workers_without_alias()
    _share_reserved_concurrency()
    _publish_function_metrics(record_metric)


RAISED = "_localcloud_raised"
"""In what a worker answers: the exception that its function raised."""
_WORKER_REPORTS = 'json.dumps({"status": "error", "error": str(e), "trace": traceback.format_exc()})'
_WORKER_REPORTS_CLASS = f"""(traceback.print_exc(), json.dumps({{"status": "ok", "result": {{"{RAISED}": {{
                "errorMessage": str(e), "errorType": type(e).__name__,
                "stackTrace": traceback.format_tb(e.__traceback__)}}}}}}))[1]"""


def _report_errors_by_class() -> None:
    """Gap: every exception is reported as `Runtime.HandlerError` and ends the worker.

    On AWS `errorType` is the name of the exception's class ("Lambda Developer Guide", Python errors), which a
    workflow's Retry matches, and the execution environment is reused.
    """
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    if script.count(_WORKER_REPORTS) != 1:
        raise RuntimeError("the patch for errorType does not support the emulator's worker script")
    lambda_runtime._PYTHON_WORKER_SCRIPT = script.replace(_WORKER_REPORTS, _WORKER_REPORTS_CLASS)
    execute = lambda_svc._execute_function_warm

    @functools.wraps(execute)
    def execute_function_warm(func: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        result = execute(func, event, request_id)
        body = result.get("body")
        if isinstance(body, dict) and RAISED in body:
            return result | {"body": body[RAISED] | {"requestId": request_id}, "error": True}
        return result

    lambda_svc._execute_function_warm = execute_function_warm


def _enforce_log_permissions(record_log_line: RecordLogLine) -> None:
    """Gap: functions log without permission of their role, and embedded metrics are not extracted."""
    emit = lambda_svc._emit_lambda_logs

    @functools.wraps(emit)
    def emit_lambda_logs(
        func: dict[str, Any], request_id: str, log_text: str, *arguments: Any, **keywords: Any
    ) -> None:
        config = func.get("config") or func
        group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config['FunctionName']}"
        stream = f"arn:aws:logs:{scope()}:log-group:{group}:log-stream:{request_id}"
        try:
            access_key_id = lambda_runtime.execution_credentials(config)["AWS_ACCESS_KEY_ID"]
        except NotAssumable:
            return
        if all(is_allowed(access_key_id, action, stream) for action in ("logs:CreateLogStream", "logs:PutLogEvents")):
            emit(func, request_id, log_text, *arguments, **keywords)
            for line in log_text.splitlines():
                record_log_line(line)

    lambda_svc._emit_lambda_logs = emit_lambda_logs


def _poll_with_the_functions_role() -> None:
    """Gap: an event source mapping takes messages without permission of the function's role.

    AWS would not receive them either; here they are received, and come back after the queue's visibility timeout.
    """
    run = lambda_svc._run_sqs_batch

    @functools.wraps(run)
    def run_sqs_batch(esm: dict[str, Any], func_rec: dict[str, Any], *arguments: Any) -> None:
        try:
            access_key_id = lambda_runtime.execution_credentials(func_rec["config"])["AWS_ACCESS_KEY_ID"]
        except NotAssumable:
            return
        queue, actions = esm["EventSourceArn"], ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
        if all(is_allowed(access_key_id, f"sqs:{action}", queue) for action in actions):
            run(esm, func_rec, *arguments)

    lambda_svc._run_sqs_batch = run_sqs_batch


def _isolate_python_functions() -> None:
    """Gap: a function can import every installed package. On AWS it has its archive, its layers and boto3."""
    directory = Path(tempfile.gettempdir())
    command, packages = isolated_python(directory), runtime_packages(directory)
    detect = lambda_runtime._detect_runtime_binary

    @functools.wraps(detect)
    def detect_runtime_binary(runtime: str) -> tuple[str, str]:
        binary, script = detect(runtime)
        if runtime.startswith("python"):
            return str(command), f"import sys; sys.path.append({str(packages)!r})\n{script}"
        return binary, script

    lambda_runtime._detect_runtime_binary = detect_runtime_binary


def _share_layers() -> None:
    """Gap: each worker extracts and compiles its layers again, which takes seconds and a hundred megabytes."""
    spawn = lambda_runtime.Worker._spawn
    unpacking = threading.Lock()

    @functools.wraps(spawn)
    def spawn_worker(self: lambda_runtime.Worker) -> None:
        layers = [layer if isinstance(layer, str) else layer["Arn"] for layer in self.config.get("Layers", [])]
        if layers:
            with unpacking:
                directories = [str(_unpacked_layer(arn)) for arn in layers]
            variables = self.config.get("Environment", {}).get("Variables", {})
            environment = {"Variables": variables | {"_LAMBDA_LAYERS_DIRS": os.pathsep.join(directories)}}
            self.config = self.config | {"Layers": [], "Environment": environment}
        spawn(self)

    lambda_runtime.Worker._spawn = spawn_worker


def _unpacked_layer(arn: str) -> Path:
    """Return the directory of a layer version; versions are immutable, so all workers share one copy."""
    directory = Path(tempfile.gettempdir(), "layers", arn.replace(":", "-"))
    if not directory.exists():
        archive = lambda_svc._resolve_layer_zip(arn)
        if archive is None:
            raise RuntimeError(f"the layer {arn} does not exist")
        with zipfile.ZipFile(io.BytesIO(archive)) as file:
            file.extractall(directory)
    return directory


def _stop_workers_without_alias() -> None:
    """Gap: workers of a version without an alias run until the emulator stops.

    AWS shuts down such execution environments after some idle time. Here they stop at once, or after their current
    invocation.
    """
    update, release = lambda_svc._update_alias, lambda_svc.release_worker
    abandoned: set[lambda_runtime.Worker] = set()

    @functools.wraps(update)
    def update_alias(function_name: str, alias_name: str, data: dict[str, Any]) -> Any:
        function = lambda_svc._functions.get(function_name) or {}
        before = {alias["FunctionVersion"] for alias in function.get("aliases", {}).values()}
        answer = update(function_name, alias_name, data)
        left = before - {alias["FunctionVersion"] for alias in function.get("aliases", {}).values()}
        keys = [":".join((responses.get_account_id(), responses.get_region(), function_name, each)) for each in left]
        with lambda_runtime._lock:
            workers = [worker for key in keys for worker in lambda_runtime._workers.pop(key, [])]
            abandoned.update(worker for worker in workers if worker.in_use)
        lambda_runtime.kill_workers([worker for worker in workers if worker not in abandoned])
        return answer

    @functools.wraps(release)
    def release_worker(worker: lambda_runtime.Worker) -> None:
        release(worker)
        if worker in abandoned:
            abandoned.discard(worker)
            lambda_runtime.kill_workers([worker])

    lambda_svc._update_alias = update_alias
    lambda_svc.release_worker = release_worker


def _share_reserved_concurrency() -> None:
    """Gap: versions and aliases ignore the function's reserved concurrency."""
    reserved = lambda_svc._reserved_concurrency

    @functools.wraps(reserved)
    def reserved_concurrency(func: dict[str, Any], config: dict[str, Any]) -> int | None:
        return reserved(lambda_svc._functions.get(config.get("FunctionName")) or func, config)

    lambda_svc._reserved_concurrency = reserved_concurrency


def _publish_function_metrics(record: RecordMetric) -> None:
    """Gap: AWS/Lambda metrics lack invocations by workflows and concurrency, and count throttles as invocations."""
    dispatch = lambda_svc._execute_function_dispatch

    @functools.wraps(dispatch)
    def execute_function_dispatch(
        func: dict[str, Any], config: dict[str, Any], event: Any, request_id: str, started: float
    ) -> Any:
        in_flight, in_flight_by_function = lambda_svc.executions_in_flight()
        result = dispatch(func, config, event, request_id, started)
        function = {"FunctionName": config["FunctionName"]}
        record("AWS/Lambda", "Invocations", 1, "Count", function)
        record("AWS/Lambda", "Errors", 1 if result.get("error") else 0, "Count", function)
        record("AWS/Lambda", "Throttles", 0, "Count", function)
        record("AWS/Lambda", "Duration", (time.time() - started) * 1000, "Milliseconds", function)
        concurrency = in_flight_by_function.get(lambda_svc._inflight_key(config), 1)
        record("AWS/Lambda", "ConcurrentExecutions", concurrency, "Count", function)
        record("AWS/Lambda", "ConcurrentExecutions", in_flight, "Count", {})
        return result

    def emit_lambda_metrics(function_name: str, duration_ms: float, error: bool, throttle: bool) -> None:
        del duration_ms, error
        if throttle:
            record("AWS/Lambda", "Throttles", 1, "Count", {"FunctionName": function_name})

    lambda_svc._execute_function_dispatch = execute_function_dispatch
    lambda_svc._emit_lambda_metrics = emit_lambda_metrics
