"""SQS: message move tasks, and the list of a dead-letter queue's source queues (Amazon SQS API Reference).

Tasks are saved with the queues. A task that runs when the embedded cloud stops is FAILED after the next start: the
messages that it has not moved are still in its source queue, and a new task moves them.
"""

from __future__ import annotations

import base64
import binascii
import contextvars
import functools
import json
import threading
import time
import uuid
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from ministack.core import iam_actions, iam_evaluator
from ministack.services import sqs

from localcloud.patches import iam
from localcloud.patches.sqs import queues_lock

# Limits of the API; the maximum rate is also the default ("Amazon SQS message quotas").
MAX_RATE = 500
MAX_TASKS_LISTED = 10
MAX_SOURCES_LISTED = 1000

STOPPED = "The embedded cloud was stopped."
"""Failure reason of a task that was running when the cloud stopped."""

Document = dict[str, Any]


def install() -> None:
    """Gap: the emulator has neither message move tasks nor the list of source queues."""
    sqs._HANDLERS |= {
        "StartMessageMoveTask": _start,
        "ListMessageMoveTasks": _list,
        "CancelMessageMoveTask": _cancel,
        "ListDeadLetterSourceQueues": _list_sources,
    }
    _save_tasks_with_the_queues()
    _resolve_source_queue_arn()


@dataclass(kw_only=True)
class MoveTask:
    """One task; times are in milliseconds since 1970."""

    source_arn: str
    destination_arn: str | None
    rate: int | None
    caller: str
    message_ids: list[str]
    task_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: Literal["RUNNING", "COMPLETED", "CANCELLING", "CANCELLED", "FAILED"] = "RUNNING"
    moved: int = 0
    failure_reason: str = ""
    started: int = field(default_factory=lambda: int(time.time() * 1000))

    def __post_init__(self) -> None:
        self.cancelled = threading.Event()

    @property
    def handle(self) -> str:
        names = {"taskId": self.task_id, "sourceArn": self.source_arn}
        return base64.b64encode(json.dumps(names).encode()).decode()

    @property
    def active(self) -> bool:
        return self.status in ("RUNNING", "CANCELLING")

    def describe(self) -> Document:
        """Return the task as ListMessageMoveTasks does: only a running task has a handle."""
        optional = {
            "TaskHandle": self.handle if self.status == "RUNNING" else None,
            "DestinationArn": self.destination_arn,
            "MaxNumberOfMessagesPerSecond": self.rate,
            "FailureReason": self.failure_reason or None,
        }
        return {
            "Status": self.status,
            "SourceArn": self.source_arn,
            "ApproximateNumberOfMessagesMoved": self.moved,
            "ApproximateNumberOfMessagesToMove": len(self.message_ids),
            "StartedTimestamp": self.started,
        } | {name: value for name, value in optional.items() if value is not None}

    def run(self) -> None:
        """Move every message that was visible at the start, except those that are in flight when their turn comes."""
        try:
            for message_id in self.message_ids:
                if self.cancelled.wait(1 / (self.rate or MAX_RATE)):
                    self.status = "CANCELLED"
                    return
                with queues_lock:
                    self.moved += self._move(message_id)
            self.status = "CANCELLED" if self.cancelled.is_set() else "COMPLETED"
        except sqs._Err as error:
            self.failure_reason = sqs._QUERY_COMPAT_CODES.get(error.code, error.code)
            self.status = "FAILED"

    def _move(self, message_id: str) -> int:
        source = _existing(self.source_arn)
        messages = [message for message in source["messages"] if message["id"] == message_id]
        if not messages or messages[0]["visible_at"] > time.time():
            return 0
        (message,) = messages
        destination_arn = self.destination_arn or message["sys"].get("DeadLetterQueueSourceArn")
        if not destination_arn:
            raise sqs._Err("CouldNotDetermineMessageSource", "The message was sent to the queue itself.")
        destination = _existing(destination_arn)
        for action in ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"):
            self._require(action, self.source_arn)
        self._require("sqs:SendMessage", destination_arn)
        sqs._HANDLERS["SendMessage"](_copy_of(message, destination), destination["url"])
        source["messages"].remove(message)
        return 1

    def _require(self, action: str, queue_arn: str) -> None:
        if not iam.is_allowed(self.caller, action, queue_arn):
            raise sqs._Err("AccessDenied", f"{action} on {queue_arn} is not allowed.", 403)


