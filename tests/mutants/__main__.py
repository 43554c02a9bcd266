"""`make mutants`: makes a seeded choice of mutants, runs the tests of each, and fails if too many survive."""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.mutants.mutation import Mutant, mutants_of
from tests.mutants.suites import FOLDERS, suite_of

ROOT = Path(__file__).resolve().parent.parent.parent
LEAST_KILLED = 0.9
# Tests of a mutant that take this many times longer than without one have noticed it: an endless loop.
PATIENCE = 10
FIRST_RUN_SECONDS = 1800
# Of pytest: all passed. 1 is a failed test; other codes are errors, such as a file that cannot be imported.
PASSED = 0


def chosen(number: int, seed: int) -> list[Mutant]:
    """An equal share of mutants of each folder, by a seed."""
    generator = random.Random(seed)  # noqa: S311
    mutants: list[Mutant] = []
    for place, folder in enumerate(FOLDERS):
        files = sorted(
            path for path in (ROOT / folder).rglob("*.py") if path.name != "__init__.py" and "layers" not in path.parts
        )
        all_of_folder = [
            mutant
            for path in files
            for mutant in mutants_of(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
        ]
        share = number // len(FOLDERS) + (place < number % len(FOLDERS))
        mutants += generator.sample(all_of_folder, share)
    return mutants


@contextmanager
def scratch_copy() -> Iterator[Path]:
    """A copy of the files that Git knows, without its history."""
    git = shutil.which("git") or "git"
    listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        for name in filter(None, listed.stdout.split("\0")):
            target = Path(folder, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
        # Dependency layers are named by a hash of their lock, which no mutant changes, and take minutes to build.
        build = Path(folder, ".build")
        build.mkdir()
        for layer in (ROOT / ".build").glob("layer-*.zip"):
            shutil.copy2(layer, build)
        yield Path(folder)


def passes(project: Path, tests: tuple[str, ...], timeout_seconds: float) -> bool:
    """Whether tests pass in a copy of the project; tests that take too long do not."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "--numprocesses", "auto", *tests]
    environment = {**os.environ, "PYTHONPATH": str(project)}
    try:
        done = subprocess.run(  # noqa: S603
            command, cwd=project, env=environment, timeout=timeout_seconds, check=False, capture_output=True
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == PASSED


def time_without_mutant(project: Path, suite: str) -> float:
    """The seconds that a suite takes.

    Raises:
        RuntimeError: it fails, so it could notice no mutant.
    """
    started = time.monotonic()
    if not passes(project, (suite,), FIRST_RUN_SECONDS):
        raise RuntimeError(f"{suite} fails without any mutant: make it pass first")
    return time.monotonic() - started


def survives(mutant: Mutant, project: Path, timeout_seconds: float) -> bool:
    """Whether all tests of the changed file pass with the change."""
    path = project / mutant.path
    original = path.read_text(encoding="utf-8")
    path.write_text(mutant.source, encoding="utf-8")
    try:
        *near, wide = suite_of(mutant.path, project)
        return all(passes(project, tests, timeout_seconds) for tests in (tuple(near), (wide,)) if tests)
    finally:
        path.write_text(original, encoding="utf-8")


def main() -> int:
    """Run the mutants, show each, and return the exit code."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--mutants", type=int, default=40, help="how many, shared equally by the folders")
    parser.add_argument("--seed", type=int, default=1, help="which ones")
    arguments = parser.parse_args()
    console, started = Console(), time.monotonic()
    mutants = chosen(arguments.mutants, arguments.seed)
    survivors = []
    with scratch_copy() as project:
        suites = sorted({suite_of(mutant.path, project)[-1] for mutant in mutants})
        try:
            seconds = {suite: time_without_mutant(project, suite) for suite in suites}
        except RuntimeError as error:
            console.print(f"mutants: {error}")
            return 1
        for number, mutant in enumerate(mutants, 1):
            survived = survives(mutant, project, PATIENCE * seconds[suite_of(mutant.path, project)[-1]])
            survivors += [mutant] if survived else []
            result = "survived" if survived else "killed"
            console.print(f"{number}/{len(mutants)} {result} {mutant.path}:{mutant.line}", soft_wrap=True)
    if survivors:
        table = Table("File", "Before", "After", title="No test noticed")
        for mutant in survivors:
            table.add_row(f"{mutant.path}:{mutant.line}", mutant.before, mutant.after)
        console.print(table)
    killed = len(mutants) - len(survivors)
    console.print(
        f"mutants: made={len(mutants)} killed={killed} share={killed / len(mutants):.2f} seed={arguments.seed} "
        f"seconds={time.monotonic() - started:.0f}",
        highlight=False,
    )
    return 0 if killed >= LEAST_KILLED * len(mutants) else 1


if __name__ == "__main__":
    sys.exit(main())
