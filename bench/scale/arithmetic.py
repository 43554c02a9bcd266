"""What a rate of uploads takes of each quota, from a stack's settings and the measurements of `img-pipeline cost`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from bench.scale import quotas
from bench.scale.quotas import Adjustable, Quota
from components.settings import Settings
from contract.assets import SHARDS
from operations.cost.api import CALLS_PER_FILE, SECONDS_PER_CALL
from operations.cost.bill import KILOBYTE, Load
from operations.cost.estimate import Estimate, estimate
from operations.cost.measurements import Measurements
from operations.cost.prices import MILLION
from operations.cost.work import CORE_SPEED, VALIDATE, PictureWork
from operations.cost.workflow import workflow_run

SECONDS_PER_DAY = 24 * 3600
# Writes of one file to the jobs' index by status under its fullest key: the first status is written and removed, and
# the last is written under another key.
STATUS_WRITES_PER_KEY = 2
# The assets' indexes have one write a file: by owner under one key for all files that do not come by the API, by shard
# under sixteen.
OWNER_WRITES_PER_KEY = 1


@dataclass(frozen=True, kw_only=True)
class Need:
    """What a rate takes of one quota.

    Attributes:
        quota: the quota.
        what: what takes it, if that needs saying.
        amount: how much, in the quota's unit.
    """

    quota: Quota
    what: str = ""
    amount: float

    @property
    def times(self) -> float:
        """The amount as a multiple of the quota."""
        return self.amount / self.quota.limit

    @property
    def fits(self) -> bool:
        """Whether the quota allows it without a change; S3 splits a prefix by itself."""
        return self.times <= 1 or self.quota.adjustable is Adjustable.PARTITIONS


@dataclass(frozen=True, kw_only=True)
class Demand:
    """What photographs of a size take at a rate, in the steady state.

    Args:
        settings: the stack's.
        measured: what a file takes.
        files_per_second: uploads, each by the API.
        megabytes: of each, in 10^6 bytes.
        core_speed: how fast Lambda's core is beside the measured one.
    """

    settings: Settings
    measured: Measurements
    files_per_second: float
    megabytes: float
    core_speed: float = CORE_SPEED

    @property
    def work(self) -> PictureWork:
        """What one file takes."""
        return PictureWork(settings=self.settings, load=self._load, measured=self.measured, core_speed=self.core_speed)

    @property
    def function_seconds(self) -> dict[str, float]:
        """Seconds that the functions work for one file, by name; the API's are those of all its calls."""
        work = self.work
        return {
            "api": CALLS_PER_FILE * SECONDS_PER_CALL,
            VALIDATE: work.validate_seconds,
            **{name: work.transform_seconds(name) for name in work.transforms},
        }

    @property
    def concurrency(self) -> dict[str, float]:
        """Environments that work at the same time, by function: rate times duration (Little's law)."""
        return {name: self.files_per_second * seconds for name, seconds in self.function_seconds.items()}

    @property
    def executions(self) -> float:
        """Workflows that run at the same time: so many slots of pipes, and messages in flight."""
        return self.files_per_second * self.work.workflow_seconds

    @property
    def pipes(self) -> int:
        """Pipes, each with its queue, that can run all workflows."""
        return max(1, math.ceil(self.executions / quotas.PIPE_BATCHES.limit))

    @property
    def needs(self) -> list[Need]:
        """What it takes of each quota, in the order of a file's way."""
        return list(self._needs())

    @property
    def usd_per_month(self) -> float:
        """US dollars in a month of such days, without what a stack costs for being there."""
        return sum(line.usd for line in self._bill.parts["pictures"])

    @property
    def usd_per_million(self) -> float:
        """US dollars for a million files."""
        return self.usd_per_month * MILLION / self._load.files

    def _needs(self) -> Iterator[Need]:
        rate, work = self.files_per_second, self.work
        yield Need(quota=quotas.API_CALLS, amount=rate * CALLS_PER_FILE)
        yield Need(quota=quotas.S3_WRITES, what="uploads", amount=rate)
        yield Need(quota=quotas.S3_WRITES, what="renditions", amount=rate * work.renditions)
        yield Need(quota=quotas.S3_READS, what="functions", amount=rate * work.recorded.reads)
        yield Need(quota=quotas.EVENT_INVOCATIONS, amount=rate)
        yield Need(quota=quotas.QUEUE_IN_FLIGHT, amount=self.executions)
        yield Need(quota=quotas.PIPE_BATCHES, amount=self.executions)
        yield Need(quota=quotas.PIPE_EXECUTIONS, amount=self.executions)
        yield Need(quota=quotas.LAMBDA_CONCURRENCY, amount=sum(self.concurrency.values()))
        slowest = max(self.concurrency, key=lambda name: self.concurrency[name])
        yield Need(quota=quotas.LAMBDA_GROWTH, what=slowest, amount=self.concurrency[slowest])
        for table, units in self._write_units.items():
            yield Need(quota=quotas.TABLE_WRITES, what=table, amount=rate * units)
            yield Need(quota=quotas.NEW_TABLE_WRITES, what=table, amount=rate * units)
        yield Need(quota=quotas.PARTITION_WRITES, what="jobs by status", amount=rate * STATUS_WRITES_PER_KEY)
        yield Need(quota=quotas.PARTITION_WRITES, what="assets by owner", amount=rate * OWNER_WRITES_PER_KEY)
        yield Need(quota=quotas.PARTITION_WRITES, what="assets by shard", amount=rate / len(SHARDS))
        yield Need(quota=quotas.TOPIC_MESSAGES, amount=rate)

    @property
    def _write_units(self) -> dict[str, float]:
        """Write units of one file in each table itself, without its indexes, which have quotas of their own."""
        work, run = self.work, workflow_run(self.settings, self.work.media.name)
        recorded = work.recorded
        asset_bytes = recorded.asset_row_bytes + recorded.rendition_entry_bytes * work.renditions
        # With the row that the API writes for the upload URL.
        job_writes = run.job_writes + 1
        return {
            "assets": run.asset_writes * math.ceil(asset_bytes / KILOBYTE),
            "jobs": job_writes * math.ceil(recorded.job_row_bytes / KILOBYTE),
        }

    @property
    def _load(self) -> Load:
        return Load(uploads_per_day=self.files_per_second * SECONDS_PER_DAY, megabytes=self.megabytes)

    @property
    def _bill(self) -> Estimate:
        return estimate(self.settings, self._load, self.measured, self.core_speed)
