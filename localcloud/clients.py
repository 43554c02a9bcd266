"""AWS clients for the embedded cloud, isolated from the caller's own AWS settings."""

from __future__ import annotations

import functools
import os
import threading
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

# The user's profile, configuration files and credentials are for AWS, not for the embedded cloud.
_ISOLATED = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}
# The longest response time is that of a synchronous Express execution, at most five minutes.
_READ_TIMEOUT_SECONDS = 310
# Clients are thread-safe, sessions are not.
_making_clients = threading.Lock()


def make_client(
    service: str, endpoint_url: str, region: str, account_id: str, credentials: dict[str, str] | None = None
) -> Any:
    """Return a boto3 client.

    Args:
        service: service name as boto3 spells it.
        endpoint_url: address of the embedded cloud.
        region: region of the calls.
        account_id: account of the root user, twelve digits.
        credentials: a role session's accessKeyId, secretAccessKey and sessionToken. Default: the account's root user.
    """
    root = {"accessKeyId": account_id, "secretAccessKey": "test", "sessionToken": None}
    keys = credentials or root
    with _making_clients:
        client = _session().client(
            service,
            region_name=region,
            endpoint_url=endpoint_url,
            aws_access_key_id=keys["accessKeyId"],
            aws_secret_access_key=keys["secretAccessKey"],
            aws_session_token=keys["sessionToken"],
            config=Config(
                inject_host_prefix=False,
                max_pool_connections=32,
                proxies={},
                read_timeout=_READ_TIMEOUT_SECONDS,
                s3={"addressing_style": "path"},
                signature_version="s3v4" if service == "s3" else None,
            ),
        )
        # botocore creates a service's exception classes at their first use; two threads could get different classes,
        # and one would not catch what the other raises.
        _ = client.exceptions
        return client


@functools.cache
def _session() -> boto3.Session:
    """Return the session of this process, so that each service's model is loaded once, which is slow."""
    return boto3.Session(botocore_session=botocore.session.Session(_ISOLATED))
