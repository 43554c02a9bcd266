"""AWS clients for a cloud on the loopback interface, which nothing of the caller's own AWS settings reaches."""

from __future__ import annotations

import functools
import os
import threading
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

# A laptop's profile, configuration files and credentials are for AWS, not for here.
_ISOLATED = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}
# The longest answer is that of a synchronous Express execution, which may take five minutes.
_READ_TIMEOUT_SECONDS = 310
# Clients may be shared between threads, but a session may not.
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
        # botocore makes a service's exception classes at their first use; two threads at once would get two sets of
        # them, and what one thread raises the other would not catch.
        _ = client.exceptions
        return client


@functools.cache
def _session() -> boto3.Session:
    """Return the one session of this process, which reads each service's model only once: that is most of the work."""
    return boto3.Session(botocore_session=botocore.session.Session(_ISOLATED))
