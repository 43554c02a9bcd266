"""The process of the embedded cloud: the emulator, its patches, and threads for pipes, metrics, alarms and scans.

Started by `localcloud.emulator.Emulator`, which prepares its environment; stops when its standard input is closed.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import logging
import os
import shutil
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config as ServerConfig

from contract.events import GUARDDUTY_SOURCE
from localcloud import patches
from localcloud.alarms import AlarmEvaluator
from localcloud.clients import make_client
from localcloud.faults import FaultPlan
from localcloud.malware_scanner import SERVICE as MALWARE_SERVICE
from localcloud.malware_scanner import MalwareScanner
from localcloud.metrics import Metrics
from localcloud.patches.eventbridge import publish_service_event
from localcloud.patches.iam import assume_role
from localcloud.patches.logs import write_log
from localcloud.patches.pipes import mark_stopped_pipes, matches_pattern, running_queue_pipes
from localcloud.patches.routes import application
from localcloud.patches.sqs import queue_depths
from localcloud.pipe_runner import PipeRunner
from localcloud.request_faults import with_faults

# Time for running requests to complete when the server stops.
GRACE_SECONDS = 0.3
MONITORING_SECONDS = 1.0
# Of the time, at most: evaluating alarms reads all data points, and executions wait for it.
MONITORING_SHARE = 0.1

logger = logging.getLogger("localcloud")


def main() -> None:
    """Serve until stopped, then end all worker processes and, if requested, remove the directory."""
    arguments = _arguments()
    metrics, faults = Metrics(), FaultPlan()
    scanner = _malware_scanner(arguments)
    patches.install(
        arguments.directory / "journal.jsonl", metrics.record, metrics.record_log_line, scanner.object_created, faults
    )
    _start_background_threads(arguments, metrics)
    scanner.start()
    try:
        # Unlike asyncio.run, a runner that is not closed does not wait for its threads.
        asyncio.Runner().run(_serve_until_stopped(socket.socket(fileno=arguments.listener), scanner, faults))
    finally:
        patches.stop_workers()
        shutil.rmtree(arguments.directory if arguments.remove_directory else arguments.directory / "tmp", True)
    # Threads that are still waiting for a response would keep the process alive.
    os._exit(0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listener", type=int, required=True, help="file descriptor of a bound socket")
    parser.add_argument("--endpoint-url", required=True, help="the URL that the socket is bound to")
    parser.add_argument("--region", required=True)
    parser.add_argument("--account-id", required=True)
    parser.add_argument("--directory", type=Path, required=True, help="directory of the journal, the log and the state")
    parser.add_argument("--remove-directory", type=int, required=True, help="1 removes the directory at the end")
    parser.add_argument("--pipe-concurrency", type=int, required=True, help="batches that one pipe processes at a time")
    parser.add_argument("--pipe-retry-seconds", type=int, help="shortens a failed message's visibility timeout")
    return parser.parse_args()


async def _serve_until_stopped(listener: socket.socket, scanner: MalwareScanner, faults: FaultPlan) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, stop.set)
    loop.add_reader(sys.stdin.fileno(), stop.set)
    config = ServerConfig()
    config.bind = [f"fd://{listener.fileno()}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = GRACE_SECONDS

    async def stopped() -> None:
        await stop.wait()
        patches.halt_executions()

    await serve(with_faults(application(scanner), faults), config, shutdown_trigger=stopped)


def _malware_scanner(arguments: argparse.Namespace) -> MalwareScanner:
    @functools.cache
    def client_of(role_arn: str, plan_arn: str) -> Any:
        credentials = assume_role(role_arn, MALWARE_SERVICE, plan_arn)
        return make_client("s3", arguments.endpoint_url, arguments.region, arguments.account_id, credentials)

    return MalwareScanner(
        directory=arguments.directory,
        scope=f"{arguments.region}:{arguments.account_id}",
        client_of=client_of,
        publish=functools.partial(publish_service_event, GUARDDUTY_SOURCE),
    )


def _start_background_threads(arguments: argparse.Namespace, metrics: Metrics) -> None:
    client = functools.partial(
        make_client, endpoint_url=arguments.endpoint_url, region=arguments.region, account_id=arguments.account_id
    )

    @functools.cache
    def client_with_role(service: str, role_arn: str, pipe_arn: str) -> Any:
        return client(service, credentials=assume_role(role_arn, "pipes.amazonaws.com", pipe_arn))

    PipeRunner(
        running_pipes=running_queue_pipes,
        mark_stopped=mark_stopped_pipes,
        client=lambda service, pipe: client_with_role(service, pipe["RoleArn"], pipe["Arn"]),
        root_queues=client("sqs"),
        record_metric=metrics.record,
        write_log=write_log,
        matches=matches_pattern,
        concurrency=arguments.pipe_concurrency,
        retry_seconds=arguments.pipe_retry_seconds,
    ).start()
    threading.Thread(target=_monitor, args=(metrics, client("cloudwatch")), name="monitoring", daemon=True).start()


def _monitor(metrics: Metrics, cloudwatch: Any) -> None:
    """Publish metrics and evaluate alarms, once a second, or less often where there is so much that it takes long."""
    alarms, took = AlarmEvaluator(cloudwatch), 0.0
    while True:
        time.sleep(max(MONITORING_SECONDS, took / MONITORING_SHARE))
        started = time.monotonic()
        try:
            metrics.record_queues(queue_depths())
            metrics.publish(cloudwatch)
            alarms.evaluate(time.time())
        except Exception:  # one failed evaluation must not stop the monitoring
            logger.exception("metrics and alarms could not be updated")
        took = time.monotonic() - started


if __name__ == "__main__":
    main()
