"""Posts one request to a receiver, without redirects and proxies and with one time limit."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from functools import cache
from urllib.parse import SplitResult, urlsplit

from functions.webhook.addresses import resolved
from functions.webhook.errors import RefusedAddressError, UndeliveredError

TIME_LIMIT_SECONDS = 10.0
_PORTS = {"https": 443, "http": 80}


def post(
    url: str, body: bytes, headers: Mapping[str, str], *, allow_private: bool, seconds: float = TIME_LIMIT_SECONDS
) -> int:
    """Post a body and return the response's status; the response's body is not read.

    Args:
        url: an https URL on port 443.
        body: the request's body.
        headers: headers in addition to Host and Content-Length.
        allow_private: whether http, other ports and addresses that are not public are allowed.
        seconds: the time limit from connecting to the response's status.

    Raises:
        RefusedAddressError: the URL is not allowed.
        UndeliveredError: there was no response in time.
    """
    parts = urlsplit(url)
    host, port = _target(parts, allow_private=allow_private)
    try:
        address = resolved(host, port, allow_private=allow_private)
        return _answer(parts, (address, port), body, headers, time.monotonic() + seconds)
    except (OSError, http.client.HTTPException) as error:
        raise UndeliveredError(f"{host} did not respond: {type(error).__name__}: {error}") from error


def _target(parts: SplitResult, *, allow_private: bool) -> tuple[str, int]:
    try:
        port = parts.port or _PORTS[parts.scheme]
    except (KeyError, ValueError):
        raise RefusedAddressError("The URL is not an https URL.") from None
    if not allow_private and (parts.scheme, port) != ("https", 443):
        raise RefusedAddressError(f"{parts.scheme} on port {port} is not allowed, only https on port 443.")
    if not parts.hostname or parts.username is not None:
        raise RefusedAddressError("The URL has no host, or it has credentials.")
    return parts.hostname, port


def _answer(
    parts: SplitResult, address: tuple[str, int], body: bytes, headers: Mapping[str, str], deadline: float
) -> int:
    connection = http.client.HTTPConnection(*address)
    # Connect to the checked address: resolving the name again could return another one.
    connection.sock = _connected(parts, address, deadline)
    target = parts.path or "/"
    with closing(connection), _ended_at(deadline, connection.sock):
        connection.request(
            "POST", f"{target}?{parts.query}" if parts.query else target, body, {**headers, "Host": parts.netloc}
        )
        return connection.getresponse().status


def _connected(parts: SplitResult, address: tuple[str, int], deadline: float) -> socket.socket:
    connected = socket.create_connection(address, timeout=_left(deadline))
    if parts.scheme == "http":
        return connected
    try:
        connected.settimeout(_left(deadline))
        return _tls().wrap_socket(connected, server_hostname=parts.hostname)
    except BaseException:
        connected.close()
        raise


@contextmanager
def _ended_at(deadline: float, ended: socket.socket) -> Iterator[None]:
    """Shut a socket down at the deadline: its own timeout restarts with each byte that a slow receiver sends."""
    ended.settimeout(_left(deadline))
    timer = threading.Timer(_left(deadline), ended.shutdown, [socket.SHUT_RDWR])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
