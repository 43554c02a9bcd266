"""A webhook receiver on this machine: it records what it is sent, and answers as it is told."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from testing.serving import QuietHandler, serving

HANG = 0
"""Instead of a status: no answer until the receiver ends."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request; `headers` by lower-case name. `status` is the answer."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    status: int


@dataclass(kw_only=True)
class Receiver:
    """What was received by path, and the statuses of the next answers by path; `status` where none is left."""

    address: str
    status: int = 200
    answers: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    requests: list[Request] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def received(self, path: str) -> list[Request]:
        """The requests for a path, in their order."""
        return [request for request in self.requests if request.path == path]

    def accepted(self, path: str) -> list[Request]:
        """The requests for a path that were answered 200, in their order."""
        return [request for request in self.received(path) if request.status == 200]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that runs until the end of the block."""

    class Handler(QuietHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answers = receiver.answers[self.path]
            status = answers.pop(0) if answers else receiver.status
            receiver.requests.append(Request(path=self.path, headers=headers, body=body, status=status))
            if status == HANG:
                receiver.ended.wait()
                return
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("location", f"{receiver.address}/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        do_GET = do_POST

    with serving(Handler) as address:
        receiver = Receiver(address=address)
        try:
            yield receiver
        finally:
            receiver.ended.set()
