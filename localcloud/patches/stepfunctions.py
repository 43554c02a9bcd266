"""Step Functions: time limits, retries, roles and S3 integrations."""

from __future__ import annotations

import contextvars
import functools
import json
import math
import random
import re
import secrets
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import error_response_json
from ministack.services import (
    lambda_svc,
    stepfunctions,
)

from localcloud.logs.execution_log import execution_log
from localcloud.patches.iam import NotAssumable, assume_role, is_allowed, scope, session_arn
from localcloud.patches.logs import write_log
from localcloud.patches.observers import RecordMetric


def install(record_metric: RecordMetric) -> None:
    """Apply this service's patches."""
    _run_express_executions(record_metric)
    _give_expressions_time()
    _apply_retry_delays()
    _enforce_workflow_roles()
    _return_version_id_with_tags()
    _support_list_object_versions()
    _refuse_express_executions()


@dataclass(frozen=True)
class RunningExecution:
    """The execution of the current thread."""

    record: dict[str, Any]
    role_arn: str
    trace_root: str


# An Express execution ends after five minutes ("AWS Step Functions Developer Guide", Quotas).
EXPRESS_TIMEOUT_SECONDS = 300
# What ends an endless expression.
EXPRESSION_TIMEOUT_MS = 60_000
# The emulator's delay before an execution's first state.
START_DELAY_SECONDS = 0.15

_halted = threading.Event()
_running: contextvars.ContextVar[RunningExecution | None] = contextvars.ContextVar("running_execution", default=None)


def _run_express_executions(record_metric: RecordMetric) -> None:
    """Gaps: an execution starts with a delay of 150 ms, ignores TimeoutSeconds, and has no metrics, log or trace."""
    stepfunctions.time = SimpleNamespace(**vars(time) | {"sleep": _skip_start_delay})
    run, fail = stepfunctions._run_execution, stepfunctions._fail_execution
    trace_id = lambda_svc._xray_trace_id_for_invocation

    @functools.wraps(run)
    def run_execution(execution_arn: str) -> None:
        execution = stepfunctions._executions[execution_arn]
        machine = stepfunctions._state_machines[execution["stateMachineArn"]]
        trace_root = f"1-{int(time.time()):08x}-{secrets.token_hex(12)}"
        _running.set(RunningExecution(execution, machine["roleArn"], trace_root))
        # Queue and topic policies are evaluated for the workflow, not for the caller that started it.
        iam_evaluator._request_caller_arn.set(session_arn(machine["roleArn"].rsplit("/", 1)[-1]))
        started = time.monotonic()
        worker = threading.Thread(target=contextvars.copy_context().run, args=(run, execution_arn), daemon=True)
        worker.start()
        limit = EXPRESS_TIMEOUT_SECONDS if machine["type"] == "EXPRESS" else None
        worker.join(json.loads(machine["definition"]).get("TimeoutSeconds", limit))
        if execution["status"] == "RUNNING":
            execution |= {"status": "TIMED_OUT", "stopDate": stepfunctions.now_iso()}
            stepfunctions._add_event(execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": {}})
        _log_execution(execution, machine)
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


def _log_execution(execution: dict[str, Any], machine: dict[str, Any]) -> None:
    logging = machine.get("loggingConfiguration") or {}
    events = execution_log(
        list(execution["events"]),
        _express_arn(execution["executionArn"]) if machine["type"] == "EXPRESS" else execution["executionArn"],
        level=logging.get("level", "OFF"),
        include_data=logging.get("includeExecutionData", False),
    )
    logged = list(events)
    # A stream for each thread, so that its events come in order: the emulator copies a stream for each that does not.
    stream = f"states/{machine['name']}/{datetime.now(UTC):%Y-%m-%d-%H}/{threading.get_ident():x}"
    for destination in logging.get("destinations", []) if logged else []:
        group = destination["cloudWatchLogsLogGroup"]["logGroupArn"].partition(":log-group:")[2].removesuffix(":*")
        write_log(group, stream, logged)


def _express_arn(execution_arn: str) -> str:
    """Return the ARN of an Express execution as on AWS; it ends with a UUID because names can be reused."""
    return f"{execution_arn.replace(':execution:', ':express:')}:{uuid.uuid5(uuid.NAMESPACE_URL, execution_arn)}"


def _skip_start_delay(seconds: float) -> None:
    if seconds != START_DELAY_SECONDS:
        time.sleep(seconds)


def _give_expressions_time() -> None:
    """Gap: an expression that takes a second of real time fails, and on a busy machine any of them may."""
    compiled = stepfunctions.jsonata.Jsonata.jsonata

    @functools.wraps(compiled)
    def jsonata(expression: str | None, *others: Any, **options: Any) -> Any:
        if "timeout" in options:
            options["timeout"] = EXPRESSION_TIMEOUT_MS
        return compiled(expression, *others, **options)

    stepfunctions.jsonata.Jsonata.jsonata = staticmethod(jsonata)


def _apply_retry_delays() -> None:
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


# The permission of each integration and the error that it fails with if the role lacks it. AWS names an error after the
# service and its exception ("AWS Step Functions Developer Guide", Handling errors); a service that models no exception
# for a denial reports that of its client: AWSLambdaException, AmazonDynamoDBException, AmazonSQSException.
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
_TRANSACTION = "arn:aws:states:::aws-sdk:dynamodb:transactWriteItems"
_WRITES = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}


