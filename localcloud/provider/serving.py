"""Serves a provider to Pulumi's engine, which starts this process and reads its gRPC port from standard output."""

from __future__ import annotations

import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn

import grpc
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderServicer, add_ResourceProviderServicer_to_server


def serve(provider: ResourceProviderServicer) -> NoReturn:
    """Serve until the engine stops this process or exits itself."""
    # The engine stops a plugin with SIGINT; a traceback is of no use.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    server = grpc.server(ThreadPoolExecutor(max_workers=16))
    add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    _exit_with_engine()


def _exit_with_engine() -> NoReturn:
    """Exit as soon as the engine has exited for any reason, without completing running operations.

    The engine holds the other end of standard input and never writes to it; the operating system closes it when the
    engine exits. A plugin that continued would create resources that are in no state file, which the next deployment
    would create again.
    """
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os._exit(os.EX_OK)
