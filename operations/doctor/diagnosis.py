"""Every check of a stack, in the order in which the doctor reports them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from client.pipeline import Pipeline
from operations.doctor.checks import alerts, budget, existence, functions, ingestion, malware, queues, quotas, state
from operations.doctor.findings import Check, Finding, Status, run_check
from operations.doctor.smoke_test import file_goes_through

CHECKS: Mapping[str, Check] = {
    "everything exists": existence.outputs_exist,
    "bucket notifies": ingestion.bucket_notifies,
    "rule delivers": ingestion.rule_delivers,
    "uploads scanned": malware.uploads_are_scanned,
    "queue redrives": ingestion.queue_redrives,
    "pipe runs": ingestion.pipe_runs,
    "backlog": queues.backlog_is_worked_on,
    "dead letters": queues.dead_letters_are_empty,
    "dead letters kept": queues.dead_letters_are_kept,
    "alarms wired": alerts.alarms_are_wired,
    "alarms quiet": alerts.alarms_are_quiet,
    "alerts heard": alerts.alerts_are_heard,
    "results delivered": alerts.results_are_delivered,
    "functions active": functions.functions_are_active,
    "functions enabled": functions.functions_may_run,
    "runtimes supported": functions.runtimes_are_supported,
    "aliases current": functions.aliases_are_current,
    "packages fit": functions.packages_fit,
    "tables restorable": state.tables_can_be_restored,
    "jobs expire": state.jobs_expire,
    "buckets private": state.buckets_are_private,
    "buckets versioned": state.buckets_keep_versions,
    "encryption": state.everything_is_encrypted,
    "logs expire": state.logs_expire,
    "concurrency": quotas.concurrency_has_headroom,
    "code storage": quotas.code_storage_has_room,
    "quotas": quotas.quotas_have_room,
    "budget": budget.budget_watches,
}
SMOKE_TEST = "smoke test"

# Services answer within a tenth of a second, so a stack is checked in a few.
_THREADS = 8
SEVERITY = (Status.OK, Status.WARN, Status.FAIL)


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one check found."""

    check: str
    findings: list[Finding]

    @property
    def status(self) -> Status:
        """The worst of its findings."""
        return max((finding.status for finding in self.findings), key=SEVERITY.index, default=Status.OK)


def diagnose(pipeline: Pipeline, *, smoke_test: bool = True, checks: Mapping[str, Check] = CHECKS) -> Iterator[Result]:
    """Run every check, then the smoke test; results come in this order, each as soon as it is known.

    Args:
        pipeline: the deployed stack.
        smoke_test: whether to send a file through it.
        checks: the checks to run, by name.
    """
    with ThreadPoolExecutor(_THREADS) as threads:
        found = threads.map(lambda check: run_check(check, pipeline), checks.values())
        for name, findings in zip(checks, found, strict=True):
            yield Result(check=name, findings=findings)
    if smoke_test:
        yield Result(check=SMOKE_TEST, findings=run_check(file_goes_through, pipeline))
