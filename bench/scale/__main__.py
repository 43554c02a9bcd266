"""Measures and writes docs/scale.md: python -m bench.scale [--report]."""

from __future__ import annotations

import argparse
import json

from bench.report import RESULTS, save
from bench.scale.page import PAGE, RESULT, markdown, measure

parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
parser.add_argument("--report", action="store_true", help="write the page from the results, and measure nothing")
if not parser.parse_args().report:
    save(RESULT, measure())
PAGE.write_text(markdown(json.loads((RESULTS / f"{RESULT}.json").read_text(encoding="utf-8"))), encoding="utf-8")
