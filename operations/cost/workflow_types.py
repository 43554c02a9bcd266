"""What the two types of Step Functions workflow cost: the one choice that no setting tries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from components.settings import Settings
from operations.cost.bill import Load
from operations.cost.estimate import standard_usd
from operations.cost.files import express_usd
from operations.cost.measurements import Measurements
from operations.cost.work import CORE_SPEED, PictureWork


@dataclass(frozen=True, kw_only=True)
class Option:
    """One way to do it; `usd` a month for what differs alone, `chosen` if the stack does it so."""

    name: str
    usd: float
    chosen: bool = False


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One choice, its options, and what there is to know before choosing."""

    title: str
    options: Sequence[Option]
    note: str


def workflow_types(
    settings: Settings, load: Load, measured: Measurements, core_speed: float = CORE_SPEED
) -> Comparison:
    """Express, which the stack uses, beside Standard."""
    work = PictureWork(settings=settings, load=load, measured=measured, core_speed=core_speed)
    files, transitions, seconds = load.files, work.run.transitions, work.workflow_seconds
    return Comparison(
        title="workflow type",
        options=[
            Option(name=f"Express, {seconds:.2f} s each", usd=express_usd(files, seconds), chosen=True),
            Option(name=f"Standard, {transitions} transitions each", usd=standard_usd(files, transitions)),
        ],
        note="A pipe cannot wait for a Standard workflow, so a failed file would not stay on the queue.",
    )
