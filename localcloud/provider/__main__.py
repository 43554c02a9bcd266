"""Serves the provider to Pulumi's engine, which runs this program, reads the port from its output and talks gRPC to it.

Environment:
    AWS_ENDPOINT_URL: the embedded cloud; it has to be on this machine.
    AWS_REGION: used where the stack says none.
    AWS_ACCESS_KEY_ID: the account's twelve digits, as the embedded cloud wants it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, NoReturn

import grpc
from pulumi.runtime.proto.provider_pb2_grpc import add_ResourceProviderServicer_to_server

from localcloud import resources  # noqa: F401 (importing it registers every handler)
from localcloud.clients import make_client
from localcloud.provider.servicer import Provider
from localcloud.resources.base import ResourceError

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, kw_only=True)
class RunningCloud:
    """An embedded cloud that somebody else started."""

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
    """The cloud that the environment names.

    Raises:
        ResourceError: it names none, or one that is not on this machine.
    """
    endpoint_url = os.environ.get("AWS_ENDPOINT_URL", "")
    if urllib.parse.urlsplit(endpoint_url).hostname not in LOOPBACK:
        raise ResourceError(
            f"AWS_ENDPOINT_URL is {endpoint_url!r}: this provider knows only an embedded cloud on this machine"
        )
    return RunningCloud(
        endpoint_url=endpoint_url,
        region=region or os.environ.get("AWS_REGION", "us-east-1"),
        account_id=os.environ.get("AWS_ACCESS_KEY_ID", "000000000000"),
    )


def main() -> None:
    """Serve until the engine ends this process, or is gone itself."""
    # The engine's way to ask a plugin to end; nothing here is worth a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    server = grpc.server(ThreadPoolExecutor(max_workers=16))
    add_ResourceProviderServicer_to_server(Provider(connect, version("pulumi-aws")), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    outlive_nobody()


def outlive_nobody() -> NoReturn:
    """End this process, and what it is doing, as soon as the engine is gone, however that died.

    The engine holds the other end of our standard input and never writes to it: the system closes it with the engine.
    A plugin that went on would make resources that no state knows of, while the next deployment makes them too.
    """
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os._exit(os.EX_OK)


main()
