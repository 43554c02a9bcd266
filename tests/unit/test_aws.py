"""The real AWS client and a failing server: network errors are raised as `TransientError`."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

import pytest

from functions.shared import aws
from functions.shared.errors import AccessError, PipelineError, TransientError
from functions.shared.source import FileVersion, downloaded
from testing.serving import QuietHandler, serving

VERSION = FileVersion(bucket="ingest", file_key="uploads/a b+ü.jpg", version_id="v1", bytes=10)


@dataclass
class Server:
    """Answers each request with the next of `answers` (status, headers, body), and repeats the last one."""

    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        self.requests.append(request.path)
        status, headers, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        request.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server on the loopback interface that the client uses as AWS."""
    made = Server()

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            made.answer(self)

    with serving(Handler) as address:
        point_client_at(monkeypatch, address)
        yield made
    aws.client.cache_clear()


def point_client_at(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Configure the client to call an address."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    aws.client.cache_clear()
    aws.session.cache_clear()


def download() -> bytes:
    """The version's bytes."""
    with downloaded(aws.client("s3"), VERSION, max_bytes=100) as file:
        return file.body.read()


def refusal(code: str) -> bytes:
    """S3's error document."""
    return f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()


def test_the_exact_version_is_requested_with_an_encoded_key(server: Server) -> None:
    server.answers = [(200, {}, b"0123456789")]
    assert download() == b"0123456789"
    assert server.requests == ["/ingest/uploads/a%20b%2B%C3%BC.jpg?versionId=v1"]


def test_a_request_is_retried_once_and_then_fails(server: Server) -> None:
    server.answers = [(503, {}, refusal("SlowDown")), (200, {}, b"0123456789")]
    assert download() == b"0123456789"
    server.answers = [(503, {}, refusal("SlowDown"))]
    server.requests.clear()
    with pytest.raises(TransientError, match="SlowDown"):
        download()
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("status", "code", "failure"),
    [
        (400, "RequestTimeout", TransientError),
        (403, "AccessDenied", AccessError),
        (404, "NoSuchBucket", AccessError),
    ],
)
def test_an_error_response_is_raised_as_its_class(
    server: Server, status: int, code: str, failure: type[PipelineError]
) -> None:
    server.answers = [(status, {}, refusal(code))]
    with pytest.raises(failure, match=code):
        download()


def test_an_incomplete_body_is_a_transient_error(server: Server) -> None:
    server.answers = [(200, {"Content-Length": "1000"}, b"0123456789")]
    with pytest.raises(TransientError, match="read"), downloaded(aws.client("s3"), VERSION, max_bytes=1000):
        pass


def test_a_checksum_mismatch_is_a_transient_error(server: Server) -> None:
    server.answers = [(200, {"x-amz-checksum-crc32": "AAAAAA=="}, b"0123456789")]
    with pytest.raises(TransientError, match="checksum"):
        download()


def test_a_refused_connection_is_a_transient_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    point_client_at(monkeypatch, f"http://127.0.0.1:{port}")
    with pytest.raises(TransientError):
        download()
    aws.client.cache_clear()
