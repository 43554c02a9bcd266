"""What the library raises. A call that AWS refuses is raised as boto3 raises it."""

from __future__ import annotations

from botocore.exceptions import ClientError


class PipelineError(Exception):
    """The base of every error of this library. Its message is one line: what happened, to what, and what to do."""


class NotFoundError(PipelineError):
    """The stack has no such file, job, queue, message or output."""


class InvalidRequestError(PipelineError):
    """The request is invalid, or this stack does not support it; nothing was changed."""


class ActionFailedError(PipelineError):
    """An action was started and did not succeed."""


# Error codes for a resource that does not exist; S3 answers a HEAD with the bare status.
_MISSING_CODES = frozenset(
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


def is_missing(error: ClientError) -> bool:
    """Whether AWS reported that the resource does not exist."""
    return error.response["Error"]["Code"] in _MISSING_CODES
