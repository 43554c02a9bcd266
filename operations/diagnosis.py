"""What a check says: findings, each about one thing, with what was found and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError

from operations.connection import Connection
from operations.errors import OperationError

# What services answer about something that is not there; S3 answers a HEAD with the bare status.
MISSING_CODES = frozenset(
    {
        "404",
        "405",
        "AWS.SimpleQueueService.NonExistentQueue",
        "MethodNotAllowed",
        "NoSuchBucket",
        "NoSuchEntity",
        "NoSuchKey",
        "NoSuchVersion",
        "NotFound",
        "NotFoundException",
        "QueueDoesNotExist",
        "ResourceNotFound",
        "ResourceNotFoundException",
        "StateMachineDoesNotExist",
    }
)
DENIED_CODES = frozenset(
    {"403", "AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"}
)


class Status(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that a check looked at.

    Attributes:
        status: whether it is as it should be.
        found: what it is like, naming it.
        advice: what to do; "" when all is well.
    """

    status: Status
    found: str
    advice: str = ""


Look = Callable[[Connection], Iterator[Finding]]
"""A check: looks at a deployed stack and tells what it found. What the service refuses may be raised."""


def ok(found: str) -> Finding:
    return Finding(status=Status.OK, found=found)


def warn(found: str, advice: str) -> Finding:
    return Finding(status=Status.WARN, found=found, advice=advice)


def fail(found: str, advice: str) -> Finding:
    return Finding(status=Status.FAIL, found=found, advice=advice)


def output(stack: Connection, name: str) -> Any:
    """One of the stack's outputs.

    Raises:
        OperationError: the stack was deployed by a version of the program that did not have it.
    """
    if name not in stack.outputs:
        raise OperationError(f"the stack has no output {name}: an older version of the program deployed it")
    return stack.outputs[name]


def redeploy(stack: Connection) -> str:
    """Advice for what a deployment puts right."""
    return f"deploy again: img-pipeline deploy --stack {stack.stack}"


def is_missing(error: ClientError) -> bool:
    """Whether the service said that the thing does not exist."""
    return error.response["Error"]["Code"] in MISSING_CODES


def look(check: Look, stack: Connection) -> list[Finding]:
    """Run a check; what stops it from looking is a finding too."""
    try:
        return list(check(stack))
    except OperationError as error:
        return [fail(str(error), redeploy(stack))]
    except ClientError as error:
        if error.response["Error"]["Code"] in DENIED_CODES:
            return [warn(f"not allowed to look: {error}", f"let the caller {error.operation_name}, or ask who may")]
        if is_missing(error):
            return [fail(str(error), redeploy(stack))]
        return [fail(f"could not look: {error}", "see whether the service has an outage, then run this again")]
