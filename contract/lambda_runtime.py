"""The import path of a Python function on AWS besides its own archive and layers: the interpreter and boto3."""

from __future__ import annotations

import re
import sys
from importlib.metadata import distribution
from pathlib import Path

# Lambda Developer Guide, "Building Lambda functions with Python": the runtime includes the SDK and its dependencies.
_INCLUDED = "boto3"


def runtime_packages(directory: Path) -> Path:
    """Create a folder with links to the packages of this environment that Lambda's Python runtime includes.

    Args:
        directory: the parent of the folder.

    Returns:
        The folder, for an import path.
    """
    folder = directory / "runtime-packages"
    folder.mkdir(parents=True, exist_ok=True)
    for name in _with_requirements(_INCLUDED):
        found = distribution(name)
        for top in {Path(str(file)).parts[0] for file in found.files or () if ".." not in Path(str(file)).parts}:
            link = folder / top
            if not link.exists():
                link.symlink_to(Path(str(found.locate_file(top))))
    return folder


def isolated_python(directory: Path) -> Path:
    """Create a command that runs this interpreter without installed packages, the project and `PYTHON…` variables.

    Args:
        directory: the folder of the command.
    """
    command = directory / "isolated-python"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n', encoding="utf-8")
    command.chmod(0o700)
    return command


def _with_requirements(name: str) -> set[str]:
    """A distribution's name, and the names of all its dependencies without extras."""
    names, pending = set[str](), [name]
    while pending:
        current = pending.pop()
        if current not in names:
            names.add(current)
            requirements = [each for each in distribution(current).requires or () if "extra ==" not in each]
            pending += [re.match(r"[A-Za-z0-9._-]+", each)[0] for each in requirements]  # pyright: ignore[reportOptionalSubscript]
    return names
