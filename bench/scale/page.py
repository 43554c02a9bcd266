"""docs/scale.md: what is measured and computed for it, and its text."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from textwrap import wrap
from typing import Any

from bench.machine import measured_here
from bench.scale import quotas
from bench.scale.arithmetic import STATUS_WRITES_PER_KEY, Demand
from bench.scale.embedded import compare
from bench.scale.scenarios import COLD_SECONDS, HEADROOM, Scenario, with_headroom
from operations.cost.api import CALLS_PER_FILE
from operations.cost.measurements import load_measurements
from operations.cost.settings import stack_settings

PAGE = Path(__file__).resolve().parents[2] / "docs" / "scale.md"
RESULT = "scale"
STACK, MEGABYTES, RATES = "prod", 5, (1, 100, 10_000)
_MINUTES = 20
_WIDTH = 120
# More pipes than the steady state takes, so that a backlog becomes shorter.
_SPARE_PIPES = 1.25


def measure() -> dict[str, Any]:
    """Compute the rates, simulate them, and compare the simulation with bursts on the embedded cloud; JSON types."""
    versions = {name: version(name) for name in ("ministack", "pillow")}
    return {**measured_here(), "versions": versions, **computed(), "bursts": compare()}


def computed() -> dict[str, Any]:
    """What needs no run: the rates and the simulations."""
    demands = [_demand(rate) for rate in RATES]
    return {
        "functionSeconds": demands[0].function_seconds,
        "workflowSeconds": demands[0].work.workflow_seconds,
        "durationsMeasured": {"date": demands[0].measured.date, "machine": demands[0].measured.machine},
        "rates": [_rate(demand) for demand in demands],
        "scenarios": [_scenario(title, scenario) for title, scenario in _scenarios(demands)],
    }


def markdown(measured: Mapping[str, Any]) -> str:
    """The page."""
    text = "\n".join(
        (
            _INTRODUCTION,
            _basis(measured),
            "## What a rate takes\n",
            _needs(measured["rates"]),
            _CHANGES,
            "## Settings and cost\n",
            _settings(measured["rates"]),
            "## How long files wait\n",
            _waits(measured["scenarios"]),
            "## The simulation beside real runs\n",
            _bursts(measured),
            "## Quotas\n",
            _quotas(),
        )
    )
    return "\n".join(_wrapped(line) for line in text.split("\n"))


def _wrapped(line: str) -> str:
    """The line in several, if it is text and too long for one."""
    return line if line.startswith(("|", "#")) else "\n".join(wrap(line, _WIDTH, break_on_hyphens=False)) or line


def _demand(rate: float) -> Demand:
    return Demand(
        settings=stack_settings(STACK), measured=load_measurements(), files_per_second=rate, megabytes=MEGABYTES
    )


def _rate(demand: Demand) -> dict[str, Any]:
    return {
        "filesPerSecond": demand.files_per_second,
        "needs": [
            {"quota": each.quota.name, "what": each.what, "amount": each.amount, "fits": each.fits}
            for each in demand.needs
        ],
        "reserved": with_headroom(demand),
        "pipes": demand.pipes,
        "usdPerMonth": demand.usd_per_month,
        "usdPerMillion": demand.usd_per_million,
    }


def _scenarios(demands: Sequence[Demand]) -> Iterator[tuple[str, Scenario]]:
    slow, middle, fast = demands
    yield "1 a second, as set", Scenario(demand=slow, minutes=_MINUTES, has_room=False)
    yield "100 a second, as set", Scenario(demand=middle, minutes=_MINUTES, has_room=False)
    yield "100 a second, concurrency as above", Scenario(demand=middle, minutes=_MINUTES, has_room=True)
    pipes = math.ceil(_SPARE_PIPES * fast.pipes)
    yield (
        f"10,000 a second, one of {pipes} pipes",
        Scenario(demand=fast, minutes=_MINUTES, has_room=True, pipes=pipes),
    )


def _scenario(title: str, scenario: Scenario) -> dict[str, Any]:
    outcome = scenario.run()
    arrived = int(60 * scenario.minutes * scenario.demand.files_per_second / scenario.pipes)
    return {
        "title": title,
        "minutes": scenario.minutes,
        "arrived": arrived,
        "finished": len(outcome.finished),
        "mostWaiting": outcome.most_waiting,
        "longestWaitSeconds": max(outcome.waits),
        "waitingAtTheEnd": outcome.depth[-1][1],
        "mostRunning": outcome.most_running,
    }


_BY_STATUS = quotas.PARTITION_WRITES.limit / STATUS_WRITES_PER_KEY
"""Files a second that the index of jobs by status holds."""

_INTRODUCTION = f"""# What 1, 100 and 10,000 uploads a second would need

