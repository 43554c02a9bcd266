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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.mutants.mutation import Mutant, mutants_of
from tests.mutants.suites import FOLDERS, suite_of

ROOT = Path(__file__).resolve().parent.parent.parent
LEAST_KILLED = 0.9
# Several times what the slowest suite takes; tests that take longer have met an endless loop.
TIMEOUT_SECONDS = 1200
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


def passes(project: Path, tests: Sequence[str], *options: str) -> bool:
    """Whether tests pass in a copy of the project; tests that take too long do not."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "--numprocesses", "auto", *options, *tests]
    environment = {**os.environ, "PYTHONPATH": str(project)}
    try:
        done = subprocess.run(  # noqa: S603
            command, cwd=project, env=environment, timeout=TIMEOUT_SECONDS, check=False, capture_output=True
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == PASSED


def survives(mutant: Mutant, project: Path) -> bool:
    """Whether all tests of the changed file pass with the change.

    Raises:
        RuntimeError: the tests that fail with the change fail without it too, so they notice nothing.
    """
    path = project / mutant.path
    original = path.read_text(encoding="utf-8")
    *near, wide = suite_of(mutant.path, project)
    for tests in filter(None, (near, [wide])):
        path.write_text(mutant.source, encoding="utf-8")
        try:
            has_passed = passes(project, tests, "--cache-clear")
        finally:
            path.write_text(original, encoding="utf-8")
        if not has_passed:
            # Of tests that took too long, none is noted as failed, and all are run.
            if not passes(project, tests, "--last-failed"):
                raise RuntimeError(f"{' '.join(tests)} fails without the change of {mutant.path}: make it pass first")
            return False
    return True


def main() -> int:
    """Run the mutants, show each, and return the exit code."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--mutants", type=int, default=40, help="how many, shared equally by the folders")
    parser.add_argument("--seed", type=int, default=1, help="which ones")
    arguments = parser.parse_args()
    started = time.monotonic()
    mutants = chosen(arguments.mutants, arguments.seed)
    survivors = []
    with scratch_copy() as project:
        for number, mutant in enumerate(mutants, 1):
            try:
                survived = survives(mutant, project)
            except RuntimeError as error:
                print(f"mutants: {error}")
                return 1
            survivors += [mutant] if survived else []
            result = "survived" if survived else "killed"
            print(f"{number}/{len(mutants)} {result} {mutant}", flush=True)
    killed = len(mutants) - len(survivors)
    print(
        f"mutants: made={len(mutants)} killed={killed} share={killed / len(mutants):.2f} seed={arguments.seed} "
        f"seconds={time.monotonic() - started:.0f}"
    )
    return 0 if killed >= LEAST_KILLED * len(mutants) else 1


if __name__ == "__main__":
    sys.exit(main())
