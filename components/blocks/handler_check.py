"""Compiles and imports every handler before anything is deployed, as Lambda does in a cold start."""

from __future__ import annotations

import hashlib
import json
import subprocess
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from components.blocks import packaging
from contract.lambda_runtime import isolated_python, runtime_packages

PROGRAM = Path(__file__).with_name("import_handlers.py")


def check_handlers(layers: Mapping[str, str]) -> None:
    """Reject code that does not compile, and handlers that cannot be imported with the packages of their layer.

    Code that has passed once is not checked again.

    Args:
        layers: each function's dependency layer, by its name; its handler is in ``functions/{name}/handler.py``.

    Raises:
        PackagingError: a line for each problem, with its file and line.
    """
    problems = [
        problem
        for layer in sorted(set(layers.values()))
        for problem in _problems_with(layer, [name for name, its_layer in layers.items() if its_layer == layer])
    ]
    if problems:
        raise packaging.PackagingError("\n".join(dict.fromkeys(problems)))


def _problems_with(layer_name: str, functions: Sequence[str]) -> list[str]:
    # Libraries for another platform cannot be imported here, so this uses the layer built for this machine.
    code, layer = packaging.code_archive(), packaging.dependency_layer(layer_name, packaging.LayerTarget.host())
    checked = "\n".join([code.name, layer.name, *functions, PROGRAM.read_text(encoding="utf-8")])
    passed = packaging.BUILD_DIRECTORY / f"checked-{hashlib.sha256(checked.encode()).hexdigest()[:16]}"
    if passed.exists():
        return []
    problems = _problems(code, layer, [module for function in functions for module in _modules(function)])
    if not problems:
        passed.touch()
    return problems


def _modules(function: str) -> list[str]:
    """A function's handler, and the modules that it imports by name: those of its schemas' names."""
    folder = packaging.FUNCTIONS_DIRECTORY / function
    named = [path.name.removesuffix(".schema.json") for path in sorted(folder.glob("*.schema.json"))]
    names = ["handler", *(name for name in named if (folder / f"{name}.py").exists())]
    return [f"functions.{function}.{name}" for name in names]


def _problems(code: Path, layer: Path, modules: Sequence[str]) -> list[str]:
    with tempfile.TemporaryDirectory(dir=packaging.BUILD_DIRECTORY, prefix="building-") as folder:
        directory = Path(folder)
        for archive in (code, layer):
            with zipfile.ZipFile(archive) as opened:
                opened.extractall(directory / archive.name)
        paths = [directory / code.name, directory / layer.name / "python", runtime_packages(directory)]
        command = [isolated_python(directory), PROGRAM, *paths, *modules]
        finished = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (our own interpreter)
    if finished.returncode != 0:
        raise packaging.PackagingError(f"the functions' code cannot be checked: {finished.stderr.strip()}")
    return json.loads(finished.stdout.splitlines()[-1])
