"""`img-pipeline doctor`: what is deployed against what should be, and one real file through it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from operations.checks import alerts, budget, existence, functions, ingestion, malware, queues, quotas, state
from operations.connection import Connection, LocalOption, StackOption, connect
from operations.diagnosis import Finding, Look, Status, look
from operations.smoke_test import file_goes_through

CHECKS: Mapping[str, Look] = {
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

# Services answer within a tenth of a second, so a stack is looked at in a few.
_THREADS = 8
_SEVERITY = (Status.OK, Status.WARN, Status.FAIL)
_SIGNS = {Status.OK: "[green]ok  [/]", Status.WARN: "[yellow]warn[/]", Status.FAIL: "[red]FAIL[/]"}
# Things alike, such as functions, are counted rather than listed.
_FEW = 2


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one check found."""

    check: str
    findings: list[Finding]

    @property
    def status(self) -> Status:
        """The worst of its findings."""
        return max((finding.status for finding in self.findings), key=_SEVERITY.index, default=Status.OK)


def diagnose(stack: Connection, *, smoke_test: bool = True, checks: Mapping[str, Look] = CHECKS) -> Iterator[Result]:
    """Run every check, then the smoke test; results come in this order, each as soon as it is known.

    Args:
        stack: the deployed stack.
        smoke_test: whether to send a file through it.
        checks: what to look at, by name.
    """
    with ThreadPoolExecutor(_THREADS) as threads:
        for name, findings in zip(checks, threads.map(lambda check: look(check, stack), checks.values()), strict=True):
            yield Result(check=name, findings=findings)
    if smoke_test:
        yield Result(check=SMOKE_TEST, findings=look(file_goes_through, stack))


def doctor(
    stack: StackOption = "dev",
    local: LocalOption = False,
    smoke: Annotated[bool, typer.Option(help="Send one small file through and remove what it left.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Check a deployed stack against what it should be, and send one real file through it.

    Exits with 1 if a check fails; a warning does not fail. Changes nothing but for the file, which it removes again.

    Example: `img-pipeline doctor --stack prod --no-smoke`
    """
    connection = connect(stack, local=local)
    results: list[Result] = []
    with Console(stderr=True).status(f"looking at {connection.stack}…") as progress:
        for result in diagnose(connection, smoke_test=smoke):
            results.append(result)
            done = len(results)
            progress.update(f"{done} of {len(CHECKS) + smoke} checks done" if done < len(CHECKS) else "smoke test…")
            if not as_json:
                _show(result)
    if as_json:
        typer.echo(json.dumps([{"status": result.status, **asdict(result)} for result in results], indent=2))
    else:
        counts = {status: sum(result.status is status for result in results) for status in _SEVERITY}
        typer.echo(f"\n{counts[Status.OK]} ok, {counts[Status.WARN]} with warnings, {counts[Status.FAIL]} failed")
    if any(result.status is Status.FAIL for result in results):
        raise typer.Exit(1)


def _show(result: Result) -> None:
    """One line per check that is well, and two per problem: what was found and what to do."""
    console = Console(highlight=False, soft_wrap=True)
    if result.status is Status.OK:
        found = [finding.found for finding in result.findings]
        console.print(
            _line(Status.OK, result.check, "; ".join(found) if len(found) <= _FEW else f"all {len(found)} well")
        )
    for finding in result.findings:
        if finding.status is not Status.OK:
            console.print(_line(finding.status, result.check, finding.found))
            console.print(f"{'':26}→ {escape(finding.advice)}")


def _line(status: Status, check: str, found: str) -> str:
    return f"{_SIGNS[status]}  {check:18}  {escape(found)}"
