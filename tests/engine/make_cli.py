"""Puts a Pulumi CLI into the cache folder of this machine: `make engine`.

Nothing is done where one is on PATH or in the cache. Otherwise the official release is downloaded and held against the
SHA-256 that Pulumi publishes beside it, which finds a broken download; a forged release would bring forged hashes.
Where it cannot be had, the CLI and a Python language host are built from their public Go modules, whose hashes go.sum
pins.

The language host runs `__main__.py` for `pulumi up` in a shell; the Automation API, which runs the program itself,
needs none. It lies in a folder of its own: one as old as the public modules offer cannot run policy packs, and the CLI
would ask it to as soon as it is on PATH.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import http.client
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from operations.deploy.location import RELEASE, cache_directory, find_cli
from tests.engine.location import GO_MODULES, LANGUAGE_HOST, built_version

RELEASES_URL = "https://github.com/pulumi/pulumi/releases/download"
"""Where Pulumi publishes its releases, each in a folder of its tag with the file of their SHA-256."""

TIMEOUT_SECONDS = 10
PROGRESS_EVERY_SECONDS = 5
_PLATFORMS = {"Linux": "linux", "Darwin": "darwin"}
_ARCHITECTURES = {"x86_64": "x64", "amd64": "x64", "arm64": "arm64", "aarch64": "arm64"}


class EngineError(Exception):
    """The CLI cannot be had; the message is one line that says what to do."""


def install() -> Path:
    """Return the path of a Pulumi CLI, put into the cache if need be.

    Raises:
        EngineError: it can neither be downloaded nor built.
    """
    if present := find_cli():
        _say(f"{present} is there")
        return present
    with _alone():
        if present := find_cli():
            _say(f"{present} is there by now")
            return present
        try:
            return _kept(RELEASE, _download)
        except (OSError, http.client.HTTPException) as error:
            cause = getattr(error, "reason", error)
            _say(f"the official download of {RELEASE} cannot be had ({cause}); building from source")
        return _kept(built_version(), _build)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Let one process at a time fill the cache; what one that was killed has left half done is removed."""
    cache = cache_directory(RELEASE).parent
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / ".lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("another `make engine` is at work; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        for half in cache.glob(".half-*"):
            shutil.rmtree(half)
        yield


def _kept(version: str, put_into: Callable[[Path], None]) -> Path:
    """Fill a folder beside the cache folder and move it there when it is whole, so that no half of it is ever used."""
    home = cache_directory(version)
    with tempfile.TemporaryDirectory(prefix=".half-", dir=home.parent) as folder:
        whole = Path(folder) / "engine"
        whole.mkdir()
        put_into(whole)
        whole.rename(home)
    _say(f"pulumi {version} is in {home / 'bin'}")
    return home / "bin" / "pulumi"


def _download(home: Path) -> None:
    """The release's executables: the CLI with its language hosts.

    Raises:
        OSError: it cannot be had.
        EngineError: what came is not what Pulumi published.
    """
    system, machine = _PLATFORMS.get(platform.system()), _ARCHITECTURES.get(platform.machine().lower())
    if not (system and machine):
        raise OSError(f"there is none for {platform.system()} on {platform.machine()}")
    name, folder = f"pulumi-v{RELEASE}-{system}-{machine}.tar.gz", f"{RELEASES_URL}/v{RELEASE}"
    expected = _published_hash(f"{folder}/pulumi-{RELEASE}-checksums.txt", name)
    with tempfile.TemporaryFile(dir=home) as file:
        if (found := _fetch(f"{folder}/{name}", file)) != expected:
            raise EngineError(
                f"the download of {name} is not what Pulumi published (SHA-256 {found}, not {expected}): "
                "nothing of it was kept; try again"
            )
        file.seek(0)
        _unpack(file, home / "bin")


def _published_hash(url: str, name: str) -> str:
    """The SHA-256 of a file, out of a list as sha256sum writes it."""
    _say(f"looking up {url}")
    with _get(url) as answer:
        entries = [line.split() for line in answer.read().decode("utf-8").splitlines()]
    hashes = {entry[1].removeprefix("*"): entry[0] for entry in entries if len(entry) == 2}
    if name not in hashes:
        raise OSError(f"Pulumi publishes no hash of {name}")
    return hashes[name]


