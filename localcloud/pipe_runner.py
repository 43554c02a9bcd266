"""Moves messages through EventBridge Pipes from SQS queues to Step Functions workflows, as AWS does.

The rules are those of the "Amazon EventBridge User Guide", chapter Pipes: a batch becomes a JSON array even when it
contains one message, the input template applies to each message, a message that no filter matches is deleted, and a
failed batch stays on the queue until its visibility timeout ends and the queue's redrive policy applies.
"""

from __future__ import annotations

import json
import logging
import re
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.logs.pipe_log import pipe_log_group, pipe_log_record

logger = logging.getLogger("localcloud.pipes")

SUPERVISION_SECONDS = 0.2
POLL_SECONDS = 1
PAUSE_AFTER_ERROR_SECONDS = 1.0
# One message in a batch is BatchSize 1, the default is 10.
DEFAULT_BATCH_SIZE = 10

Pipe = dict[str, Any]
Message = dict[str, Any]


class PipeRunner:
    """Runs every pipe whose desired state is RUNNING, each with the permissions of its own role.

    Args:
        running_pipes: returns the pipes to run, by ARN, in DescribePipe's shape.
        mark_stopped: receives the ARNs of the pipes that are still busy; other stopping pipes become STOPPED.
        client: returns a client from a service name and the pipe whose role to use; raises LookupError if it cannot.
        root_queues: an SQS client of the account's root user, for calls that the pipe's role does not make on AWS.
        record_metric: called with namespace, name, value, unit and dimensions.
        write_log: called with a log group, a log stream, and events (milliseconds since 1970, message).
        matches: whether an event matches an EventBridge pattern.
        concurrency: batches that one pipe processes at a time; AWS starts with 5 and scales up.
        retry_seconds: time until a failed message becomes visible again; None is the rest of the queue's visibility
            timeout, as on AWS.
    """

    def __init__(
        self,
        *,
        running_pipes: Callable[[], dict[str, Pipe]],
        mark_stopped: Callable[[set[str]], None],
        client: Callable[[str, Pipe], Any],
        root_queues: Any,
        record_metric: Callable[[str, str, float, str, dict[str, str]], None],
        write_log: Callable[[str, str, list[tuple[int, str]]], None],
        matches: Callable[[dict[str, Any], dict[str, Any]], bool],
        concurrency: int,
        retry_seconds: int | None,
    ) -> None:
        self._running_pipes = running_pipes
        self._mark_stopped = mark_stopped
        self._client = client
        self._root_queues = root_queues
        self._record_metric = record_metric
        self._write_log = write_log
        self._matches = matches
        self._concurrency = concurrency
        self._retry_seconds = retry_seconds
        self._pollers: dict[str, threading.Thread] = {}

    def start(self) -> None:
        """Start daemon threads."""
        threading.Thread(target=self._supervise, name="pipes", daemon=True).start()

    def _supervise(self) -> None:
        while True:
            self._pollers = {arn: poller for arn, poller in self._pollers.items() if poller.is_alive()}
            for arn, pipe in self._running_pipes().items():
                if arn not in self._pollers:
                    poller = threading.Thread(target=self._poll, args=(arn,), name=f"pipe {pipe['Name']}", daemon=True)
                    self._pollers[arn] = poller
                    poller.start()
            self._mark_stopped(set(self._pollers))
            time.sleep(SUPERVISION_SECONDS)

    def _poll(self, arn: str) -> None:
        """Receive batches and process them in a bounded pool while the pipe is running."""
        free_slots = threading.BoundedSemaphore(self._concurrency)
        source_is_readable = False
        with ThreadPoolExecutor(self._concurrency) as pool:
            while pipe := self._running_pipes().get(arn):
                source_is_readable = source_is_readable or self._inspect_source(pipe)
                if not source_is_readable:
                    time.sleep(PAUSE_AFTER_ERROR_SECONDS)
                    continue
                free_slots.acquire()
                messages = self._receive(pipe)
                # The pipe may have been updated or stopped while the poll was waiting.
                current = self._running_pipes().get(arn)
                if messages and current is None:
                    self._make_visible(pipe, messages, after_seconds=0)
                if not messages or current is None:
                    free_slots.release()
                    continue
                handled = pool.submit(self._handle, current, messages)
                handled.add_done_callback(lambda _: free_slots.release())

    def _inspect_source(self, pipe: Pipe) -> bool:
        """Read the queue's attributes, as AWS does before it polls, so that a missing permission is reported."""
        try:
            self._client("sqs", pipe).get_queue_attributes(
                QueueUrl=self._queue_url(pipe), AttributeNames=["VisibilityTimeout"]
            )
        except (ClientError, BotoCoreError, LookupError) as error:
            self._record(pipe, "ExecutionFailed")
            logger.warning("pipe %s cannot inspect its source: %s", pipe["Name"], error)
            return False
        return True

    def _receive(self, pipe: Pipe) -> list[Message]:
        source = pipe.get("SourceParameters", {}).get("SqsQueueParameters", {})
        try:
            return (
                self._client("sqs", pipe)
                .receive_message(
                    QueueUrl=self._queue_url(pipe),
                    MaxNumberOfMessages=source.get("BatchSize", DEFAULT_BATCH_SIZE),
                    WaitTimeSeconds=POLL_SECONDS,
                    MessageSystemAttributeNames=["All"],
                    MessageAttributeNames=["All"],
                )
                .get("Messages", [])
            )
        except (ClientError, BotoCoreError, LookupError) as error:
            self._record(pipe, "ExecutionFailed")
            logger.warning("pipe %s cannot read its source: %s", pipe["Name"], error)
            time.sleep(PAUSE_AFTER_ERROR_SECONDS)
            return []

    def _handle(self, pipe: Pipe, messages: list[Message]) -> None:
        started = time.monotonic()
        execution_id, failure = str(uuid.uuid4()), None
        self._log(pipe, execution_id, "ExecutionStarted", "INFO")
        try:
            events = [source_event(message, pipe["Source"]) for message in messages]
            wanted = [event for event in events if self._passes_filter(pipe, event)]
            if wanted:
                template = pipe.get("TargetParameters", {}).get("InputTemplate")
                batch = [render(template, event, pipe) if template else event for event in wanted]
                self._invoke_target(pipe, json.dumps(batch))
        except Exception as error:  # an error in one batch must not end the pipe
            failure = error
        self._record(pipe, "Invocations")
        self._record(pipe, "Duration", (time.monotonic() - started) * 1000, "Milliseconds")
        timed_out = isinstance(failure, TargetTimedOut)
        self._record(pipe, "ExecutionTimeout", int(timed_out))
        self._record(pipe, "ExecutionFailed", int(failure is not None and not timed_out))
        if failure is None:
            self._log(pipe, execution_id, "ExecutionSucceeded", "INFO")
            self._delete(pipe, messages)
        else:
            logger.warning("pipe %s failed, %d message(s) stay on its queue: %s", pipe["Name"], len(messages), failure)
            self._log(pipe, execution_id, "TargetInvocationFailed", "ERROR", str(failure))
            self._log(pipe, execution_id, "ExecutionTimeout" if timed_out else "ExecutionFailed", "ERROR", str(failure))
            if self._retry_seconds is not None:
                self._make_visible(pipe, messages, self._retry_seconds)

    def _passes_filter(self, pipe: Pipe, event: dict[str, Any]) -> bool:
        filters = pipe.get("SourceParameters", {}).get("FilterCriteria", {}).get("Filters", [])
        parsed = event | {"body": _parsed_if_json(event["body"])}
        return not filters or any(self._matches(parsed, json.loads(entry["Pattern"])) for entry in filters)

    def _invoke_target(self, pipe: Pipe, batch: str) -> None:
        parameters = pipe.get("TargetParameters", {}).get("StepFunctionStateMachineParameters", {})
        states = self._client("stepfunctions", pipe)
        if parameters.get("InvocationType", "REQUEST_RESPONSE") == "FIRE_AND_FORGET":
            states.start_execution(stateMachineArn=pipe["Target"], input=batch)
            return
        execution = states.start_sync_execution(stateMachineArn=pipe["Target"], input=batch)
        outcome = f"execution {execution['name']} has status {execution['status']} {execution.get('error', '')}"
        if execution["status"] == "TIMED_OUT":
            raise TargetTimedOut(outcome)
        if execution["status"] != "SUCCEEDED":
            raise TargetFailed(outcome)

    def _delete(self, pipe: Pipe, messages: list[Message]) -> None:
        sqs = self._client("sqs", pipe)
        try:
            for message in messages:
                sqs.delete_message(QueueUrl=self._queue_url(pipe), ReceiptHandle=message["ReceiptHandle"])
        except (ClientError, BotoCoreError) as error:
            self._record(pipe, "ExecutionFailed")
            logger.warning("pipe %s cannot delete processed messages: %s", pipe["Name"], error)

    def _make_visible(self, pipe: Pipe, messages: list[Message], after_seconds: int) -> None:
        """Shorten the messages' visibility timeout, as the root user: the role does not need this permission on AWS."""
        for message in messages:
            self._root_queues.change_message_visibility(
                QueueUrl=self._queue_url(pipe),
                ReceiptHandle=message["ReceiptHandle"],
                VisibilityTimeout=after_seconds,
            )

    def _queue_url(self, pipe: Pipe) -> str:
        """Build the queue's URL: GetQueueUrl would need a permission that the role does not need on AWS."""
        account, name = pipe["Source"].split(":")[4:6]
        return f"{self._root_queues.meta.endpoint_url}/{account}/{name}"

    def _log(self, pipe: Pipe, execution_id: str, message_type: str, level: str, error: str = "") -> None:
        group = pipe_log_group(pipe)
        if group and (record := pipe_log_record(pipe, execution_id, message_type, level, error)):
            self._write_log(group, f"pipes/{pipe['Name']}", [(round(time.time() * 1000), record)])

    def _record(self, pipe: Pipe, name: str, value: float = 1, unit: str = "Count") -> None:
        self._record_metric("AWS/EventBridge/Pipes", name, value, unit, {"PipeName": pipe["Name"]})


