"""Functions that are killed, time out, run out of memory or disk, or are throttled."""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from localcloud.faults import Effect, PlannedFault, Point
from localcloud.rehearsal import make_live
from storm.faults.fault import Fault, PlanFault
from storm.testbed import Testbed

# The functions of the file workflow, and the one that fulfils orders.
OF_FILES = r".*-(validate|thumbnail|watermark|metadata|table)$"
_WITH_ORDERS = r".*-(validate|thumbnail|watermark|metadata|table|fulfil)$"


def killed(when: str) -> Fault:
    """The worker's process is killed `before`, `during` or `after` the work of an invocation."""
    fault = PlannedFault(
        point=Point.INVOCATION,
        effect=Effect.KILL,
        subject=_WITH_ORDERS if when == "after" else OF_FILES,
        values={"when": when},
        times=PlanFault.MOST,
        probability=0.5,
    )
    return PlanFault(
        name=f"function killed {when} its work",
        point="the function's process, SIGKILL",
        planned=(fault,),
        hold_seconds=5,
    )


def exhausted(resource: str, name: str, subject: str, point: str) -> Fault:
    """The worker's process has no `memory` or `disk` left."""
    fault = PlannedFault(
        point=Point.INVOCATION,
        effect=Effect.LIMIT,
        subject=subject,
        values={"resource": resource},
        times=PlanFault.MOST,
        probability=0.7,
    )
    return PlanFault(name=name, point=point, planned=(fault,), hold_seconds=5)


def out_of_memory() -> Fault:
    """No function gets more memory than it has already."""
    return exhausted("memory", "out of memory", OF_FILES, "RLIMIT_AS of the function's process")


def disk_full() -> Fault:
    """The function of tables, which writes files, cannot write a byte."""
    return exhausted("disk", "disk full", r".*-table$", "RLIMIT_FSIZE 0 of the table function's process")


@dataclass(kw_only=True)
class Throttled(Fault):
    """A function without concurrency: every call is refused with TooManyRequestsException."""

    name: str = "function throttled"
    point: str = "reserved concurrency 0 of validate"
    proof: str = "the function's metric Throttles"
    hold_seconds: float = 4
    _before: int = 0
    _throttles_before: int = 0

    def inject(self, bed: Testbed) -> None:
        """Reserve nothing for it."""
        lambda_, name = bed.stack.cloud.client("lambda"), _name(bed, "validate")
        self._throttles_before = self._throttles(bed)
        self._before = lambda_.get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"]
        lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)

    def fired(self, bed: Testbed) -> int:
        """Count the calls that were refused since."""
        return self._throttles(bed) - self._throttles_before

    def _throttles(self, bed: Testbed) -> int:
        points = bed.stack.cloud.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName="Throttles",
            Dimensions=[{"Name": "FunctionName", "Value": _name(bed, "validate")}],
            StartTime=datetime.now(UTC) - timedelta(days=1),
            EndTime=datetime.now(UTC) + timedelta(minutes=1),
            Period=3600,
            Statistics=["Sum"],
        )["Datapoints"]
        return round(sum(point["Sum"] for point in points))

    def recover(self, bed: Testbed) -> None:
        """Reserve what it had."""
        bed.stack.cloud.client("lambda").put_function_concurrency(
            FunctionName=_name(bed, "validate"), ReservedConcurrentExecutions=self._before
        )


@dataclass(kw_only=True)
class FailingRelease(Fault):
    """A release of a function that fails, until the one before is back."""

    proof: str = "attempts that failed while it was live"
    _failed_before: int = 0

    def inject(self, bed: Testbed) -> None:
        """Release it."""
        self._failed_before = bed.failed_attempts()
        self.release(bed)

    @abstractmethod
    def release(self, bed: Testbed) -> None:
        """Publish the version, and make it live."""

    def fired(self, bed: Testbed) -> int:
        """Failed attempts since."""
        return bed.failed_attempts() - self._failed_before


@dataclass(kw_only=True)
class TimedOut(FailingRelease):
    """A release with a timeout of one second, while S3 takes two to answer functions: Lambda ends them."""

    name: str = "function timeout"
    point: str = "the validate function's timeout, 1 s, while S3 takes 2 s to answer"
    hold_seconds: float = 3
    _slow: PlanFault = field(init=False)
    _timeout: int = 0

    def __post_init__(self) -> None:
        slow = PlannedFault(
            point=Point.REQUEST,
            effect=Effect.DELAY,
            subject="role s3 GET .*uploads",
            values={"seconds": 2},
            times=PlanFault.MOST,
        )
        self._slow = PlanFault(name=self.name, point=self.point, planned=(slow,))

    def release(self, bed: Testbed) -> None:
        """Release the function with another timeout."""
        self._timeout = _with_timeout(bed, "validate", 1)
        self._slow.inject(bed)

    def recover(self, bed: Testbed) -> None:
        """Release it with the timeout that it had."""
        self._slow.recover(bed)
        _with_timeout(bed, "validate", self._timeout)


def _with_timeout(bed: Testbed, function: str, seconds: int) -> int:
    """Release a function with another timeout; the one before."""
    lambda_, name = bed.stack.cloud.client("lambda"), _name(bed, function)
    before: int = lambda_.get_function_configuration(FunctionName=name)["Timeout"]
    lambda_.update_function_configuration(FunctionName=name, Timeout=seconds)
    make_live(bed.stack.cloud, name, lambda_.publish_version(FunctionName=name)["Version"])
    return before


def _name(bed: Testbed, function: str) -> str:
    return bed.stack.outputs["functionNames"][function]


@dataclass(kw_only=True)
class BadRelease(FailingRelease):
    """A release whose settings cannot be read fails every call, until it is rolled back."""

    name: str = "bad release and rollback under load"
    point: str = "a published version of watermark with broken settings behind its alias"
    hold_seconds: float = 2
    needs_load: bool = True
    _release: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def release(self, bed: Testbed) -> None:
        """Publish it."""
        self._release.enter_context(bed.stack.broken("watermark", SETTINGS="{"))

    def recover(self, bed: Testbed) -> None:
        """Publish the settings of before."""
        self._release.close()
