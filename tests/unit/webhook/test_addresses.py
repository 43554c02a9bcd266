"""Where deliveries may go: to the Internet alone, and to the address that was checked."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable

import pytest

from functions.webhook import posting
from functions.webhook.addresses import resolved
from functions.webhook.errors import RefusedAddressError, UndeliveredError
from functions.webhook.posting import post
from testing.receiver import receiving

PUBLIC = "203.0.114.7"
NOT_PUBLIC = [
    "127.0.0.1",
    "0.0.0.0",  # noqa: S104 (refused)
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "fe80::1%eth0",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:10.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
]

Resolve = Callable[..., None]


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch) -> Resolve:
    """Have every name resolve to these addresses."""

    def to(*addresses: str) -> None:
        def getaddrinfo(_host: str, port: int, **_: object) -> list[object]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return to


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_name_that_leads_into_a_network_is_refused(resolve: Resolve, address: str) -> None:
    resolve(PUBLIC, address)
    with pytest.raises(RefusedAddressError, match=r"hooks\.example\.com resolves to .*, which is not a public address"):
        resolved("hooks.example.com", 443, allow_private=False)


def test_public_address_is_used_ipv4_first(resolve: Resolve) -> None:
    resolve("2606:4700::1111", PUBLIC)
    assert resolved("hooks.example.com", 443, allow_private=False) == PUBLIC


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "https://hooks.example.com:8443/",
        "https://user:password@hooks.example.com/",
        "https:///path",
        "https://hooks.example.com:port/",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
    ],
)
def test_url_that_is_no_plain_https_address_is_refused(resolve: Resolve, url: str) -> None:
    resolve(PUBLIC)
    with pytest.raises(RefusedAddressError):
        post(url, b"{}", {}, allow_private=False)


def test_connection_goes_to_the_address_that_was_checked(resolve: Resolve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second resolution would find the address of the machine itself."""
    resolve(PUBLIC)
    connected: list[tuple[str, int]] = []

    def create_connection(address: tuple[str, int], **_: object) -> socket.socket:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(posting.socket, "create_connection", create_connection)
    with pytest.raises(UndeliveredError):
        post("https://hooks.example.com/path", b"{}", {}, allow_private=False)
    assert connected == [(PUBLIC, 443)]


def test_receiver_that_sends_a_byte_at_a_time_is_given_up_at_the_time_limit() -> None:
    """Each byte ends one wait for the socket, so that no wait is ever too long."""
    given_up = threading.Event()

    def trickle(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection, contextlib.suppress(OSError):
            while not given_up.wait(0.01):
                connection.sendall(b"H")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=trickle, args=[server], daemon=True)
        thread.start()
        with pytest.raises(UndeliveredError, match="did not respond"):
            post(f"http://127.0.0.1:{server.getsockname()[1]}/", b"{}", {}, allow_private=True, seconds=0.3)
        given_up.set()
        thread.join()


def test_status_of_a_redirect_is_an_answer_like_any_other() -> None:
    with receiving() as receiver:
        receiver.answers["/a?b=c"] = [307]
        assert post(f"{receiver.address}/a?b=c", b"{}", {"x": "y"}, allow_private=True) == 307
        (request,) = receiver.requests
    assert (request.body, request.headers["x"]) == (b"{}", "y")
    assert request.headers["host"] == receiver.address.removeprefix("http://")