_tasks: list[MoveTask] = []


def _save_tasks_with_the_queues() -> None:
    """Write the tasks into the state of SQS; nothing changes a queue or a task while the state is copied."""
    get_state, load_persisted_state = sqs.get_state, sqs.load_persisted_state

    @functools.wraps(get_state)
    def get_state_with_tasks() -> Document:
        with queues_lock:
            return get_state() | {"move_tasks": [asdict(task) for task in _tasks]}

    @functools.wraps(load_persisted_state)
    def load_state_with_tasks(data: Document) -> None:
        load_persisted_state(data)
        for saved in data.get("move_tasks", []):
            task = MoveTask(**saved)
            if task.active:
                task.status, task.failure_reason = "FAILED", STOPPED
            _tasks.append(task)

    sqs.get_state, sqs.load_persisted_state = get_state_with_tasks, load_state_with_tasks


def _start(data: Document, _url: str) -> Document:
    source_arn, destination_arn = data.get("SourceArn", ""), data.get("DestinationArn")
    source = _named(source_arn, "SourceArn")
    if not _sources_of(source_arn):
        raise sqs._Err("InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue.")
    if destination_arn is not None:
        _named(destination_arn, "DestinationArn")
        if destination_arn == source_arn:
            raise sqs._Err("InvalidParameterValue", "Source queue arn and destination queue arn cannot be the same.")
    rate = _number(data, "MaxNumberOfMessagesPerSecond", None, MAX_RATE)
    sqs._enforce_queue_policy(source, "sqs:StartMessageMoveTask")
    with queues_lock:
        if any(task.active for task in _tasks_of(source_arn)):
            raise sqs._Err(
                "UnsupportedOperation",
                "There is already a task running. Only one active task is allowed for a source queue arn at a given "
                "time.",
            )
        now = time.time()
        visible = [message["id"] for message in source["messages"] if message["visible_at"] <= now]
        task = MoveTask(
            source_arn=source_arn,
            destination_arn=destination_arn,
            rate=rate,
            # A caller without a verified key is the account's root user.
            caller=iam_evaluator._verified_key.get() or "test",
            message_ids=visible,
        )
        _tasks.append(task)
    # The thread uses the caller's account, region and identity.
    threading.Thread(target=contextvars.copy_context().run, args=(task.run,), daemon=True).start()
    return {"TaskHandle": task.handle}


def _list(data: Document, _url: str) -> Document:
    source_arn = data.get("SourceArn", "")
    count = _number(data, "MaxResults", 1, MAX_TASKS_LISTED)
    sqs._enforce_queue_policy(_named(source_arn, "SourceArn"), "sqs:ListMessageMoveTasks")
    return {"Results": [task.describe() for task in reversed(_tasks_of(source_arn))][:count]}


def _cancel(data: Document, _url: str) -> Document:
    handle = data.get("TaskHandle", "")
    source_arn = _source_in(handle)
    if source_arn is None:
        raise sqs._Err("InvalidParameterValue", "Value for parameter TaskHandle is invalid.")
    sqs._enforce_queue_policy(_named(source_arn, "SourceArn"), "sqs:CancelMessageMoveTask")
    task = next((task for task in _tasks_of(source_arn) if task.handle == handle), None)
    if task is None:
        raise sqs._Err("ResourceNotFoundException", "Task does not exist.", 404)
    with queues_lock:
        if task.status != "RUNNING":
            raise sqs._Err("UnsupportedOperation", "Only active tasks can be cancelled.")
        task.status = "CANCELLING"
        task.cancelled.set()
        return {"ApproximateNumberOfMessagesMoved": task.moved}


