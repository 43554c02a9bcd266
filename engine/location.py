"""Where the Pulumi CLI is on this machine."""

from __future__ import annotations

import os
import re
import shutil
from importlib.metadata import version
from pathlib import Path

SOURCE_DIRECTORY = Path(__file__).resolve().parent
RELEASE = version("pulumi")
"""The release that the official download is of: that of the Python SDK, which requirements.txt pins."""

LANGUAGE_HOST = "language_host"
"""The folder beside `bin`, and beside go.mod, of the Python language host that is built from source."""


def built_version() -> str:
    """The version that go.mod builds; it may lag behind the release, as not every one is a public Go module."""
    module = (SOURCE_DIRECTORY / "go.mod").read_text(encoding="utf-8")
    found = re.search(r"pulumi/pkg/v3 v(\S+)", module)
    if found is None:
        raise ValueError("engine/go.mod does not require github.com/pulumi/pulumi/pkg/v3")
    return found[1]


def cache_directory(of_version: str) -> Path:
    """Where a CLI of that version is kept; its executables are in `bin`."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "img-pipeline" / "engine" / of_version


def find_cli() -> Path | None:
    """The `pulumi` to use: the one on PATH, else the one that `make engine` put into the cache; None without either."""
    if on_path := shutil.which("pulumi"):
        return Path(on_path)
    kept = (cache_directory(wanted) / "bin" / "pulumi" for wanted in (RELEASE, built_version()))
    return next((path for path in kept if path.exists()), None)


def find_language_host() -> Path | None:
    """The folder of a Python language host to put on PATH for `pulumi up` in a shell; None if there is none."""
    if on_path := shutil.which("pulumi-language-python"):
        return Path(on_path).parent
    cli = find_cli()
    folders = (cli.parent, cli.parent.parent / LANGUAGE_HOST) if cli else ()
    return next((folder for folder in folders if (folder / "pulumi-language-python").exists()), None)
