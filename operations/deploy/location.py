"""Where the Pulumi CLI is on this machine."""

from __future__ import annotations

import os
import shutil
from importlib.metadata import version
from pathlib import Path

RELEASE = version("pulumi")
"""The release of the Python SDK, which requirements.txt pins, and so the best release of the CLI."""


def cache_directory(of_version: str) -> Path:
    """Where `make engine` keeps a CLI of that version; its executables are in `bin`."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "img-pipeline" / "engine" / of_version


def find_cli() -> Path | None:
    """The `pulumi` to use: the one on PATH, else one that `make engine` has cached; None without either.

    Of several cached ones, that of this project's release is used, else the newest.
    """
    if on_path := shutil.which("pulumi"):
        return Path(on_path)
    cached = cache_directory(RELEASE).parent.glob("[0-9]*/bin/pulumi")
    return max(cached, key=lambda path: (_version(path) == RELEASE, _numbers(_version(path))), default=None)


def _version(cli: Path) -> str:
    return cli.parent.parent.name


def _numbers(of_version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in of_version.partition("-")[0].split(".") if part.isdigit())
