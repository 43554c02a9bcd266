"""Puts a Pulumi CLI into the cache folder of this machine: `make engine`.

Nothing is done where one is on PATH or in the cache. Otherwise the official release is downloaded; where that cannot be
had, the CLI and a Python language host are built from their public Go modules, whose hashes go.sum pins. The download
is as trustworthy as get.pulumi.com itself: no hash of it is known here.

The language host runs `__main__.py` for `pulumi up` in a shell; the Automation API, which runs the program itself,
needs none. It lies in a folder of its own: one as old as the public modules offer cannot run policy packs, and the CLI
would ask it to as soon as it is on PATH.
"""

from __future__ import annotations

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
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from engine.location import LANGUAGE_HOST, RELEASE, SOURCE_DIRECTORY, built_version, cache_directory, find_cli

CONNECT_TIMEOUT_SECONDS = 5
PROGRESS_EVERY_SECONDS = 15
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
    try:
        return _kept(RELEASE, _download)
    except (OSError, tarfile.TarError) as error:
        cause = getattr(error, "reason", error)
        _say(f"the official download of {RELEASE} cannot be had ({cause}); building from source")
    return _kept(built_version(), _build)


def _kept(version: str, put_into: Callable[[Path], None]) -> Path:
    """Fill a folder beside the cache folder and move it there when it is whole, so that no half of it is ever used."""
    home = cache_directory(version)
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{version}-", dir=home.parent) as folder:
        whole = Path(folder) / "engine"
        whole.mkdir()
        put_into(whole)
        if not home.exists():
            whole.rename(home)
    _say(f"pulumi {version} is in {home / 'bin'}")
    return home / "bin" / "pulumi"


def _download(home: Path) -> None:
    """The release's executables: the CLI with its language hosts."""
    target = home / "bin"
    target.mkdir()
    system, machine = _PLATFORMS.get(platform.system()), _ARCHITECTURES.get(platform.machine().lower())
    if not (system and machine):
        raise OSError(f"there is none for {platform.system()} on {platform.machine()}")
    url = f"https://get.pulumi.com/releases/sdk/pulumi-v{RELEASE}-{system}-{machine}.tar.gz"
    with urllib.request.urlopen(url, timeout=CONNECT_TIMEOUT_SECONDS) as answer:
        _say(f"downloading {url} ({int(answer.headers.get('Content-Length', 0)) // 1_000_000} MB)")
        with tarfile.open(fileobj=answer, mode="r|gz") as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isfile() else None
                if content is None:
                    continue
                executable = target / Path(member.name).name
                with open(executable, "wb") as file:
                    shutil.copyfileobj(content, file)
                executable.chmod(0o755)


def _build(home: Path) -> None:
    version = built_version()
    _say(f"building pulumi {version} from its Go modules: five minutes on two processors, once")
    sdk = "github.com/pulumi/pulumi/sdk/v3"
    flags = f"-s -w -X {sdk}/go/common/version.Version={version}"
    _go_build("github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", SOURCE_DIRECTORY, home / "bin" / "pulumi", flags)
    host = home / LANGUAGE_HOST
    package = f"{sdk}/python/cmd/pulumi-language-python"
    _go_build(package, SOURCE_DIRECTORY / LANGUAGE_HOST, host / "pulumi-language-python", "-s -w")
    # The host starts the program through this script, which belongs to the SDK and so to the CLI's release.
    listed = [_go(), "list", "-m", "-f", "{{.Dir}}", sdk]
    folder = subprocess.run(listed, cwd=SOURCE_DIRECTORY, check=True, capture_output=True, text=True)  # noqa: S603
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
        errors = _follow(process)
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