def _fetch(url: str, file: IO[bytes]) -> str:
    """Download into a file and return the SHA-256 of what came."""
    digest, done, told_at = hashlib.sha256(), 0, time.monotonic()
    with _get(url) as answer:
        total = int(answer.headers.get("Content-Length", 0))
        _say(f"downloading {url} ({total // 1_000_000} MB)")
        while block := answer.read(1 << 20):
            file.write(block)
            digest.update(block)
            done += len(block)
            if time.monotonic() - told_at >= PROGRESS_EVERY_SECONDS:
                told_at = time.monotonic()
                _say(f"{done // 1_000_000} of {total // 1_000_000} MB")
    if done < total:
        raise OSError(f"cut off after {done} of {total} bytes")
    return digest.hexdigest()


def _get(url: str) -> http.client.HTTPResponse:
    return urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS)  # noqa: S310 (every address is under RELEASES_URL)


def _unpack(file: IO[bytes], target: Path) -> None:
    """Take the files out of an archive, whatever folders they are in there."""
    target.mkdir()
    with tarfile.open(fileobj=file, mode="r:gz") as archive:
        for member in archive:
            if content := archive.extractfile(member) if member.isfile() else None:
                executable = target / Path(member.name).name
                with open(executable, "wb") as copy:
                    shutil.copyfileobj(content, copy)
                executable.chmod(0o755)


def _build(home: Path) -> None:
    version = built_version()
    _say(f"building pulumi {version} from its Go modules: five minutes on two processors, once")
    sdk = "github.com/pulumi/pulumi/sdk/v3"
    flags = f"-s -w -X {sdk}/go/common/version.Version={version}"
    _go_build("github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", GO_MODULES, home / "bin" / "pulumi", flags)
    host = home / LANGUAGE_HOST
    package = f"{sdk}/python/cmd/pulumi-language-python"
    _go_build(package, GO_MODULES / LANGUAGE_HOST, host / "pulumi-language-python", "-s -w")
    # The host starts the program through this script, which belongs to the SDK and so to the CLI's release.
    listed = [_go(), "list", "-m", "-f", "{{.Dir}}", sdk]
    folder = subprocess.run(listed, cwd=GO_MODULES, check=True, capture_output=True, text=True)  # noqa: S603
    script = Path(folder.stdout.strip()) / "python" / "cmd" / "pulumi-language-python-exec"
    (host / script.name).write_bytes(script.read_bytes())
    (host / script.name).chmod(0o755)


def _go_build(package: str, module: Path, executable: Path, linker_flags: str) -> None:
    command = [
        _go(),
        "build",
        "-v",
        "-trimpath",
        "-mod=readonly",
        f"-ldflags={linker_flags}",
        f"-o={executable}",
        package,
    ]
    with subprocess.Popen(  # noqa: S603 (the user's own go)
        command,
        cwd=module,
        env=os.environ | {"CGO_ENABLED": "0", "GOFLAGS": ""},
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        try:
            errors = _follow(process)
        except BaseException:
            process.terminate()
            raise
    if process.returncode != 0:
        raise EngineError(f"go build of {package} failed: {' '.join(errors[-3:]) or process.returncode}")


def _go() -> str:
    go = shutil.which("go")
    if go is None:
        raise EngineError(
            "neither a Pulumi CLI nor Go is here: install one of them "
            "(`curl -fsSL https://get.pulumi.com | sh`, or https://go.dev/dl)"
        )
    return go


def _follow(process: subprocess.Popen[str]) -> list[str]:
    """Count what go says it does, tell of it now and then, and return the lines that are neither."""
    counts = {"modules fetched": 0, "packages compiled": 0}
    others: list[str] = []
    done = threading.Event()
    started = time.monotonic()

    def tell() -> None:
        while not done.wait(PROGRESS_EVERY_SECONDS):
            told = ", ".join(f"{count} {what}" for what, count in counts.items())
            _say(f"{told}, {time.monotonic() - started:.0f} s")

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    for line in process.stderr or ():
        text = line.strip()
        if text.startswith("go: downloading "):
            counts["modules fetched"] += 1
        elif re.fullmatch(r"[\w./~-]+", text):
            counts["packages compiled"] += 1
        else:
            others.append(text)
    done.set()
    teller.join()
    return others


def _say(text: str) -> None:
    sys.stdout.write(f"engine: {text}\n")
    sys.stdout.flush()


def main() -> int:
    try:
        install()
    except EngineError as error:
        sys.stderr.write(f"engine: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("engine: stopped; nothing was left behind\n")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
