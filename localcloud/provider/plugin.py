"""The executables that Pulumi's engine looks for on PATH."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent.parent
PLUGINS = {
    "pulumi-resource-aws": "localcloud.provider",
    # What the CLI comes with for policy packs in Python.
    "pulumi-analyzer-policy-python": "pulumi.policy",
}


def install_plugins(directory: Path) -> None:
    """Write the executables into a directory to be put on PATH; they run in this interpreter."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, module in PLUGINS.items():
        script = directory / name
        search_path = f"PYTHONPATH={shlex.quote(str(PROJECT_ROOT))}${{PYTHONPATH:+:$PYTHONPATH}}"
        # The engine's address, and a policy pack's folder; after them come the pack's options, which are for choosing
        # an interpreter.
        arguments = '${1:+"$1"} ${2:+"$2"}'
        script.write_text(f"#!/bin/sh\n{search_path} exec {shlex.quote(sys.executable)} -u -m {module} {arguments}\n")
        script.chmod(0o755)
