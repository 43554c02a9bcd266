"""The plugin that the engine starts.

Environment:
    AWS_ENDPOINT_URL: the embedded cloud; it has to be on this machine.
    AWS_REGION: used if the stack does not set one.
    AWS_ACCESS_KEY_ID: the twelve-digit account id, as the embedded cloud expects it.
"""

from __future__ import annotations

import os
import threading
import urllib.parse
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from localcloud import resources  # noqa: F401 (importing it registers every handler)
from localcloud.clients import make_client
from localcloud.provider.servicer import Provider
from localcloud.provider.serving import serve
from localcloud.resources.base import ResourceError

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, kw_only=True)
class RunningCloud:
    """An embedded cloud that another process started."""

    endpoint_url: str
    region: str
    account_id: str
    _clients: dict[str, Any] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def client(self, service: str, /) -> Any:
        """Return a boto3 client for the service, shared by threads."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = make_client(service, self.endpoint_url, self.region, self.account_id)
            return self._clients[service]


def connect(region: str) -> RunningCloud:
    """Return the cloud at AWS_ENDPOINT_URL.

    Raises:
        ResourceError: the variable is not set, or its host is not this machine.
    """
    endpoint_url = os.environ.get("AWS_ENDPOINT_URL", "")
    if urllib.parse.urlsplit(endpoint_url).hostname not in LOOPBACK:
        raise ResourceError(
            f"AWS_ENDPOINT_URL is {endpoint_url!r}: this provider supports only an embedded cloud on this machine"
        )
    return RunningCloud(
        endpoint_url=endpoint_url,
        region=region or os.environ.get("AWS_REGION", "us-east-1"),
        account_id=os.environ.get("AWS_ACCESS_KEY_ID", "000000000000"),
    )


serve(Provider(connect, version("pulumi-aws")))
