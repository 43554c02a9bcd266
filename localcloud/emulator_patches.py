"""What the emulator lacks: the only file that touches MiniStack's internals.

Each patch says which gap it fills; `tests/localcloud/test_upstream_gaps.py` goes red when upstream has filled it.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import io
import json
import math
import os
import random
import re
import secrets
import tempfile
import threading
import time
import uuid
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol
from urllib.parse import parse_qs

import ministack.app
from hypercorn.typing import ASGIFramework
from ministack.core import iam_actions, iam_evaluator, lambda_runtime, responses
from ministack.services import (
    cloudwatch,
    dynamodb,
    eventbridge,
    iam,
    lambda_svc,
    pipes,
    s3,
    sns,
    sqs,
    stepfunctions,
    sts,
)

# Internals move without notice, so the patches belong to one version.
MINISTACK_VERSION = "1.5.33"


class RecordMetric(Protocol):
    """Takes one CloudWatch data point; must be quick and safe to call from any thread."""

    def __call__(self, namespace: str, name: str, value: float, unit: str, dimensions: dict[str, str]) -> None: ...


class RecordLogLine(Protocol):
    """Takes one line that a function logged."""

    def __call__(self, line: str) -> None: ...


class ObjectCreated(Protocol):
    """Takes the detail of an "Object Created" event; must be quick and safe to call from any thread."""

    def __call__(self, detail: Mapping[str, Any]) -> None: ...


class Service(Protocol):
    """An AWS service that the emulator does not have: which requests are for it, and its answers to them."""

    def serves(self, path: str) -> bool: ...

    def answer(
        self, method: str, path: str, query: Mapping[str, list[str]], body: bytes
    ) -> tuple[int, Mapping[str, Any], str]: ...


def install(
    journal: Path, record_metric: RecordMetric, record_log_line: RecordLogLine, object_created: ObjectCreated
) -> None:
    """Apply every patch. Call once, before the first request.

    Parameters
    ----------
    journal : Path
        File that gets one JSON line per authorization decision about a role's call.
    record_metric, record_log_line : callable
        Where observations of executions and functions go.
    object_created : callable
        Told of each new object.

    Raises
    ------
    RuntimeError
        The installed emulator is not the version these patches are written for.
    """
    installed = version("ministack")
    if installed != MINISTACK_VERSION:
        raise RuntimeError(
            f"ministack {installed} is installed, but the patches are for {MINISTACK_VERSION}: make setup"
        )
    _journal_decisions(journal)
    _ask_whether_lambda_may_take_the_role()
    _count_loopback_as_tls()
    _name_roles_to_conditions()
    _show_object_tags_to_conditions()
    _name_versions_in_bucket_events(object_created)
    _deliver_events_as_queues_allow(record_metric)
    _keep_pipe_parameters()
    _stop_pipes_when_they_are_idle()
    _lock_queues()
    _lock_tables()
    _accept_message_attributes_as_map()
    _report_errors_by_class()
    _log_what_roles_may_log(record_log_line)
    _share_layers()
    _share_reserved_concurrency()
    _measure_functions(record_metric)
    _run_executions_as_aws_does(record_metric)
    _pace_retries_as_aws_does()
    _enforce_workflow_roles()
    _tell_versions_with_tags()
    _list_versions_in_workflows()
    _leave_alarms_to_our_layer()


def stop_workers() -> None:
    """End every Lambda worker process."""
    lambda_runtime.reset()


# ---------------------------------------------------------------------------------------------------------------------
# Our own routes
# ---------------------------------------------------------------------------------------------------------------------


def application(own_service: Service) -> ASGIFramework:
    """Return the emulator's ASGI application with our own routes in front."""

    async def serve(scope: Any, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        if scope["type"] == "http" and scope["path"] == "/_localcloud/role-credentials":
            await _answer_role_credentials(scope, send)
        elif scope["type"] == "http" and own_service.serves(scope["path"]):
            await _answer_for(own_service, scope, receive, send)
        else:
            await ministack.app.app(scope, receive, send)

    return serve


async def _answer_for(
    service: Service, scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]
) -> None:
    body, more = b"", True
    while more:
        part = await receive()
        body, more = body + part.get("body", b""), part.get("more_body", False)
    query = parse_qs(scope["query_string"].decode())
    # In a thread, as the answer may need this very server.
    status, answer, error = await asyncio.to_thread(service.answer, scope["method"], scope["path"], query, body)
    headers = [(b"content-type", b"application/json"), (b"x-amzn-errortype", error.encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


async def _answer_role_credentials(scope: dict[str, Any], send: Callable[..., Any]) -> None:
    role_name = parse_qs(scope["query_string"].decode()).get("role", [""])[0]
    credentials = role_credentials(role_name)
    status = 200 if credentials else 404
    body = json.dumps(credentials) if credentials else f"there is no role named {role_name!r} in the embedded cloud"
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": body.encode()})


def role_credentials(role_name: str) -> dict[str, str] | None:
    """Open a session for a role, as the AWS service that the role trusts would; None if there is no such role.

    AssumeRole cannot do this: trust policies name services and their source ARNs, which no caller can present.
    """
    return None if iam._roles.get(role_name) is None else _open_session(role_name)


def _open_session(role_name: str) -> dict[str, str]:
    credentials = {
        "accessKeyId": "ASIA" + secrets.token_hex(8).upper(),
        "secretAccessKey": secrets.token_hex(20),
        "sessionToken": secrets.token_hex(20),
    }
    session = {
        "Arn": _session_arn(role_name),
        "UserId": f"{role_name}:localcloud",
        "SecretAccessKey": credentials["secretAccessKey"],
        "SessionToken": credentials["sessionToken"],
    }
    sts.register_session(credentials["accessKeyId"], session)
    return credentials


def _session_arn(role_name: str) -> str:
    return f"arn:aws:sts::{responses.get_account_id()}:assumed-role/{role_name}/localcloud"


# ---------------------------------------------------------------------------------------------------------------------
# IAM
# ---------------------------------------------------------------------------------------------------------------------


class NotAssumable(LookupError):
    """A service may not take a role; the message says which and why."""


def assume_role(role_arn: str, service: str, source_arn: str) -> dict[str, str]:
    """Open a session for a role as an AWS service does, which the role's trust policy must allow.

    Parameters
    ----------
    service : str
        For example ``pipes.amazonaws.com``.
    source_arn : str
        The pipe, state machine or function that the service acts for.

    Raises
    ------
    NotAssumable
        There is no such role, or it does not trust the service on behalf of that resource.
    """
    _check_trust(role_arn, service, source_arn)
    return _open_session(role_arn.rsplit("/", 1)[-1])


def _check_trust(role_arn: str, service: str, source_arn: str) -> None:
    """Gap: services here take any role. On AWS its trust policy decides, by the service, its resource and account."""
    name = role_arn.rsplit("/", 1)[-1]
    role = iam._roles.get(name)
    if role is None:
        raise NotAssumable(f"{service} cannot take the role {name}, which does not exist")
    context = iam_evaluator.EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action="sts:AssumeRole",
        resource_arn=role_arn,
        region=responses.get_region(),
        service_context={"aws:sourcearn": source_arn, "aws:sourceaccount": responses.get_account_id()},
    )
    # A trust policy's statements are about the role that they stand on, so they name no resource.
    statements = json.loads(role["AssumeRolePolicyDocument"])["Statement"]
    document = {"Statement": [statement | {"Resource": "*"} for statement in statements]}
    if iam_evaluator.evaluate_resource_policy(document, context, service=service).decision != "Allow":
        raise NotAssumable(f"{service} cannot take the role {name}, which does not trust it for {source_arn}")


def _ask_whether_lambda_may_take_the_role() -> None:
    """Gap: a function runs with a role that does not trust Lambda."""
    credentials_for = lambda_runtime.execution_credentials

    @functools.wraps(credentials_for)
    def execution_credentials(config: dict[str, Any]) -> dict[str, str]:
        function_arn = ":".join(config["FunctionArn"].split(":")[:7])
        _check_trust(config["Role"], "lambda.amazonaws.com", function_arn)
        return credentials_for(config)

    lambda_runtime.execution_credentials = execution_credentials


def _journal_decisions(journal: Path) -> None:
    """Gap: nothing records which role was allowed or denied which action on which resource."""
    journal.unlink(missing_ok=True)
    decide = iam_evaluator.enforce
    writing = threading.Lock()

    @functools.wraps(decide)
    def enforce(
        access_key_id: str, iam_action: str, service: str, region: str, resource_arn: str = "*", **context: Any
    ) -> Any:
        verdict = decide(access_key_id, iam_action, service, region, resource_arn, **context)
        role = _role_of(access_key_id)
        if role and not isinstance(verdict, iam_evaluator.AuthError):
            decision = {"role": role, "action": iam_action, "resource": resource_arn, "allowed": verdict is None}
            with writing, journal.open("a", encoding="utf-8") as file:
                file.write(json.dumps(decision) + "\n")
        return verdict

    # Callers import it inside their functions, so replacing the attribute reaches all of them.
    iam_evaluator.enforce = enforce


def _role_of(access_key_id: str) -> str | None:
    arn = str(sts._sessions.get(access_key_id, {}).get("Arn", ""))
    return arn.split(":assumed-role/")[1].split("/", maxsplit=1)[0] if ":assumed-role/" in arn else None


def _scope() -> str:
    """Return the region and account as ARNs spell them."""
    return f"{responses.get_region()}:{responses.get_account_id()}"


def _is_allowed(
    access_key_id: str, action: str, resource_arn: str, condition_keys: dict[str, Any] | None = None
) -> bool:
    """Ask the emulator's evaluator about a call that no request carries; it journals the decision."""
    context = contextvars.copy_context()
    # Of the request that this thread works for, only the signature is in the way: it is another caller's.
    context.run(iam_evaluator._signed_request.set, None)
    service, region = action.split(":", 1)[0], responses.get_region()
    enforce = functools.partial(iam_evaluator.enforce, resource_arn=resource_arn, service_context=condition_keys)
    return context.run(enforce, access_key_id, action, service, region) is None


def _count_loopback_as_tls() -> None:
    """Gap: no TLS on the loopback endpoint, so a policy that denies plain HTTP would deny every call made here."""

    def pin_request_origin(source_ip: str, _secure_transport: bool) -> None:
        iam_evaluator.pin_request_origin(source_ip, secure_transport=True)

    ministack.app.pin_request_origin = pin_request_origin


def _name_roles_to_conditions() -> None:
    """Gap: `aws:PrincipalArn` is a session's ARN; on AWS it is that of the role ("IAM User Guide", global keys)."""
    resolve = iam_evaluator._resolve_condition_key

    @functools.wraps(resolve)
    def resolve_condition_key(key: str, context: Any) -> Any:
        value = resolve(key, context)
        session = re.fullmatch(r"arn:aws:sts::(\d+):assumed-role/([^/]+)/.*", value) if isinstance(value, str) else None
        if session and key.lower() == "aws:principalarn":
            return f"arn:aws:iam::{session[1]}:role/{session[2]}"
        return value

    iam_evaluator._resolve_condition_key = resolve_condition_key


def _show_object_tags_to_conditions() -> None:
    """Gap: what sets an object's tags does not know `s3:RequestObjectTagKeys`, or the tags that are there already."""
    context_of = iam_actions.s3_service_context

    @functools.wraps(context_of)
    def s3_service_context(
        iam_action: str, query_params: Any, path: str = "", headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        context = context_of(iam_action, query_params, path, headers)
        requested: list[str] = []
        if iam_action == "s3:PutObject":
            requested = list(parse_qs((headers or {}).get("x-amz-tagging", ""), keep_blank_values=True))
        elif iam_action.startswith(("s3:PutObject", "s3:DeleteObject")) and iam_action.endswith("Tagging"):
            bucket, _, key = path.lstrip("/").partition("/")
            there = s3.object_tags_for_condition(bucket, key, query_params or {})
            context |= {f"s3:ExistingObjectTag/{name}": value for name, value in there.items()}
            request = iam_evaluator._signed_request.get()
            if request and request.body:
                requested = list(s3._parse_tags_xml(request.body))
        return context | ({"s3:RequestObjectTagKeys": requested} if requested else {})

    iam_actions.s3_service_context = s3_service_context


# ---------------------------------------------------------------------------------------------------------------------
# S3
# ---------------------------------------------------------------------------------------------------------------------


def _name_versions_in_bucket_events(object_created: ObjectCreated) -> None:
    """Gap: "Object Created" events lack `detail.object.version-id` ("Amazon S3 User Guide", EventBridge structure)."""
    fire, dispatch = s3._fire_s3_event, eventbridge._dispatch_event
    version_of_event: contextvars.ContextVar[str | None] = contextvars.ContextVar("version_of_event", default=None)

    @functools.wraps(fire)
    def fire_s3_event(*arguments: Any, version_id: str | None = None, **keywords: Any) -> None:
        token = version_of_event.set(version_id)
        try:
            fire(*arguments, version_id=version_id, **keywords)
        finally:
            version_of_event.reset(token)

    @functools.wraps(dispatch)
    def dispatch_event(event: dict[str, Any], *arguments: Any, **keywords: Any) -> Any:
        version_id = version_of_event.get()
        if version_id and event["Source"] == "aws.s3":
            detail = json.loads(event["Detail"])
            detail["object"]["version-id"] = version_id
            event = event | {"Detail": json.dumps(detail)}
        if event["Source"] == "aws.s3" and event["DetailType"] == "Object Created":
            object_created(json.loads(event["Detail"]))
        return dispatch(event, *arguments, **keywords)

    s3._fire_s3_event = fire_s3_event
    eventbridge._dispatch_event = dispatch_event


# ---------------------------------------------------------------------------------------------------------------------
# EventBridge
# ---------------------------------------------------------------------------------------------------------------------


def publish_as_aws(source: str, detail_type: str, resources: list[str], detail: Mapping[str, Any]) -> None:
    """Put an event of an AWS service on the default bus, which PutEvents leaves to nobody else."""
    # Services speak TLS to each other, and the queues' policies ask for it.
    iam_evaluator.pin_request_origin("127.0.0.1", secure_transport=True)
    eventbridge._dispatch_event(
        {
            "EventId": str(uuid.uuid4()),
            "Source": source,
            "DetailType": detail_type,
            "Detail": json.dumps(detail),
            "EventBusName": "default",
            "Time": int(time.time()),
            "Resources": resources,
            "Account": responses.get_account_id(),
            "Region": responses.get_region(),
        }
    )


def _deliver_events_as_queues_allow(record: RecordMetric) -> None:
    """Gap: rules send to queues whose policy does not allow it, and a target's dead-letter queue is never used.

    An event that may not be delivered goes to the dead-letter queue at once ("Amazon EventBridge User Guide", Using
    dead-letter queues to process undelivered events).
    """
    invoke = eventbridge._invoke_target

    @functools.wraps(invoke)
    def invoke_target(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None) -> None:
        queue_arn = target["Arn"]
        if ":sqs:" not in queue_arn or _rule_may_send(rule, queue_arn):
            invoke(target, event, rule, view)
            return
        dimensions = {"RuleName": rule["Name"]}
        record("AWS/Events", "FailedInvocations", 1, "Count", dimensions)
        dlq_arn = target.get("DeadLetterConfig", {}).get("Arn")
        if dlq_arn and _rule_may_send(rule, dlq_arn):
            invoke({"Id": target["Id"], "Arn": dlq_arn}, event, rule, view)
            record("AWS/Events", "InvocationsSentToDlq", 1, "Count", dimensions)

    eventbridge._invoke_target = invoke_target


def _rule_may_send(rule: dict[str, Any], queue_arn: str) -> bool:
    return sqs.queue_policy_allows(queue_arn, "events.amazonaws.com", rule["Arn"], responses.get_account_id())


# ---------------------------------------------------------------------------------------------------------------------
# SQS and SNS
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class QueueDepth:
    """What CloudWatch knows about a queue."""

    name: str
    visible: int
    in_flight: int
    delayed: int
    oldest_age_seconds: float


def queue_depths() -> list[QueueDepth]:
    """Measure every queue."""
    depths = []
    for _scoped_name, queue in list(sqs._queues.all_items()):
        with _queues_lock:
            sqs._refresh_counts(queue)
            sent = [message.get("sent_at", time.time()) for message in queue["messages"]]
        attributes = queue["attributes"]
        depths.append(
            QueueDepth(
                name=attributes["QueueArn"].rsplit(":", 1)[1],
                visible=int(attributes["ApproximateNumberOfMessages"]),
                in_flight=int(attributes["ApproximateNumberOfMessagesNotVisible"]),
                delayed=int(attributes["ApproximateNumberOfMessagesDelayed"]),
                oldest_age_seconds=max(0.0, time.time() - min(sent)) if sent else 0.0,
            )
        )
    return depths


_queues_lock = threading.RLock()


def _lock_queues() -> None:
    """Gap: deleting and redriving replace a queue's message list while other threads append to it, and messages go."""
    rebuilding = ("_expire_retained", "_dlq_sweep", "_collect_msgs", "_refresh_counts")
    actions = ("_act_send_message", "_act_delete_message", "_act_delete_message_batch", "_act_purge_queue")
    for name in rebuilding + actions:
        original = getattr(sqs, name)
        setattr(sqs, name, _one_at_a_time(_queues_lock, original))
        for action, handler in sqs._HANDLERS.items():
            if handler is original:
                sqs._HANDLERS[action] = getattr(sqs, name)
    eventbridge._dispatch_to_sqs = _one_at_a_time(_queues_lock, eventbridge._dispatch_to_sqs)
    sns._deliver_to_sqs = _one_at_a_time(_queues_lock, sns._deliver_to_sqs)


def _one_at_a_time(lock: threading.RLock, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def run(*arguments: Any, **keywords: Any) -> Any:
        with lock:
            return function(*arguments, **keywords)

    return run


def _accept_message_attributes_as_map() -> None:
    """Gap: the workflow's sns:publish passes MessageAttributes as a JSON map, which the emulator drops."""
    parse = sns._parse_message_attributes

    @functools.wraps(parse)
    def parse_message_attributes(params: dict[str, Any]) -> dict[str, Any]:
        attributes = params.get("MessageAttributes")
        return attributes if isinstance(attributes, dict) else parse(params)

    sns._parse_message_attributes = parse_message_attributes


# ---------------------------------------------------------------------------------------------------------------------
# DynamoDB
# ---------------------------------------------------------------------------------------------------------------------


def _lock_tables() -> None:
    """Gap: a workflow's write can come between the condition and the write of another, so that both succeed."""
    lock = threading.RLock()
    for name in ("_put_item", "_update_item", "_delete_item", "_batch_write_item", "_transact_write_items"):
        setattr(dynamodb, name, _one_at_a_time(lock, getattr(dynamodb, name)))


# ---------------------------------------------------------------------------------------------------------------------
# Pipes
# ---------------------------------------------------------------------------------------------------------------------

_PIPE_FIELDS = ("SourceParameters", "TargetParameters", "LogConfiguration", "Enrichment", "EnrichmentParameters")
_pipes_lock = threading.Lock()


def _keep_pipe_parameters() -> None:
    """Gap: a pipe's parameters are dropped at creation, so neither DescribePipe nor a runner can know them."""
    create, update, describe = pipes._create_pipe, pipes._update_pipe, pipes._describe_response

    def keep(change: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(change)
        def change_pipe(name: str, body: dict[str, Any]) -> Any:
            with _pipes_lock:
                answer = change(name, body)
                if answer[0] == 200:
                    pipes._pipes[name] |= {field: body[field] for field in _PIPE_FIELDS if field in body}
                return answer

        return change_pipe

    @functools.wraps(describe)
    def describe_response(pipe: dict[str, Any]) -> dict[str, Any]:
        return describe(pipe) | {field: pipe[field] for field in _PIPE_FIELDS if field in pipe}

    pipes._create_pipe, pipes._update_pipe, pipes._describe_response = keep(create), keep(update), describe_response


def _stop_pipes_when_they_are_idle() -> None:
    """Gap: StopPipe reports STOPPED at once, while a batch that was already received is still being handled."""
    set_state = pipes._set_state

    @functools.wraps(set_state)
    def set_pipe_state(name: str, desired: str) -> Any:
        with _pipes_lock:
            answer = set_state(name, desired)
            if answer[0] != 200 or desired != "STOPPED" or not _reads_a_queue(pipes._pipes[name]):
                return answer
            pipes._pipes[name] |= {"CurrentState": "STOPPING"}
            return pipes._json_resp(200, pipes._lifecycle_response(pipes._pipes[name]))

    pipes._set_state = set_pipe_state


def running_queue_pipes() -> dict[str, dict[str, Any]]:
    """Return the pipes that should move messages from a queue now, by ARN, in DescribePipe's shape."""
    with _pipes_lock:
        return {
            pipe["Arn"]: pipes._describe_response(pipe)
            for _account, _region, pipe in pipes._iter_all_pipes()
            if pipe["DesiredState"] == "RUNNING" and _reads_a_queue(pipe)
        }


def settle_stopping_pipes(busy: set[str]) -> None:
    """Report the pipes that are being stopped as stopped, except those, by ARN, that are busy."""
    with _pipes_lock:
        for _account, _region, pipe in pipes._iter_all_pipes():
            if pipe["CurrentState"] == "STOPPING" and pipe["Arn"] not in busy:
                pipe["CurrentState"] = "STOPPED"


def _reads_a_queue(pipe: dict[str, Any]) -> bool:
    return pipe["Source"].split(":")[2:3] == ["sqs"]


def matches_pattern(event: dict[str, Any], pattern: dict[str, Any]) -> bool:
    """Whether an event matches an EventBridge pattern."""
    return lambda_svc._match_esm_filter(event, pattern)


# ---------------------------------------------------------------------------------------------------------------------
# Lambda
# ---------------------------------------------------------------------------------------------------------------------

_RAISED = "_localcloud_raised"
_WORKER_REPORTS = 'json.dumps({"status": "error", "error": str(e), "trace": traceback.format_exc()})'
_WORKER_REPORTS_CLASS = f"""(traceback.print_exc(), json.dumps({{"status": "ok", "result": {{"{_RAISED}": {{
                "errorMessage": str(e), "errorType": type(e).__name__,
                "stackTrace": traceback.format_tb(e.__traceback__)}}}}}}))[1]"""


def _report_errors_by_class() -> None:
    """Gap: every exception is reported as `Runtime.HandlerError`, and ends the worker.

    On AWS `errorType` is the exception's class ("Lambda Developer Guide", Python errors), which a workflow's Retry
    names, and the execution environment lives on.
    """
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    if script.count(_WORKER_REPORTS) != 1:
        raise RuntimeError("the emulator's worker script is not the one the patch for errorType is written for")
    lambda_runtime._PYTHON_WORKER_SCRIPT = script.replace(_WORKER_REPORTS, _WORKER_REPORTS_CLASS)
    execute = lambda_svc._execute_function_warm

    @functools.wraps(execute)
    def execute_function_warm(func: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        result = execute(func, event, request_id)
        body = result.get("body")
        if isinstance(body, dict) and _RAISED in body:
            return result | {"body": body[_RAISED] | {"requestId": request_id}, "error": True}
        return result

    lambda_svc._execute_function_warm = execute_function_warm


def _log_what_roles_may_log(record_log_line: RecordLogLine) -> None:
    """Gap: a function's log is written though its role may not, and metrics in it are not extracted."""
    emit = lambda_svc._emit_lambda_logs

    @functools.wraps(emit)
    def emit_lambda_logs(
        func: dict[str, Any], request_id: str, log_text: str, *arguments: Any, **keywords: Any
    ) -> None:
        config = func.get("config") or func
        group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config['FunctionName']}"
        stream = f"arn:aws:logs:{_scope()}:log-group:{group}:log-stream:{request_id}"
        try:
            access_key_id = lambda_runtime.execution_credentials(config)["AWS_ACCESS_KEY_ID"]
        except NotAssumable:
            return
        if all(_is_allowed(access_key_id, action, stream) for action in ("logs:CreateLogStream", "logs:PutLogEvents")):
            emit(func, request_id, log_text, *arguments, **keywords)
            for line in log_text.splitlines():
                record_log_line(line)

    lambda_svc._emit_lambda_logs = emit_lambda_logs


def _share_layers() -> None:
    """Gap: each worker unpacks and compiles its layers anew: seconds of work and a hundred megabytes, every time."""
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
    """Return the directory of a layer version, which never changes, so that one copy serves every worker."""
    directory = Path(tempfile.gettempdir(), "layers", arn.replace(":", "-"))
    if not directory.exists():
        archive = lambda_svc._resolve_layer_zip(arn)
        if archive is None:
            raise RuntimeError(f"the layer {arn} does not exist")
        with zipfile.ZipFile(io.BytesIO(archive)) as file:
            file.extractall(directory)
    return directory


def _share_reserved_concurrency() -> None:
    """Gap: a version, and so an alias, does not know the reserved concurrency of its function."""
    reserved = lambda_svc._reserved_concurrency

    @functools.wraps(reserved)
    def reserved_concurrency(func: dict[str, Any], config: dict[str, Any]) -> int | None:
        return reserved(lambda_svc._functions.get(config.get("FunctionName")) or func, config)

    lambda_svc._reserved_concurrency = reserved_concurrency


def _measure_functions(record: RecordMetric) -> None:
    """Gap: AWS/Lambda metrics miss what workflows invoke, count throttles as invocations, and have no concurrency."""
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


# ---------------------------------------------------------------------------------------------------------------------
# Step Functions
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RunningExecution:
    """The execution that the current thread works for."""

    record: dict[str, Any]
    role_arn: str
    trace_root: str


# An Express execution ends after five minutes ("AWS Step Functions Developer Guide", Quotas).
EXPRESS_TIMEOUT_SECONDS = 300
# What the emulator sleeps before an execution's first state.
START_DELAY_SECONDS = 0.15

_running: contextvars.ContextVar[RunningExecution | None] = contextvars.ContextVar("running_execution", default=None)


def _run_executions_as_aws_does(record_metric: RecordMetric) -> None:
    """Gaps: each execution sleeps 150 ms first, TimeoutSeconds is ignored, there are no metrics, no trace spans it."""
    stepfunctions.time = SimpleNamespace(**vars(time) | {"sleep": _sleep_unless_it_delays_the_start})
    run, fail = stepfunctions._run_execution, stepfunctions._fail_execution
    trace_id = lambda_svc._xray_trace_id_for_invocation

    @functools.wraps(run)
    def run_execution(execution_arn: str) -> None:
        execution = stepfunctions._executions[execution_arn]
        machine = stepfunctions._state_machines[execution["stateMachineArn"]]
        trace_root = f"1-{int(time.time()):08x}-{secrets.token_hex(12)}"
        _running.set(RunningExecution(execution, machine["roleArn"], trace_root))
        # Queue and topic policies see the workflow, not whoever started it.
        iam_evaluator._request_caller_arn.set(_session_arn(machine["roleArn"].rsplit("/", 1)[-1]))
        started = time.monotonic()
        worker = threading.Thread(target=contextvars.copy_context().run, args=(run, execution_arn), daemon=True)
        worker.start()
        limit = EXPRESS_TIMEOUT_SECONDS if machine["type"] == "EXPRESS" else None
        worker.join(json.loads(machine["definition"]).get("TimeoutSeconds", limit))
        if execution["status"] == "RUNNING":
            execution |= {"status": "TIMED_OUT", "stopDate": stepfunctions.now_iso()}
            stepfunctions._add_event(execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": {}})
        dimensions = {"StateMachineArn": execution["stateMachineArn"]}
        outcome = {"SUCCEEDED": "Succeeded", "FAILED": "Failed", "TIMED_OUT": "TimedOut", "ABORTED": "Aborted"}
        record_metric("AWS/States", "ExecutionsStarted", 1, "Count", dimensions)
        for status, name in outcome.items():
            record_metric("AWS/States", f"Executions{name}", int(execution["status"] == status), "Count", dimensions)
        milliseconds = (time.monotonic() - started) * 1000
        record_metric("AWS/States", "ExecutionTime", milliseconds, "Milliseconds", dimensions)

    @functools.wraps(fail)
    def fail_execution(execution: dict[str, Any], error: str, cause: str) -> None:
        if execution["status"] == "RUNNING":
            fail(execution, error, cause)

    @functools.wraps(trace_id)
    def xray_trace_id_for_invocation(config: dict[str, Any], inbound_trace_header: str | None = None) -> str | None:
        header, running = trace_id(config, inbound_trace_header), _running.get()
        return re.sub(r"Root=[^;]+", f"Root={running.trace_root}", header) if header and running else header

    stepfunctions._run_execution = run_execution
    stepfunctions._fail_execution = fail_execution
    lambda_svc._xray_trace_id_for_invocation = xray_trace_id_for_invocation


def _sleep_unless_it_delays_the_start(seconds: float) -> None:
    if seconds != START_DELAY_SECONDS:
        time.sleep(seconds)


def _pace_retries_as_aws_does() -> None:
    """Gap: a retrier's MaxDelaySeconds and JitterStrategy are ignored."""
    find = stepfunctions._find_matching_retrier

    @functools.wraps(find)
    def find_matching_retrier(retriers: list[dict[str, Any]], error: str, retry_counts: dict[int, int]) -> Any:
        retrier, index = find(retriers, error, retry_counts)
        if retrier is None:
            return retrier, index
        back_off = retrier.get("BackoffRate", 2.0) ** retry_counts.get(index, 0)
        delay = min(retrier.get("IntervalSeconds", 1) * back_off, retrier.get("MaxDelaySeconds", math.inf))
        if retrier.get("JitterStrategy") == "FULL":
            delay = random.uniform(0, delay)  # noqa: S311 (spreads load, guards nothing)
        return retrier | {"IntervalSeconds": delay, "BackoffRate": 1}, index

    stepfunctions._find_matching_retrier = find_matching_retrier


# The permission each integration needs and the error it fails with when its role lacks it. AWS names an error after the
# service and its exception ("AWS Step Functions Developer Guide", Handling errors); a service that models no exception
# for a denial reports the one of its client: AWSLambdaException, AmazonDynamoDBException, AmazonSQSException.
_INTEGRATIONS: dict[str, tuple[str, str]] = {
    "arn:aws:states:::lambda:invoke": ("lambda:InvokeFunction", "Lambda.AWSLambdaException"),
    "arn:aws:states:::dynamodb:getItem": ("dynamodb:GetItem", "DynamoDB.AmazonDynamoDBException"),
    "arn:aws:states:::dynamodb:putItem": ("dynamodb:PutItem", "DynamoDB.AmazonDynamoDBException"),
    "arn:aws:states:::dynamodb:updateItem": ("dynamodb:UpdateItem", "DynamoDB.AmazonDynamoDBException"),
    "arn:aws:states:::dynamodb:deleteItem": ("dynamodb:DeleteItem", "DynamoDB.AmazonDynamoDBException"),
    "arn:aws:states:::sqs:sendMessage": ("sqs:SendMessage", "SQS.AmazonSQSException"),
    "arn:aws:states:::sns:publish": ("sns:Publish", "SNS.AuthorizationErrorException"),
    "arn:aws:states:::aws-sdk:s3:headObject": ("s3:GetObject", "S3.S3Exception"),
    "arn:aws:states:::aws-sdk:s3:getObjectTagging": ("s3:GetObjectTagging", "S3.S3Exception"),
    "arn:aws:states:::aws-sdk:s3:listObjectVersions": ("s3:ListBucketVersions", "S3.S3Exception"),
}


def _enforce_workflow_roles() -> None:
    """Gap: a workflow's tasks run without asking whether its role may; and a throttled function is an unknown error."""
    invoke = stepfunctions._invoke_resource

    @functools.wraps(invoke)
    def invoke_resource(resource: str, arguments: dict[str, Any]) -> Any:
        running = _running.get()
        if running is None:
            return invoke(resource, arguments)
        if running.record["status"] != "RUNNING":
            raise stepfunctions._ExecutionError("States.Timeout", "the execution has ended")
        if resource not in _INTEGRATIONS:
            raise stepfunctions._ExecutionError(
                "States.Runtime", f"the embedded cloud cannot check a role's permission for {resource}"
            )
        action, error_when_denied = _INTEGRATIONS[resource]
        target = _target_arn(resource, arguments)
        context = {"s3:prefix": arguments["Prefix"]} if "Prefix" in arguments else {}
        if not _workflow_may(running, action, target, context):
            role = running.role_arn.rsplit("/", 1)[-1]
            cause = f"the role {role} is not authorized to perform: {action} on resource: {target}"
            raise stepfunctions._ExecutionError(error_when_denied, cause)
        try:
            return invoke(resource, arguments)
        except stepfunctions._ExecutionError as failure:
            if failure.error == "Lambda.Unknown" and "TooManyRequestsException" in failure.cause:
                raise stepfunctions._ExecutionError("Lambda.TooManyRequestsException", failure.cause) from None
            raise

    stepfunctions._invoke_resource = invoke_resource


def _tell_versions_with_tags() -> None:
    """Gap: a workflow's s3:getObjectTagging does not say whose version's tags they are."""
    stepfunctions._S3_OP_SPECS["GetObjectTagging"] |= {"header_outputs": {"x-amz-version-id": "VersionId"}}


def _list_versions_in_workflows() -> None:
    """Gap: a workflow cannot call s3:listObjectVersions."""
    stepfunctions._S3_OP_SPECS["ListObjectVersions"] = {
        "method": "GET",
        "path": "/{Bucket}",
        "static_query": (("versions", ""),),
        "query_params": {
            "Prefix": "prefix",
            "MaxKeys": "max-keys",
            "KeyMarker": "key-marker",
            "VersionIdMarker": "version-id-marker",
        },
        "result_root": "ListVersionsResult",
        "list_fields": ("Version", "DeleteMarker"),
    }
    dispatch = stepfunctions._dispatch_aws_sdk_rest_xml

    @functools.wraps(dispatch)
    def dispatch_rest_xml(service: dict[str, Any], service_name: str, action: str, arguments: dict[str, Any]) -> Any:
        answer = dispatch(service, service_name, action, arguments)
        if action == "listObjectVersions":
            # Step Functions names fields as the SDK's model does, which differs here from the elements of the XML.
            for element, field in (("Version", "Versions"), ("DeleteMarker", "DeleteMarkers")):
                if element in answer:
                    answer[field] = answer.pop(element)
        return answer

    stepfunctions._dispatch_aws_sdk_rest_xml = dispatch_rest_xml


def _target_arn(resource: str, arguments: dict[str, Any]) -> str:
    scope = _scope()
    if ":lambda:" in resource:
        function = arguments["FunctionName"]
        return function if function.startswith("arn:") else f"arn:aws:lambda:{scope}:function:{function}"
    if ":dynamodb:" in resource:
        table = arguments["TableName"]
        return table if table.startswith("arn:") else f"arn:aws:dynamodb:{scope}:table/{table}"
    if ":sqs:" in resource:
        return f"arn:aws:sqs:{scope}:{arguments['QueueUrl'].rsplit('/', 1)[1]}"
    if ":s3:" in resource:
        key = f"/{arguments['Key']}" if "Key" in arguments else ""
        return f"arn:aws:s3:::{arguments['Bucket']}{key}"
    return arguments["TopicArn"]


def _workflow_may(running: RunningExecution, action: str, resource_arn: str, context: dict[str, Any]) -> bool:
    try:
        access_key_id = _workflow_session(running.role_arn, running.record["stateMachineArn"])
    except NotAssumable as refusal:
        raise stepfunctions._ExecutionError("States.Runtime", str(refusal)) from None
    return _is_allowed(access_key_id, action, resource_arn, context)


@functools.cache
def _workflow_session(role_arn: str, state_machine_arn: str) -> str:
    return assume_role(role_arn, "states.amazonaws.com", state_machine_arn)["accessKeyId"]


# ---------------------------------------------------------------------------------------------------------------------
# CloudWatch
# ---------------------------------------------------------------------------------------------------------------------


def _leave_alarms_to_our_layer() -> None:
    """Gaps: alarms on metric math lose their queries; the built-in evaluation ignores dimensions and missing data."""
    put = cloudwatch._put_metric_alarm

    @functools.wraps(put)
    def put_metric_alarm(params: dict[str, Any], data: dict[str, Any], is_cbor: bool, is_json: bool = False) -> Any:
        answer = put(params, data, is_cbor, is_json)
        alarm = cloudwatch._alarms.get(data.get("AlarmName"))
        if alarm is not None and data.get("Metrics"):
            alarm |= {"Metrics": data["Metrics"]}
            for field in ("Namespace", "MetricName", "Statistic", "Period"):
                alarm.pop(field, None)
        return answer

    cloudwatch._put_metric_alarm = put_metric_alarm
    cloudwatch._evaluate_alarm = lambda _alarm: None
