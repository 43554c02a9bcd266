"""boto3 clients for a stack on AWS, with the caller's own credentials."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import boto3
from botocore.config import Config

# Uploads and log queries run in parallel; boto3's default pool has ten connections.
MAX_CONNECTIONS = 32


class Clients:
    """Makes each client once. Safe to share between threads.

    Args:
        make: returns a boto3 client by service name.
    """

    def __init__(self, make: Callable[[str], Any]) -> None:
        self._make = make
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    def __call__(self, service: str) -> Any:
        """The client of a service, such as "sqs"."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._make(service)
            return self._clients[service]


def aws_clients(region: str) -> Clients:
    """Clients for AWS, with the credentials that boto3 finds."""
    config = Config(max_pool_connections=MAX_CONNECTIONS, retries={"mode": "standard"})

    def make(service: str) -> Any:
        return boto3.client(service, region_name=region, config=config)  # pyright: ignore[reportCallIssue, reportArgumentType]

    return Clients(make)
