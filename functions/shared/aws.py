"""AWS clients, made once per environment, and what their errors mean to the workflow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError, FlexibleChecksumError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as EndpointError
from botocore.session import Session
from urllib3.exceptions import HTTPError

from functions.shared.errors import AccessError, PipelineError, TransientError

# Error codes that mean "later" though their status says 4xx: botocore's own list of throttling and transient codes
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
        "TransactionInProgressException",
    }
)

# Connections, time-outs, bodies that break off, checksums that fail.
_NETWORK_ERRORS = (
    HTTPClientError,
    EndpointError,
    IncompleteReadError,
    FlexibleChecksumError,
    HTTPError,
    ConnectionError,
    TimeoutError,
)

MISSING_CODES = frozenset({"NoSuchKey", "NoSuchVersion", "404", "MethodNotAllowed", "405"})
"""S3's answers when the version is gone; 405 is its answer for a delete marker."""


@cache
def client(service: str) -> Any:
    """The environment's botocore client for `service`; the endpoint and credentials come from the environment.

    boto3 would add a third to the cold start, for transfers and resources that no function uses. The workflow owns
    retries; the one here covers a connection that died while the environment was frozen.
    """
    config = Config(connect_timeout=2, read_timeout=15, retries={"mode": "standard", "total_max_attempts": 2})
    return _session().create_client(service, config=config)


@cache
def _session() -> Session:
    return Session()


def error_code(error: ClientError) -> str:
    """The service's code for the error, such as `NoSuchVersion`."""
    return error.response.get("Error", {}).get("Code", "")


@contextmanager
def failures_named(action: str) -> Iterator[None]:
    """Turn botocore's errors inside the block into the functions' own.

    Args:
        action: what is being done, to what: "read s3://bucket/key".

    Raises:
        TransientError: throttled, timed out, connection broken, or the service's own error.
        AccessError: anything else the service refused.
    """
    try:
        yield
    except ClientError as error:
        raise _from_client_error(error, action) from error
    except _NETWORK_ERRORS as error:
        raise TransientError(f"Could not {action}: {error}. It is tried again.") from error


def _from_client_error(error: ClientError, action: str) -> PipelineError:
    code = error_code(error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _TRANSIENT_CODES or status >= 500 or status == 429:
        return TransientError(f"Could not {action}: {code or status}. It is tried again.")
    return AccessError(
        f"Could not {action}: {code or status}. Check that it exists and that the function's role may do this."
    )
