"""Measures and writes docs/performance.md: python -m bench [--section NAME]... [--report].

Ctrl-C ends it; what was measured so far is kept.
"""

from __future__ import annotations

import argparse
from contextlib import suppress

from bench.report import REPORT, report, save
from bench.sections import SECTIONS

parser = argparse.ArgumentParser(
    prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
)
parser.add_argument("--section", action="append", choices=SECTIONS, help="measure only this section; may be repeated")
parser.add_argument("--report", action="store_true", help="write the page from the results, and measure nothing")
arguments = parser.parse_args()
if not arguments.report:
    with suppress(KeyboardInterrupt):
        for name in arguments.section or SECTIONS:
            for measured in SECTIONS[name].measure():
                save(name, measured)
REPORT.write_text(report(), encoding="utf-8")
