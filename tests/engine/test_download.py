"""`make engine` from a release server of the test's own: what is not whole and as published is never kept."""

from __future__ import annotations

import hashlib
import io
import platform
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from operations.deploy.location import RELEASE, cache_directory, find_cli
from tests.engine import make_cli as make_engine

ARCHIVE = f"/v{RELEASE}/pulumi-v{RELEASE}-linux-x64.tar.gz"
CHECKSUMS = f"/v{RELEASE}/pulumi-{RELEASE}-checksums.txt"


class ReleaseServer(ThreadingHTTPServer):
    """Serves `files` by path; of one that is in `cut_off` it sends only half and hangs up."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.cut_off: set[str] = set()
        self.asked: list[str] = []

    def publish(self, archive: bytes) -> None:
        """Put up a release and its hash."""
        digest = hashlib.sha256(archive).hexdigest()
        self.files = {ARCHIVE: archive, CHECKSUMS: f"{'0' * 64}  other\n{digest}  {Path(ARCHIVE).name}\n".encode()}


class _Handler(BaseHTTPRequestHandler):
    server: ReleaseServer  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        content = self.server.files.get(self.path)
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if self.path in self.server.cut_off else content)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the test says what matters."""


def release(version: str = RELEASE) -> bytes:
    """An archive as Pulumi packs it, with a CLI that knows its version alone."""
    script = f"#!/bin/sh\necho v{version}\n".encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name in ("pulumi/pulumi", "pulumi/pulumi-language-python"):
            member = tarfile.TarInfo(name)
            member.size = len(script)
            archive.addfile(member, io.BytesIO(script))
    return packed.getvalue()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReleaseServer]:
    """The server that a machine asks which has neither CLI nor Go, and an empty cache."""
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with ReleaseServer() as serving:
        monkeypatch.setattr(make_engine, "RELEASES_URL", f"http://127.0.0.1:{serving.server_port}")
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


def kept() -> set[str]:
    """What is in the cache, but for its lock."""
    return {path.name for path in cache_directory(RELEASE).parent.iterdir()} - {".lock"}


def test_a_release_is_kept_and_runs(server: ReleaseServer) -> None:
    server.publish(release())
    cli = make_engine.install()
    assert cli == find_cli()
    ran = subprocess.run([cli, "version"], check=True, capture_output=True, text=True)  # noqa: S603
    assert ran.stdout == f"v{RELEASE}\n"
    assert sorted(path.name for path in cli.parent.iterdir()) == ["pulumi", "pulumi-language-python"]

    server.files = {}
    assert make_engine.install() == cli, "it is downloaded once"
    assert kept() == {RELEASE}


def test_what_is_not_as_published_is_refused_and_not_kept(
    server: ReleaseServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.publish(release())
    server.files[ARCHIVE] = release("6.6.6")
    assert make_engine.main() == 1
    (told,) = capsys.readouterr().err.splitlines()
    assert "is not what Pulumi published" in told
    assert find_cli() is None
    assert kept() == set()


@pytest.mark.parametrize(
    ("missing", "cause"),
    [(ARCHIVE, "Not Found"), (CHECKSUMS, "Not Found"), (None, "cut off after")],
    ids=["no archive", "no hashes", "cut off"],
)
def test_what_cannot_be_had_is_built_instead(
    server: ReleaseServer, missing: str | None, cause: str, capsys: pytest.CaptureFixture[str]
) -> None:
    server.publish(release())
    if missing:
        del server.files[missing]
    else:
        server.cut_off = {ARCHIVE}
    assert make_engine.main() == 1
    told = capsys.readouterr()
    assert f"the official download of {RELEASE} cannot be had" in told.out
    assert cause in told.out
    assert "neither a Pulumi CLI nor Go is here: install one of them" in told.err
    assert find_cli() is None
    assert kept() == set()


def test_a_release_without_a_published_hash_is_not_downloaded(server: ReleaseServer) -> None:
    server.publish(release())
    server.files[CHECKSUMS] = b"0000  another-file.tar.gz\n"
    with pytest.raises(make_engine.EngineError):
        make_engine.install()
    assert ARCHIVE not in server.asked


def test_two_at_once_download_once(server: ReleaseServer) -> None:
    server.publish(release())
    with ThreadPoolExecutor() as both:
        first, second = both.map(lambda _: make_engine.install(), range(2))
    assert first == second == find_cli()
    assert server.asked.count(ARCHIVE) == 1


def test_what_a_killed_run_left_is_not_taken_for_a_cli_and_goes(server: ReleaseServer) -> None:
    half = cache_directory(RELEASE).parent / ".half-killed" / "engine" / "bin" / "pulumi"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"half of")
    assert find_cli() is None
    server.publish(release())
    make_engine.install()
    assert kept() == {RELEASE}
