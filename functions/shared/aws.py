"""AWS clients, created once per execution environment, and the mapping of their errors to the workflow's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError, FlexibleChecksumError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as EndpointError
from botocore.loaders import Loader
from botocore.session import Session
from urllib3.exceptions import HTTPError

from functions.shared.errors import AccessError, TransientError

# Error codes that can be retried although their status is 4xx: botocore's list of throttling and transient codes
# (its retries/standard module), and S3's RequestTimeout.
_TRANSIENT_CODES = frozenset(
    {
        "BandwidthLimitExceeded",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        # Another transaction is changing the row ("Amazon DynamoDB Transactions: How it works").
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)

# Why DynamoDB cancels a transaction that succeeds when it is tried again ("TransactWriteItems"). A condition fails
# because something else has changed the row since it was read.
_PASSING_CANCELLATIONS = frozenset(
    {"ConditionalCheckFailed", "ProvisionedThroughputExceeded", "ThrottlingError", "TransactionConflict"}
)

# Connection errors, timeouts, incomplete bodies, checksum mismatches.
_NETWORK_ERRORS = (
    HTTPClientError,
    EndpointError,
    IncompleteReadError,
    FlexibleChecksumError,
    HTTPError,
    ConnectionError,
    TimeoutError,
)

# In the code archive only; see `components.blocks.service_models`.
_MODELS = Path(__file__).with_name("models")

MISSING_CODES = frozenset({"NoSuchKey", "NoSuchVersion", "404", "MethodNotAllowed", "405"})
"""S3's error codes if the version does not exist; 405 is the one for a delete marker."""


@cache
def client(service: str) -> Any:
    """The environment's botocore client for `service`; the endpoint and credentials come from the environment.

    boto3 would add a third to the cold start, for transfers and resources that no function uses. The workflow owns
    retries; the one here covers a connection that died while the environment was frozen.
    """
    config = Config(connect_timeout=2, read_timeout=15, retries={"mode": "standard", "total_max_attempts": 2})
    return session().create_client(service, config=config)


@cache
def session() -> Session:
    """The environment's one session, for a client that `client` does not configure."""
    found = Session()
    found.register_component("data_loader", _Models(extra_search_paths=[str(_MODELS)]))
    return found


class _Models(Loader):
    """botocore's loader, for a cold start: it reads the code archive's short models before botocore's own."""

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002 - botocore passes it
        """The folders of all services; botocore's own method also looks into each of these hundreds."""
        return [name for path in self.search_paths if os.path.isdir(path) for name in os.listdir(path)]


def error_code(error: ClientError) -> str:
    """The service's code for the error, such as `NoSuchVersion`."""
    return error.response.get("Error", {}).get("Code", "")


def is_transient(error: Exception) -> bool:
    """Whether an AWS call failed in a way that passes.

    That is: throttled, timed out, connection broken, the service's error, a transaction that another write overtook.
    """
    if isinstance(error, ClientError):
        status = _status(error)
        return error_code(error) in _TRANSIENT_CODES or status >= 500 or status == 429 or _is_overtaken(error)
    return isinstance(error, _NETWORK_ERRORS)


@contextmanager
def failures_named(action: str) -> Iterator[None]:
    """Raise botocore's errors inside the block as the functions' own.

    Args:
        action: what the block does, for the message: "read s3://bucket/key".

    Raises:
        TransientError: see `is_transient`.
        AccessError: anything else the service refused.
    """
    try:
        yield
    except ClientError as error:
        code = error_code(error) or _status(error)
        if is_transient(error):
            raise TransientError(f"Could not {action}: {code}. It is tried again.") from error
        raise AccessError(
            f"Could not {action}: {code}. Check that it exists and that the function's role may do this."
        ) from error
    except _NETWORK_ERRORS as error:
        raise TransientError(f"Could not {action}: {error}. The workflow retries it.") from error


def _is_overtaken(error: ClientError) -> bool:
    """Whether a transaction was cancelled for nothing but what other writes did at the same time."""
    reasons = {reason.get("Code", "None") for reason in error.response.get("CancellationReasons", ())} - {"None"}
    return bool(reasons) and reasons <= _PASSING_CANCELLATIONS


def _status(error: ClientError) -> int:
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