class TargetFailed(Exception):
    """The execution did not succeed, so the batch stays on the queue."""


class TargetTimedOut(TargetFailed):
    """The execution timed out."""


def source_event(message: Message, queue_arn: str) -> dict[str, Any]:
    """Return the event that a pipe creates from an SQS message ("Amazon EventBridge User Guide", SQS as a source)."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": message.get("MessageAttributes", {}),
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": queue_arn.split(":")[3],
    }


_PLACEHOLDER = re.compile(r"<(\$[^<>]*|aws\.pipes\.[a-z.-]+)>")
_STEP = re.compile(r"\.([\w-]+)|\[(\d+)\]")


def render(template: str, event: dict[str, Any], pipe: Pipe) -> Any:
    """Render an input template with the values of one event.

    A placeholder inside quotes becomes text; elsewhere it becomes a JSON value, strings with quotes. A JSON body is
    parsed first ("Amazon EventBridge User Guide", Pipes input transformation, implicit body parsing).

    Returns:
        The template's JSON value, or its text if it is not JSON.

    Raises:
        LookupError: a placeholder names a field that the event does not have. (AWS omits it.)
    """
    filled, in_string, position = [], False, 0
    for placeholder in _PLACEHOLDER.finditer(template):
        literal = template[position : placeholder.start()]
        in_string ^= len(re.findall(r'(?<!\\)"', literal)) % 2 == 1
        value = _value_of(placeholder[1], event, pipe)
        filled += [literal, _inside_string(value) if in_string else json.dumps(value)]
        position = placeholder.end()
    return _parsed_if_json("".join([*filled, template[position:]]))


def _inside_string(value: Any) -> str:
    return json.dumps(value)[1:-1] if isinstance(value, str) else json.dumps(value).replace('"', "")


def _value_of(placeholder: str, event: dict[str, Any], pipe: Pipe) -> Any:
    if not placeholder.startswith("$"):
        reserved = {
            "aws.pipes.pipe-arn": pipe["Arn"],
            "aws.pipes.pipe-name": pipe["Name"],
            "aws.pipes.source-arn": pipe["Source"],
            "aws.pipes.target-arn": pipe["Target"],
            "aws.pipes.event": event,
            "aws.pipes.event.json": event,
            "aws.pipes.event.ingestion-time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        }
        return reserved[placeholder]
    value: Any = event | {"body": _parsed_if_json(event["body"])}
    for name, index in _STEP.findall(placeholder):
        value = value[name] if name else value[int(index)]
    return value


def _parsed_if_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
