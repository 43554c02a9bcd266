"""Faults under load, and a checker that accounts for every file: `make storm`.

python -m storm                                          about a quarter of an hour on two processors
python -m storm --full                                   5,000 files, 50,000 dead letters and a soak of 30 minutes
python -m storm --files 60 --seconds 20 --seed 7
python -m storm --fault "S3 slow" --no-planted           one fault alone
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from storm.report import report
from storm.run import Plan, run


def main() -> int:
    """Run, print, and return the exit status: 1 where a count is not as it should be."""
    default = Plan()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="the long run; other options take precedence")
    parser.add_argument("--files", type=int, help=f"files in the burst (default {default.files})")
    parser.add_argument("--seconds", type=float, help=f"length of the soak (default {default.seconds})")
    parser.add_argument("--replays", type=int, help=f"dead letters in the replay storm (default {default.replays})")
    parser.add_argument(
        "--combinations", type=int, default=default.combinations, help="sets of faults, before the burst"
    )
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--fault", action="append", default=[], help="inject only this one; may be repeated")
    parser.add_argument("--no-planted", action="store_true", help="plant no bugs")
    parser.add_argument("--report", type=Path, help="write the report there")
    options = parser.parse_args()
    base = Plan(files=5000, seconds=1800, replays=50_000) if options.full else default
    plan = Plan(
        seed=options.seed,
        files=base.files if options.files is None else options.files,
        seconds=base.seconds if options.seconds is None else options.seconds,
        replays=base.replays if options.replays is None else options.replays,
        combinations=options.combinations,
        faults=options.fault,
        bugs=() if options.no_planted else None,
    )
    outcome = run(plan, lambda line: print(line, flush=True))
    if options.report:
        options.report.write_text(report(outcome), encoding="utf-8")
    for failure in outcome.failures:
        print(f"failed: {failure}")
    print(outcome)
    return 0 if outcome.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
