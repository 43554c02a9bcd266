"""Whether quotas of the account are nearly reached: concurrency, code storage, and all that Service Quotas reports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from client.pipeline import Pipeline
from operations.doctor.findings import Finding, fail, ok, warn

NEAR = 0.8
# AWS keeps this much of the account's concurrency for functions that reserve none ("Lambda quotas").
UNRESERVED_CONCURRENCY = 100
# The services whose quotas a pipeline can reach, by their codes in Service Quotas.
SERVICES = ("lambda", "states", "sqs", "sns", "dynamodb", "events")


def concurrency_is_available(pipeline: Pipeline) -> Iterator[Finding]:
    """The account's concurrency covers what the functions reserve, and enough is unreserved."""
    client = pipeline.client("lambda")
    limits = client.get_account_settings()["AccountLimit"]
    limit, unreserved = limits["ConcurrentExecutions"], limits["UnreservedConcurrentExecutions"]
    reserved = sum(
        client.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions", 0)
        for name in pipeline.outputs.function_names.values()
    )
    elsewhere = limit - reserved - unreserved
    found = f"{reserved} of the account's {limit} reserved here, {elsewhere} elsewhere, {unreserved} unreserved"
    if unreserved < UNRESERVED_CONCURRENCY:
        yield fail(found, "AWS needs 100 unreserved: lower reservedConcurrency, or request a quota increase")
    elif unreserved - UNRESERVED_CONCURRENCY < (1 - NEAR) * limit and limit > UNRESERVED_CONCURRENCY:
        yield warn(found, "other functions may be throttled: lower reservedConcurrency, or request a quota increase")
    else:
        yield ok(found)


def code_storage_is_available(pipeline: Pipeline) -> Iterator[Finding]:
    """Published versions do not fill the account's code storage."""
    settings = pipeline.client("lambda").get_account_settings()
    used, limit = settings["AccountUsage"]["TotalCodeSize"], settings["AccountLimit"]["TotalCodeSize"]
    found = f"{used / 1e9:.1f} of {limit / 1e9:.0f} GB of code stored"
    if used > NEAR * limit:
        yield warn(found, "delete old versions and layers, or request a quota increase")
    else:
        yield ok(found)


def quotas_are_not_reached(pipeline: Pipeline) -> Iterator[Finding]:
    """No quota whose use AWS measures was nearly reached in the last day."""
    if pipeline.local:
        yield ok("the embedded cloud has no quotas")
        return
    quotas = [
        quota
        for service in SERVICES
        for page in pipeline.client("service-quotas").get_paginator("list_service_quotas").paginate(ServiceCode=service)
        for quota in page["Quotas"]
        if quota.get("UsageMetric", {}).get("MetricName") and quota["Value"] > 0
    ]
    for quota in quotas:
        used = peak_use(pipeline, quota)
        if used > NEAR * quota["Value"]:
            name = f"{quota['ServiceCode']}: {quota['QuotaName']}"
            yield warn(
                f"{name}: {used:g} of {quota['Value']:g} used at the peak of the last day",
                f"request an increase: aws service-quotas request-service-quota-increase --service-code "
                f"{quota['ServiceCode']} --quota-code {quota['QuotaCode']} --desired-value {2 * quota['Value']:g}",
            )
    yield ok(f"{len(quotas)} quotas")


def peak_use(pipeline: Pipeline, quota: Mapping[str, Any]) -> float:
    """The most of a quota that was used in a minute of the last day, in the quota's own unit.

    The metric of a rate counts calls; a quota per second is compared with the average of the busiest
    minute, so a shorter peak is not found.
    """
    metric, now = quota["UsageMetric"], datetime.now(UTC)
    statistic = metric["MetricStatisticRecommendation"]
    points = pipeline.client("cloudwatch").get_metric_statistics(
        Namespace=metric["MetricNamespace"],
        MetricName=metric["MetricName"],
        Dimensions=[{"Name": name, "Value": value} for name, value in metric.get("MetricDimensions", {}).items()],
        StartTime=now - timedelta(days=1),
        EndTime=now,
        Period=60,
        Statistics=[statistic],
    )["Datapoints"]
    peak = max((point[statistic] for point in points), default=0.0)
    per_second = statistic == "Sum" and quota.get("Period", {}).get("PeriodUnit") == "SECOND"
    return peak / 60 if per_second else peak