Written by `.venv/bin/python -m bench.scale` from `bench/results/scale.json`. The arithmetic is in
`bench/scale/arithmetic.py`, the simulation in `bench/scale/simulation.py`. No load of this size was run on AWS: what
follows is computed from measured durations, AWS's quotas in us-east-1 and a simulation that is compared with runs on
the embedded cloud.

**1 a second** runs as `{STACK}` is set. **100 a second** needs other settings, no change of the program and no raised
quota, and files wait for more than a minute at the start of a sudden load, because a pipe grows slowly. **10,000 a
second** is more than one stack can do: it needs several queues and pipes, which the program does not create, other
keys of two indexes, and raised quotas. The first limit that no setting changes is at {_BY_STATUS:.0f} a second: the
index of jobs by status.
"""


def _basis(measured: Mapping[str, Any]) -> str:
    seconds = ", ".join(f"{name} {each:.2f}" for name, each in measured["functionSeconds"].items())
    durations = measured["durationsMeasured"]
    return (
        f"Files are photographs of {MEGABYTES} MB that come by the API in the stack `{STACK}`. Seconds of work of each "
        f"function for one file, as `img-pipeline cost` computes them from measurements of {durations['date']} "
        f"({durations['machine']}): {seconds}. Its workflow runs for {measured['workflowSeconds']:.2f} s.\n"
    )


def _needs(rates: Sequence[Mapping[str, Any]]) -> str:
    limits = {quota.name: quota for quota in quotas.QUOTAS}
    rows: list[Sequence[str]] = []
    for index, first in enumerate(rates[0]["needs"]):
        quota = limits[first["quota"]]
        cells = [_need(rate["needs"][index], quota) for rate in rates]
        what = f", {first['what']}" if first["what"] else ""
        rows.append((f"{quota.name}{what}", *cells, f"{quota.limit:,.0f}"))
    headings = ("", *(f"{rate['filesPerSecond']:,} a second" for rate in rates), "Quota")
    return (
        f"{_table(headings, rows)}\n\nBold is more than the quota. Concurrency is the rate times the duration "
        "(Little's law). S3 splits a prefix into partitions by itself; the number of them is in parentheses. "
        f"{quotas.EXPRESS}\n"
    )


def _need(need: Mapping[str, Any], quota: quotas.Quota) -> str:
    amount = f"{need['amount']:,.0f}" if need["amount"] >= 10 else f"{need['amount']:.2g}"
    if not need["fits"]:
        return f"**{amount}**"
    parts = math.ceil(need["amount"] / quota.limit)
    return f"{amount} ({parts})" if parts > 1 else amount


_CHANGES = f"""What 10,000 a second would need, by row:

- **Pipes and queues.** A pipe runs at most 1,000 workflows at a time, so each needs its own queue. EventBridge can
  share files among queues only by their keys, such as a prefix for each. Not built: the program makes one queue and
  one pipe. Stacks in several accounts, each for some uploaders, do it without a change, and multiply the quotas of an
  account as well. A pipe with batches of more than one file would save slots, but one failed file would send the
  whole batch through again.
- **DynamoDB, jobs by status.** The index has a key for each status, and most writes concern two of them. It holds
  {_BY_STATUS:.0f} files a second; beyond that its throttling holds back the table. It needs the status with a digit
  of the job's id as its key, as the index of assets by shard has, and readers that read all of them.
- **DynamoDB, assets by owner.** Files that do not come by the API have one owner together, and so one key: 1,000 a
  second. The same holds for one caller of the API.
- **DynamoDB, tables.** Raise the quota of write units of a table, and set the tables' warm throughput before the load
  comes.
- **Lambda.** Raise the account's concurrency; a function gets 1,000 further environments every ten seconds at the
  most, so the slowest needs two minutes to grow.
- **API.** Clients that poll less often, or webhooks instead of polls, save most of the calls; raise the quota for the
  rest. The setting `api.requestsPerSecond` accepts no more than the default quota.
