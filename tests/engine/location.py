"""Where what `make engine` builds from Go modules comes from and goes to."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from operations.deploy.location import find_cli

GO_MODULES = Path(__file__).with_name("go")

LANGUAGE_HOST = "language_host"
"""The folder beside `bin`, and beside go.mod, of the Python language host that is built from source."""


def built_version() -> str:
    """The version that go.mod builds; it may lag behind the release, as not every one is a public Go module."""
    module = (GO_MODULES / "go.mod").read_text(encoding="utf-8")
    found = re.search(r"pulumi/pkg/v3 v(\S+)", module)
    if found is None:
        raise ValueError("go.mod does not require github.com/pulumi/pulumi/pkg/v3")
    return found[1]


def find_language_host() -> Path | None:
    """The folder of a Python language host to put on PATH for `pulumi up` in a shell; None if there is none."""
    if on_path := shutil.which("pulumi-language-python"):
        return Path(on_path).parent
    cli = find_cli()
    folders = (cli.parent, cli.parent.parent / LANGUAGE_HOST) if cli else ()
    return next((folder for folder in folders if (folder / "pulumi-language-python").exists()), None)
