"""`make hostile`: thousands of malformed inputs, each of which must end in a verdict."""

from __future__ import annotations

import argparse
import collections
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import track

from tests.hostile.api_stack import api_stack
from tests.hostile.generator import input_of
from tests.hostile.inputs import PICTURE, REQUEST, TABLE, HostileInput
from tests.hostile.running import Worker
from tests.hostile.steps import Verdict

ROOT = Path(__file__).resolve().parents[2]
FAILURES = ROOT / ".build" / "hostile"


class Run:
    """The inputs of one seed.

    Args:
        seed: what they are made from.
        folder: gets those that fail.
        module: what a worker runs.
    """

    def __init__(self, seed: int, folder: Path = FAILURES, module: str = "tests.hostile.worker") -> None:
        self.seed = seed
        self.folder = folder
        self.module = module
        self.verdicts: collections.Counter[str] = collections.Counter()

    def verdicts_on(self, numbers: Iterable[int]) -> Iterator[tuple[int, HostileInput, Verdict]]:
        """Each input with its verdict."""
        with self._workers() as workers:
            for number in numbers:
                hostile = input_of(self.seed, number)
                verdict = workers[hostile.family].verdict(hostile)
                self.verdicts[verdict.kind] += 1
                if verdict.kind == "failed":
                    self._keep(number, hostile, verdict)
                yield number, hostile, verdict

    def command(self, number: int) -> str:
        """What runs one input again."""
        return f".venv/bin/python -m tests.hostile --seed {self.seed} --only {number}"

    @contextmanager
    def _workers(self) -> Iterator[dict[str, Worker]]:
        """One for each family, as these have functions of their own."""
        with ExitStack() as stack:
            variables = {REQUEST: stack.enter_context(api_stack())}
            yield {
                family: stack.enter_context(Worker(variables.get(family, {}), self.module))
                for family in (PICTURE, TABLE, REQUEST)
            }

    def _keep(self, number: int, hostile: HostileInput, verdict: Verdict) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        stem = f"{self.seed}-{number}"
        (self.folder / f"{stem}-{Path(hostile.name).name}").write_bytes(hostile.body)
        text = f"{hostile.family}, {hostile.kind}\n{verdict.code}\nAgain: {self.command(number)}\n"
        (self.folder / f"{stem}.txt").write_text(text, encoding="utf-8")


def main() -> int:
    """Run the inputs, show what failed, and return the exit code."""
    parser = argparse.ArgumentParser(prog="make hostile", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="which inputs")
    parser.add_argument("--inputs", type=int, default=1000, help="how many")
    parser.add_argument("--only", type=int, help="run the input with this number alone")
    arguments = parser.parse_args()
    console, started, run = Console(), time.monotonic(), Run(arguments.seed)
    numbers = range(arguments.inputs) if arguments.only is None else [arguments.only]
    for number, hostile, verdict in track(
        run.verdicts_on(numbers), total=len(numbers), description="hostile", console=console
    ):
        if verdict.kind == "failed" or arguments.only is not None:
            about = f"{number} {hostile.family}, {hostile.kind}: {verdict.kind} {verdict.code}"
            console.print(about, markup=False, highlight=False, soft_wrap=True)
    counts = {kind: run.verdicts[kind] for kind in ("accepted", "rejected", "quarantined", "failed")}
    if counts["failed"]:
        console.print(
            f"The inputs that failed are in {FAILURES.relative_to(ROOT)}, each with the command to repeat it."
        )
    console.print(
        f"hostile: inputs={run.verdicts.total()} {' '.join(f'{kind}={count}' for kind, count in counts.items())} "
        f"seed={run.seed} seconds={time.monotonic() - started:.0f}",
        highlight=False,
        soft_wrap=True,
    )
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