- **S3.** Keys below `uploads/` that begin with random characters let S3 split the prefix evenly, and AWS can split it
  in advance.
"""


def _settings(rates: Sequence[Mapping[str, Any]]) -> str:
    functions = list(rates[0]["reserved"])
    rows = [
        *(
            (f"`reservedConcurrency` of {name}", *(f"{rate['reserved'][name]:,}" for rate in rates))
            for name in functions
        ),
        ("`accountConcurrency`, at least", *(f"{sum(rate['reserved'].values()) + 100:,}" for rate in rates)),
        ("`api.uploadsPerSecond`, at least", *(f"{rate['filesPerSecond']:,}" for rate in rates)),
        (
            "`api.requestsPerSecond`, at least",
            *(f"{CALLS_PER_FILE * rate['filesPerSecond']:,}" for rate in rates),
        ),
        ("Pipes, each with its queue", *(f"{rate['pipes']}" for rate in rates)),
        ("US dollars a month", *(f"{rate['usdPerMonth']:,.0f}" for rate in rates)),
        ("US dollars a million files", *(f"{rate['usdPerMillion']:.0f}" for rate in rates)),
    ]
    headings = ("", *(f"{rate['filesPerSecond']:,} a second" for rate in rates))
    return (
        f"{_table(headings, rows)}\n\nConcurrency is {HEADROOM:g} times that of the steady state, and at least 5. Cost "
        "is that of `img-pipeline cost` for such a rate all month, storage of the first month included, at the first "
        "and highest tier of each price: large amounts cost less by AWS's tiers and agreements.\n"
    )


def _waits(scenarios: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        (
            each["title"],
            f"{each['arrived']:,}",
            f"{each['mostRunning']:,}",
            f"{each['mostWaiting']:,}",
            f"{each['longestWaitSeconds']:,.0f} s",
            f"{each['waitingAtTheEnd']:,}",
        )
        for each in scenarios
    ]
    headings = ("", "Files", "Workflows at a time", "Waiting, most", "Longest wait", "Waiting at the end")
    return (
        f"Simulated: an idle stack, then {_MINUTES} minutes of a steady rate. A pipe begins with "
        f"{quotas.PIPE_FIRST_BATCHES} workflows at a time and adds {quotas.PIPE_GROWTH_PER_MINUTE} a minute while "
        f"messages wait; a new environment takes {COLD_SECONDS} s more (believed). The alarm `oldest-message-age` "
        f"notifies after half an hour by default.\n\n{_table(headings, rows)}\n\nFiles that still wait at the end are "
        "not among the longest wait. No file is lost by waiting: the queue keeps messages for four days.\n"
    )


def _bursts(measured: Mapping[str, Any]) -> str:
    rows = [
        (
            f"{each['files']:.0f}",
            f"{each['slots']:.0f}",
            f"{each['aloneSeconds']:.2f} s",
            f"{each['measuredSeconds']:.1f} s",
            f"{each['predictedSeconds']:.1f} s",
            f"{each['predictedSeconds'] / each['measuredSeconds']:.2f}",
        )
        for each in measured["bursts"]
    ]
    ratios = [each["predictedSeconds"] / each["measuredSeconds"] for each in measured["bursts"]]
    versions = ", ".join(f"{name} {each}" for name, each in measured["versions"].items())
    headings = ("Files", "Slots of the pipe", "A file alone", "Measured", "Predicted", "Predicted / measured")
    return (
        "Bursts of small photographs, all in the queue when the embedded cloud's pipe starts. The simulation knows "
        "only what a file takes alone, from files that were sent one after the other, one transform after the other, "
        f"before and after each burst, and the number of cores. {measured['date']}, {measured['machine']}, {versions}; "
        f"other work on the machine made the runs differ.\n\n{_table(headings, rows)}\n\nThe prediction is "
        f"{min(ratios):.2f} to {max(ratios):.2f} times what was measured. This checks the order of events, the "
        "slots and the concurrency; it says nothing about the durations of AWS's services, nor about a pipe's growth, "
        "which the embedded cloud does not have.\n"
    )


def _quotas() -> str:
    rows = [
        (quota.name, f"{quota.limit:,.0f} {quota.unit}", str(quota.adjustable), quota.source, quota.doubt)
        for quota in quotas.QUOTAS
    ]
    return _table(("Quota", "Default in us-east-1", "Raised", "Source", "Doubt"), rows) + "\n"


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
