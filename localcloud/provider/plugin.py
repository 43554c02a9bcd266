"""The executables that Pulumi's engine finds on PATH."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent.parent
PLUGINS = {
    "pulumi-resource-aws": "localcloud.provider",
    # Runs a policy pack in Python for a CLI without the Python language host. Only the engine's address and the pack's
    # folder are passed on: this module would interpret the pack's runtime options as its own.
    "pulumi-analyzer-policy-python": 'pulumi.policy "$1" "$2"',
}


def install_plugins(directory: Path) -> None:
    """Write the executables into a directory for PATH; they run with this interpreter."""
    directory.mkdir(parents=True, exist_ok=True)
    search_path = f"{shlex.quote(str(PROJECT_ROOT))}${{PYTHONPATH:+:$PYTHONPATH}}"
    for name, module in PLUGINS.items():
        script = directory / name
        script.write_text(
            f"#!/bin/sh\nPYTHONPATH={search_path} exec {shlex.quote(sys.executable)} -u -m {module}\n", encoding="utf-8"
        )
        script.chmod(0o755)
