"""Faults under load, and a checker that accounts for every file: `make storm`.

python -m storm                                    about a quarter of an hour on two processors
python -m storm --files 60 --seconds 20 --seed 7
"""

from __future__ import annotations

import argparse
import sys
import time

from storm.faults.catalogue import all_faults
from storm.scenario import play
from storm.testbed import testbed


def main() -> int:
    """Run, print, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    started = time.monotonic()
    with testbed(arguments.seed) as bed:
        from storm.load import burst

        burst(bed, 10, "warm")
        print(bed.await_idle(60), flush=True)
        for number, fault in enumerate(all_faults()):
            if arguments.only and arguments.only not in fault.name:
                continue
            result = play(bed, [fault], 12, f"fault{number}")
            print(f"{time.monotonic() - started:.0f}", result, *map(str, result.findings[:6]), sep="\n   ", flush=True)
            if result.failure:
                print(bed.stack.cloud.log_tail(30))
    return 0


if __name__ == "__main__":
    sys.exit(main())
