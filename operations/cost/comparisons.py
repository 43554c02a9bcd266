"""The same stack and load with one thing otherwise, so that a choice shows its price."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from components.settings import Settings
from operations.cost.estimate import (
    CORE_SPEED,
    Load,
    Work,
    estimate,
    express_usd,
    malware_scan_usd,
    standard_usd,
)
from operations.cost.measurements import Measurements


@dataclass(frozen=True, kw_only=True)
class Option:
    """One way to do it; `usd` a month for what differs alone, `chosen` if the settings say so."""

    name: str
    usd: float
    chosen: bool = False


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One choice, its options, and what there is to know before choosing."""

    title: str
    options: Sequence[Option]
    note: str


def comparisons(
    settings: Settings, load: Load, measured: Measurements, core_speed: float = CORE_SPEED
) -> Iterator[Comparison]:
    """Every choice with a price worth knowing."""
    work = Work(settings=settings, load=load, measured=measured, core_speed=core_speed)
    yield _workflow_type(work)
    yield _logging(work)
    yield _architecture(work)
    yield _provisioned_concurrency(work)
    yield _malware_scanning(work)


def _workflow_type(work: Work) -> Comparison:
    files, transitions, seconds = work.load.files, work.run.transitions, work.workflow_seconds
    return Comparison(
        title="workflow type",
        options=[
            Option(name=f"Express, {seconds:.2f} s each", usd=express_usd(files, seconds), chosen=True),
            Option(name=f"Standard, {transitions} transitions each", usd=standard_usd(files, transitions)),
        ],
        note="A pipe cannot wait for a Standard workflow, so a failed file would not stay on the queue.",
    )


def _logging(work: Work) -> Comparison:
    settings = work.settings
    levels = [
        ("OFF", {"workflow_log_level": "OFF"}),
        ("ERROR, for files that meet none", {"workflow_log_level": "ERROR"}),
        ("ALL without data", {"workflow_log_level": "ALL", "workflow_log_data": False}),
        ("ALL with data", {"workflow_log_level": "ALL", "workflow_log_data": True}),
    ]
    return Comparison(
        title="workflow logging",
        options=[_option(work, name, settings.model_copy(update=change), "CloudWatch Logs") for name, change in levels],
        note="With the functions' own logs. Status, reasons and stages of every file stand in the jobs table anyway.",
    )


def _architecture(work: Work) -> Comparison:
    return Comparison(
        title="processor",
        options=[
            _option(work, name, work.settings.model_copy(update={"architecture": name}), "Lambda")
            for name in ("arm64", "x86_64")
        ],
        note="At equal speed: measure yours before you choose.",
    )


def _provisioned_concurrency(work: Work) -> Comparison:
    validate = work.settings.validate_
    busy = math.ceil(work.load.uploads_per_day / 86400 * work.validate_seconds)
    counts = sorted({0, busy, 2 * busy, validate.provisioned_concurrency})
    return Comparison(
        title="validate kept warm",
        options=[
            _option(
                work,
                f"{count} environment{'s' if count > 1 else ''}" if count else "none",
                work.settings.model_copy(
                    update={"validate_": validate.model_copy(update={"provisioned_concurrency": count})}
                ),
                "Lambda",
            )
            for count in counts
        ],
        note=f"All of Lambda. An even load keeps {busy} busy; a burst starts others cold.",
    )


def _malware_scanning(work: Work) -> Comparison:
    scans = work.settings.malware_scan
    return Comparison(
        title="malware scanning",
        options=[
            Option(name="none; known bad hashes are denied", usd=0.0, chosen=not scans),
            Option(name="GuardDuty scans every upload", usd=malware_scan_usd(work.load), chosen=scans),
        ],
        note="GuardDuty alone; its reads and tags of the objects, and lists of their versions, come on top.",
    )


def _option(work: Work, name: str, settings: Settings, service: str) -> Option:
    """What a service costs under these settings."""
    priced = estimate(settings, work.load, work.measured, work.core_speed)
    return Option(name=name, usd=priced.by_service[service], chosen=settings == work.settings)
