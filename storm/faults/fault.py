"""What a fault is: it has a name, an injection point, a proof that it struck, and an end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

from localcloud.faults import PlannedFault
from storm.testbed import Testbed


@dataclass(kw_only=True)
class Fault(ABC):
    """A fault. Inject it once, and recover from it once.

    Attributes:
        name: as in the report.
        point: where it is injected, as in the report.
        proof: what `fired` counts, as in the report.
        hold_seconds: how long it stays in force after it has struck first.
        needs_load: whether it is injected when files are already on their way.
        is_combined: whether it is also injected together with others.
    """

    name: str
    point: str
    proof: str
    hold_seconds: float = 0
    needs_load: bool = False
    is_combined: bool = True

    @abstractmethod
    def inject(self, bed: Testbed) -> None:
        """Put it in force."""

    @abstractmethod
    def fired(self, bed: Testbed) -> int:
        """How often it has struck, also after its end."""

    @abstractmethod
    def recover(self, bed: Testbed) -> None:
        """End it."""


@dataclass(kw_only=True)
class PlanFault(Fault):
    """A fault that the embedded cloud injects and counts, see `localcloud.faults`."""

    planned: tuple[PlannedFault, ...]
    proof: str = "the embedded cloud's count"
    _numbers: list[int] = field(default_factory=list)
    _ended: int | None = None

    MOST: ClassVar[int] = 8
    """How often a fault strikes by default: enough for several files, and few enough to leave others alone."""

    def inject(self, bed: Testbed) -> None:
        """Add it to the cloud's plan."""
        self._numbers = [bed.stack.cloud.inject(each) for each in self.planned]

    def fired(self, bed: Testbed) -> int:
        """The cloud's count."""
        if self._ended is not None:
            return self._ended
        return sum(bed.stack.cloud.injected(number) for number in self._numbers)

    def recover(self, bed: Testbed) -> None:
        """Remove it from the cloud's plan."""
        self._ended = sum(bed.stack.cloud.withdraw(number) for number in self._numbers)