def _enforce_workflow_roles() -> None:
    """Gap: a workflow's tasks run without permission of its role, and a throttled function is `Lambda.Unknown`."""
    invoke = stepfunctions._invoke_resource

    @functools.wraps(invoke)
    def invoke_resource(resource: str, arguments: dict[str, Any]) -> Any:
        running = _running.get()
        if running is None:
            return invoke(resource, arguments)
        if _halted.is_set():
            threading.Event().wait()
        if running.record["status"] != "RUNNING":
            raise stepfunctions._ExecutionError("States.Timeout", "the execution has ended")
        _check_permissions(running, resource, arguments)
        try:
            return invoke(resource, arguments)
        except stepfunctions._ExecutionError as failure:
            if failure.error == "Lambda.Unknown" and "TooManyRequestsException" in failure.cause:
                raise stepfunctions._ExecutionError("Lambda.TooManyRequestsException", failure.cause) from None
            raise

    stepfunctions._invoke_resource = invoke_resource


def halt() -> None:
    """End every execution where it is, before the state is saved: the services are saved one after the other."""
    _halted.set()


def _check_permissions(running: RunningExecution, resource: str, arguments: dict[str, Any]) -> None:
    for action, target, error_when_denied in _needed_permissions(resource, arguments):
        context = {"s3:prefix": arguments["Prefix"]} if "Prefix" in arguments else {}
        if not _is_workflow_allowed(running, action, target, context):
            role = running.role_arn.rsplit("/", 1)[-1]
            cause = f"the role {role} is not authorized to perform: {action} on resource: {target}"
            raise stepfunctions._ExecutionError(error_when_denied, cause)


def _needed_permissions(resource: str, arguments: dict[str, Any]) -> list[tuple[str, str, str]]:
    """The actions that a task performs, each with its resource and the error without permission."""
    if resource == _TRANSACTION:
        # A transaction has no action of its own ("Amazon DynamoDB Transactions: How it works").
        return [
            (f"dynamodb:{_WRITES[kind]}", _target_arn(resource, write), "DynamoDb.DynamoDbException")
            for item in arguments["TransactItems"]
            for kind, write in item.items()
        ]
    if resource not in _INTEGRATIONS:
        raise stepfunctions._ExecutionError(
            "States.Runtime", f"the embedded cloud cannot check a role's permission for {resource}"
        )
    action, error_when_denied = _INTEGRATIONS[resource]
    return [(action, _target_arn(resource, arguments), error_when_denied)]


