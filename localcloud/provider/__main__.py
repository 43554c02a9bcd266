"""Serves the provider to Pulumi's engine, which starts this program and reads its gRPC port from standard output.

Environment:
    AWS_ENDPOINT_URL: the embedded cloud; it has to be on this machine.
    AWS_REGION: used if the stack does not set one.
    AWS_ACCESS_KEY_ID: the twelve-digit account id, as the embedded cloud expects it.
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


def main() -> None:
    """Serve until the engine stops this process or exits itself."""
    # The engine stops a plugin with SIGINT; a traceback is of no use.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    server = grpc.server(ThreadPoolExecutor(max_workers=16))
    add_ResourceProviderServicer_to_server(Provider(connect, version("pulumi-aws")), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    exit_with_engine()


def exit_with_engine() -> NoReturn:
    """Exit as soon as the engine has exited for any reason, without completing running operations.

    The engine holds the other end of standard input and never writes to it; the operating system closes it when the
    engine exits. A plugin that continued would create resources that are in no state file, which the next deployment
    would create again.
    """
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os._exit(os.EX_OK)


main()
