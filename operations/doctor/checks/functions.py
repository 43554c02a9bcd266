"""Whether the functions can run, are of the last deployment, and use a supported runtime."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

from botocore.exceptions import ClientError

from client.errors import is_missing
from client.pipeline import Pipeline
from contract.names import LIVE
from operations.doctor.findings import Finding, fail, ok, redeploy, warn
from operations.doctor.runtimes import PYTHON_RUNTIMES

# Half a year: time to plan a change of runtime.
NOTICE_DAYS = 180
# Zipped wheels grow to about this many times their size; the layer of this project to 2.9 times.
UNZIPPED_FACTOR = 3
NEAR = 0.8


def functions_are_active(pipeline: Pipeline) -> Iterator[Finding]:
    """Every function's live version can be called."""
    for name in _names(pipeline):
        configuration = pipeline.client("lambda").get_function_configuration(FunctionName=name, Qualifier=LIVE)
        state, update = configuration.get("State", "Active"), configuration.get("LastUpdateStatus", "Successful")
        # Lambda makes a function of a VPC inactive after weeks without a call, and active again at the next call.
        if state == "Inactive":
            yield warn(f"{name} is Inactive after a long idle time", "the smoke test activates it; run this again")
        elif state == "Pending" or update == "InProgress":
            yield warn(f"{name} is being updated", "run this again in a minute")
        elif (state, update) != ("Active", "Successful"):
            reason = (
                configuration.get("StateReason") or configuration.get("LastUpdateStatusReason") or "no reason given"
            )
            yield fail(f"{name} is {state}, its last update {update}: {reason}", redeploy(pipeline))
        else:
            yield ok(f"{name} is Active")


def functions_have_concurrency(pipeline: Pipeline) -> Iterator[Finding]:
    """No function has a reserved concurrency of 0, with which Lambda throttles every call."""
    for name in _names(pipeline):
        reserved = (
            pipeline.client("lambda").get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions")
        )
        if reserved == 0:
            yield fail(
                f"{name} cannot run: its reserved concurrency is 0",
                f"if this is not intended, {redeploy(pipeline)}",
            )
        else:
            yield ok(f"{name}: {'unreserved' if reserved is None else reserved}")


def runtimes_are_supported(pipeline: Pipeline, today: date | None = None) -> Iterator[Finding]:
    """AWS still supports the functions' runtimes for some time."""
    today = today or datetime.now(UTC).date()
    for name in _names(pipeline):
        runtime = pipeline.client("lambda").get_function_configuration(FunctionName=name, Qualifier=LIVE)["Runtime"]
        support = PYTHON_RUNTIMES.get(runtime)
        advice = f"set pythonRuntime to {max(PYTHON_RUNTIMES, key=_minor_version)} and deploy to a test stack first"
        if support is None:
            yield warn(f"{name} runs on {runtime}, whose end of support is not known here", advice)
        elif today >= support.deprecated:
            yield fail(
                f"{name} runs on {runtime}: no security patches since {support.deprecated}, "
                f"no updates after {support.update_blocked}",
                advice,
            )
        elif (support.deprecated - today).days < NOTICE_DAYS:
            yield warn(f"{name} runs on {runtime}, supported until {support.deprecated}", advice)
        else:
            yield ok(f"{name}: {runtime} until {support.deprecated}")


def aliases_are_current(pipeline: Pipeline) -> Iterator[Finding]:
    """The workflow calls the newest published version of every function."""
    client = pipeline.client("lambda")
    for name in _names(pipeline):
        try:
            live = client.get_alias(FunctionName=name, Name=LIVE)["FunctionVersion"]
        except ClientError as error:
            if not is_missing(error):
                raise
            yield fail(f"{name} has no alias {LIVE}, which the workflow calls", redeploy(pipeline))
            continue
        pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=name)
        published = [
            int(version["Version"]) for page in pages for version in page["Versions"] if version["Version"] != "$LATEST"
        ]
        if live == str(max(published)):
            yield ok(f"{name}: version {live}")
        else:
            yield warn(
                f"{name}:{LIVE} is version {live}, but {max(published)} is the newest",
                f"fine after a roll-back; otherwise {redeploy(pipeline)}",
            )


def package_sizes_are_below_limit(pipeline: Pipeline) -> Iterator[Finding]:
    """Code and layers of every function are well below Lambda's limit for unpacked code."""
    client = pipeline.client("lambda")
    limit = client.get_account_settings()["AccountLimit"]["CodeSizeUnzipped"]
    for name in _names(pipeline):
        configuration: Mapping[str, Any] = client.get_function_configuration(FunctionName=name, Qualifier=LIVE)
        zipped = configuration["CodeSize"] + sum(layer["CodeSize"] for layer in configuration.get("Layers", []))
        unzipped = UNZIPPED_FACTOR * zipped
        if unzipped > NEAR * limit:
            yield warn(
                f"{name} is {zipped / 1e6:.0f} MB zipped, about {unzipped / 1e6:.0f} of {limit / 1e6:.0f} MB unzipped",
                "remove dependencies from its layer in functions/layers",
            )
        else:
            yield ok(f"{name}: {zipped / 1e6:.0f} MB zipped")


def _names(pipeline: Pipeline) -> list[str]:
    return list(pipeline.outputs.function_names.values())


def _minor_version(runtime: str) -> int:
    return int(runtime.rpartition(".")[2])