def _return_version_id_with_tags() -> None:
    """Gap: a workflow's s3:getObjectTagging does not return the version id."""
    stepfunctions._S3_OP_SPECS["GetObjectTagging"] |= {"header_outputs": {"x-amz-version-id": "VersionId"}}


def _support_list_object_versions() -> None:
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
            # Step Functions uses the SDK's field names, which differ here from the XML elements.
            for element, field in (("Version", "Versions"), ("DeleteMarker", "DeleteMarkers")):
                if element in answer:
                    answer[field] = answer.pop(element)
        return answer

    stepfunctions._dispatch_aws_sdk_rest_xml = dispatch_rest_xml


def _target_arn(resource: str, arguments: dict[str, Any]) -> str:
    here = scope()
    if ":lambda:" in resource:
        function = arguments["FunctionName"]
        return function if function.startswith("arn:") else f"arn:aws:lambda:{here}:function:{function}"
    if ":dynamodb:" in resource:
        table = arguments["TableName"]
        return table if table.startswith("arn:") else f"arn:aws:dynamodb:{here}:table/{table}"
    if ":sqs:" in resource:
        return f"arn:aws:sqs:{here}:{arguments['QueueUrl'].rsplit('/', 1)[1]}"
    if ":s3:" in resource:
        key = f"/{arguments['Key']}" if "Key" in arguments else ""
        return f"arn:aws:s3:::{arguments['Bucket']}{key}"
    return arguments["TopicArn"]


def _is_workflow_allowed(running: RunningExecution, action: str, resource_arn: str, context: dict[str, Any]) -> bool:
    try:
        access_key_id = _workflow_session(running.role_arn, running.record["stateMachineArn"])
    except NotAssumable as refusal:
        raise stepfunctions._ExecutionError("States.Runtime", str(refusal)) from None
    return is_allowed(access_key_id, action, resource_arn, context)


@functools.cache
def _workflow_session(role_arn: str, state_machine_arn: str) -> str:
    return assume_role(role_arn, "states.amazonaws.com", state_machine_arn)["accessKeyId"]


def _refuse_express_executions() -> None:
    """Gap: executions of Express state machines can be listed, described and stopped; AWS does not support it."""
    list_executions = stepfunctions._list_executions

    @functools.wraps(list_executions)
    def list_of_a_standard_machine(data: dict[str, Any]) -> Any:
        if _is_express(data.get("stateMachineArn", "")):
            message = "This operation is not supported by this type of state machine"
            return error_response_json("StateMachineTypeNotSupported", message, 400)
        return list_executions(data)

    stepfunctions._list_executions = list_of_a_standard_machine
    actions = ("describe_execution", "get_execution_history", "stop_execution", "describe_state_machine_for_execution")
    for action in actions:
        setattr(stepfunctions, f"_{action}", _of_a_standard_execution(getattr(stepfunctions, f"_{action}")))


def _of_a_standard_execution(action: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    @functools.wraps(action)
    def act(data: dict[str, Any]) -> Any:
        execution_arn = data.get("executionArn", "")
        execution = stepfunctions._executions.get(execution_arn)
        if ":express:" in execution_arn or (execution and _is_express(execution["stateMachineArn"])):
            # On AWS, these calls do not accept the ARNs of Express executions.
            return error_response_json(
                "InvalidArn", "Invalid Arn: 'Resource type not valid in this context: express'", 400
            )
        return action(data)

    return act


def _is_express(machine_arn: str) -> bool:
    machine = stepfunctions._state_machines.get(machine_arn)
    return machine is not None and machine["type"] == "EXPRESS"


def executions(machine_arn: str) -> list[dict[str, Any]]:
    """Return a state machine's executions with their events, latest first; AWS does not list Express executions."""
    shown = ("executionArn", "name", "status", "events")
    found = [execution for _, execution in list(stepfunctions._executions.all_items())]
    ours = [execution for execution in found if execution["stateMachineArn"] == machine_arn]
    return [{name: execution[name] for name in shown} for execution in reversed(ours)]
