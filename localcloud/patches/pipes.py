"""EventBridge Pipes: parameters are stored, and a pipe is STOPPING until its last batch is processed."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

from ministack.services import (
    lambda_svc,
    pipes,
)


def install() -> None:
    """Apply this service's patches."""
    _keep_pipe_parameters()
    _report_stopping_pipes()


_PIPE_FIELDS = ("SourceParameters", "TargetParameters", "LogConfiguration", "Enrichment", "EnrichmentParameters")
_pipes_lock = threading.Lock()


def _keep_pipe_parameters() -> None:
    """Gap: a pipe's parameters are dropped at creation, so DescribePipe does not return them."""
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


def _report_stopping_pipes() -> None:
    """Gap: StopPipe reports STOPPED at once, while a batch that was already received is still being processed."""
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
    """Return the pipes from queues whose desired state is RUNNING, by ARN, in DescribePipe's shape."""
    with _pipes_lock:
        return {
            pipe["Arn"]: pipes._describe_response(pipe)
            for _account, _region, pipe in pipes._iter_all_pipes()
            if pipe["DesiredState"] == "RUNNING" and _reads_a_queue(pipe)
        }


def mark_stopped_pipes(busy: set[str]) -> None:
    """Set the STOPPING pipes to STOPPED, except the busy ones (ARNs)."""
    with _pipes_lock:
        for _account, _region, pipe in pipes._iter_all_pipes():
            if pipe["CurrentState"] == "STOPPING" and pipe["Arn"] not in busy:
                pipe["CurrentState"] = "STOPPED"


def _reads_a_queue(pipe: dict[str, Any]) -> bool:
    return pipe["Source"].split(":")[2:3] == ["sqs"]


def matches_pattern(event: dict[str, Any], pattern: dict[str, Any]) -> bool:
    """Whether an event matches an EventBridge pattern."""
    return lambda_svc._match_esm_filter(event, pattern)
