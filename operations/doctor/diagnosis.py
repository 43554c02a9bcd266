"""Every check of a stack, in the order in which the doctor reports them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from client.pipeline import Pipeline
from operations.doctor.checks import (
    alerts,
    api,
    budget,
    existence,
    functions,
    ingestion,
    malware,
    orders,
    queues,
    quotas,
    state,
    webhooks,
)
from operations.doctor.findings import Check, Finding, Status, run_check
from operations.doctor.smoke_test import files_are_processed

CHECKS: Mapping[str, Check] = {
    "resources exist": existence.resources_exist,
    "bucket events": ingestion.bucket_sends_events,
    "event rule": ingestion.rule_sends_to_queue,
    "uploads scanned": malware.uploads_are_scanned,
    "queue redrive": ingestion.queue_has_redrive_policy,
    "pipe running": ingestion.pipe_is_running,
    "backlog": queues.backlog_is_processed,
    "dead letters": queues.dead_letter_queues_are_empty,
    "DLQ retention": queues.dead_letters_are_retained,
    "alarm actions": alerts.alarms_notify_alert_topic,
    "alarm states": alerts.alarms_are_ok,
    "alert recipients": alerts.alert_subscriptions_are_confirmed,
    "result queues": alerts.results_queues_are_subscribed,
    "functions active": functions.functions_are_active,
    "function limits": functions.functions_have_concurrency,
    "runtimes supported": functions.runtimes_are_supported,
    "aliases current": functions.aliases_are_current,
    "package sizes": functions.package_sizes_are_below_limit,
    "table recovery": state.tables_can_be_restored,
    "rows expire": state.rows_expire,
    "buckets private": state.buckets_are_private,
    "buckets versioned": state.buckets_keep_versions,
    "encryption": state.everything_is_encrypted,
    "logs expire": state.logs_expire,
    "concurrency": quotas.concurrency_is_available,
    "code storage": quotas.code_storage_is_available,
    "quotas": quotas.quotas_are_not_reached,
    "budget": budget.budget_is_active,
    "api": api.api_answers,
    "webhooks": webhooks.webhooks_are_delivered,
    "orders": orders.orders_are_fulfilled,
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
        smoke_test: whether to send files through it.
        checks: the checks to run, by name.
    """
    with ThreadPoolExecutor(_THREADS) as threads:
        found = threads.map(lambda check: run_check(check, pipeline), checks.values())
        for name, findings in zip(checks, found, strict=True):
            yield Result(check=name, findings=findings)
    if smoke_test:
        yield Result(check=SMOKE_TEST, findings=run_check(files_are_processed, pipeline))