def _list_sources(data: Document, url: str) -> Document:
    queue = sqs._get_q(data.get("QueueUrl", url), "sqs:ListDeadLetterSourceQueues")
    count = _number(data, "MaxResults", MAX_SOURCES_LISTED, MAX_SOURCES_LISTED) or MAX_SOURCES_LISTED
    try:
        first = int(data.get("NextToken", 0))
    except ValueError as error:
        raise sqs._Err("InvalidParameterValue", "Value for parameter NextToken is invalid.") from error
    sources = _sources_of(queue["attributes"]["QueueArn"])
    answer: Document = {"queueUrls": [sqs._externalize_url(source["url"]) for source in sources][first : first + count]}
    return answer | ({"NextToken": str(first + count)} if first + count < len(sources) else {})


def _sources_of(queue_arn: str) -> list[Document]:
    """Return the queues of this account and region whose dead-letter queue is the given one, by name."""
    queues = [queue for _, queue in sorted(sqs._queues.items())]
    policies = [(queue, json.loads(queue["attributes"].get("RedrivePolicy") or "{}")) for queue in queues]
    return [queue for queue, policy in policies if policy.get("deadLetterTargetArn") == queue_arn]


def _tasks_of(source_arn: str) -> list[MoveTask]:
    return [task for task in _tasks if task.source_arn == source_arn]


def _named(queue_arn: str, parameter: str) -> Document:
    queue = sqs._queue_by_arn(queue_arn)
    if queue is None:
        message = f"The resource that you specified for the {parameter} parameter doesn't exist."
        raise sqs._Err("ResourceNotFoundException", message, 404)
    return queue


def _existing(queue_arn: str) -> Document:
    queue = sqs._queue_by_arn(queue_arn)
    if queue is None:
        raise sqs._Err("QueueDoesNotExist", "The specified queue does not exist.")
    return queue


def _number(data: Document, name: str, default: int | None, maximum: int) -> int | None:
    value = data.get(name, default)
    if value is not None and not 1 <= int(value) <= maximum:
        message = f"Value {value} for parameter {name} is invalid. Reason: Must be between 1 and {maximum}."
        raise sqs._Err("InvalidParameterValue", message)
    return value


def _copy_of(message: Document, destination: Document) -> Document:
    """Return the SendMessage request for a moved message, which has a new id and age ("dead-letter queue redrive").

    In a FIFO queue it gets a new deduplication id, or it would be dropped within five minutes of the original.
    """
    trace = message["sys"].get("AWSTraceHeader")
    ordered = {"MessageGroupId": message.get("group_id"), "MessageDeduplicationId": str(uuid.uuid4())}
    return {
        "QueueUrl": destination["url"],
        "MessageBody": message["body"],
        "MessageAttributes": message["message_attributes"],
        "MessageSystemAttributes": {"AWSTraceHeader": {"StringValue": trace, "DataType": "String"}} if trace else {},
    } | (ordered if destination["is_fifo"] else {})


def _source_in(handle: str) -> str | None:
    try:
        return json.loads(base64.b64decode(handle, validate=True))["sourceArn"]
    except (binascii.Error, ValueError, KeyError, TypeError):
        return None


def _resolve_source_queue_arn() -> None:
    """Gap: permissions of calls with a queue ARN or task handle are checked on `*` instead of the queue."""
    resource_of = iam_actions.extract_resource_arn

    @functools.wraps(resource_of)
    def extract_resource_arn(service: str, method: str, path: str, headers: Any, body: Any, *more: Any) -> str:
        resource = resource_of(service, method, path, headers, body, *more)
        if service == "sqs" and resource == "*":
            source = iam_actions._safe_json_field(body, "SourceArn")
            handle = iam_actions._safe_json_field(body, "TaskHandle")
            return source or (handle and _source_in(handle)) or resource
        return resource

    iam_actions.extract_resource_arn = extract_resource_arn
