"""Estimates agree with figures computed by hand, and every setting with a price shows it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from client.errors import PipelineError
from components.settings import Settings
from contract.media import CSV, JPEG
from contract.renditions import ANIMATED_FORMATS, RENDITION_FORMATS, RenditionSpec
from operations.commands.cost import app, report
from operations.cost import prices
from operations.cost import settings as chosen
from operations.cost.bill import Line, Load, OrderLoad
from operations.cost.estimate import (
    METRICS_PER_FUNCTION,
    Estimate,
    alarm_metrics,
    estimate,
    lambda_usd,
    standard_usd,
    traces_per_month,
)
from operations.cost.files import ASSET_INDEX_WRITES, STATUS_INDEX_WRITES, express_usd, malware_scan_usd
from operations.cost.measurements import Measurements, load_measurements
from operations.cost.orders import INDEX_WRITES
from operations.cost.prices import Price
from operations.cost.settings import stack_settings
from operations.cost.work import PictureWork, Work
from operations.cost.workflow import workflow_run
from operations.cost.workflow_types import workflow_types
from policies.recording import run
from testing.stack import Stack
from testing.waiting import eventually

LOAD = Load(uploads_per_day=100_000, megabytes=5)
# Round numbers, so that a person can follow.
ROWS = {"assetRowBytes": 800, "renditionEntryBytes": 200, "jobRowBytes": 900, "executionDataBytes": 14_000}
TABLES = Load(uploads_per_day=10_000, megabytes=10)
ORDERS = OrderLoad(
    orders_per_day=10_000, renditions=[RenditionSpec(format="avif", width=3000, quality=60)], megabytes=5
)
MEASURED = Measurements.model_validate(
    {
        "command": "by hand",
        "date": "2026-11-21",
        "machine": "none",
        "cpuSeconds": {
            "validate": {"perFile": 0.0, "perMegabyte": 0.02},
            "thumbnail": {"perFile": 0.1, "perMegabyte": 0.06},
            "watermark": {"perFile": 0.0, "perMegabyte": 0.2},
            "metadata": {"perFile": 0.1, "perMegabyte": 0.0},
            "perRenditionMegapixel": {"jpeg": 0.0, "webp": 0.0, "avif": 0.5},
            "perAnimatedMegapixel": {"webp": 0.1, "gif": 0.3},
            "perAttention": 0.25,
        },
        "renditionBytesPerMegapixel": {"jpeg": 300_000, "webp": 300_000, "avif": 200_000},
        "animatedBytesPerMegapixel": {"webp": 100_000, "gif": 600_000},
        "watermarkBytesPerByte": 0.8,
        "picture": {**ROWS, "reads": 4},
        "table": {
            **ROWS,
            "reads": 2,
            "cpuSeconds": {
                "validate": {"perFile": 0.0, "perMegabyte": 0.05},
                "table": {"perFile": 0.1, "perMegabyte": 0.2},
            },
            "renditions": 3,
            "parquetBytesPerByte": 0.5,
            "otherRenditionBytes": 10_000,
        },
        "order": {"rowBytes": 2500, "executionDataBytes": 9000},
        "functionLogLineBytes": 400,
        "functionLogOtherBytes": 600,
    }
)


@pytest.fixture(scope="module")
def prod() -> Settings:
    return stack_settings("prod")


def priced(*changes: str, tables: Load | None = None, orders: OrderLoad | None = None) -> Estimate:
    return estimate(stack_settings("prod", changes), LOAD, MEASURED, core_speed=1, tables=tables, orders=orders)


class Part:
    """The lines of one part of a bill, by service and the beginning of what they are."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = lines

    def __getitem__(self, key: tuple[str, str]) -> float:
        """Dollars a month of the one line."""
        service, what = key
        (usd,) = [line.usd for line in self._lines if line.service == service and line.what.startswith(what)]
        return usd


def part(found: Estimate, name: str) -> Part:
    return Part(found.parts[name])


def line(found: Estimate, service: str, what: str) -> float:
    """Dollars a month of the one line whose description begins so."""
    (usd,) = [line.usd for line in found.lines if line.service == service and line.what.startswith(what)]
    return usd


def test_a_hundred_thousand_a_day_is_three_million_files_a_month() -> None:
    assert LOAD.files == 3_000_000
    assert LOAD.gigabytes == 15_000


def test_standard_with_eight_transitions_costs_600_dollars() -> None:
    assert standard_usd(LOAD.files, 8) == pytest.approx(600)


@pytest.mark.parametrize(("seconds", "usd"), [(1.6, 8.00), (5, 18.63), (8, 28.01)])
def test_express_costs_8_19_and_28_dollars_by_its_length(seconds: float, usd: float) -> None:
    assert express_usd(LOAD.files, seconds) == pytest.approx(usd, abs=0.01)


def test_express_is_billed_in_whole_tenths_of_a_second_and_whole_64_megabytes() -> None:
    assert express_usd(1e6, 1.61) == express_usd(1e6, 1.7) > express_usd(1e6, 1.6)
    assert express_usd(1e6, 1, memory_mb=65) == express_usd(1e6, 1, memory_mb=128)


def test_transforms_of_six_and_a_half_gigabyte_seconds_cost_262_dollars_on_arm() -> None:
    assert lambda_usd(3 * LOAD.files, 6.5 * LOAD.files, "arm64") == pytest.approx(261.80, abs=0.01)
    assert lambda_usd(3 * LOAD.files, 6.5 * LOAD.files, "x86_64") == pytest.approx(326.80, abs=0.01)


@pytest.mark.parametrize(
    ("preset", "seconds", "gigabytes"),
    [
        ({"width": 3000}, 3.0, 1.2),  # 6 megapixels of a 3:2 picture
        ({"width": 3000, "height": 1000}, 0.75, 0.3),  # 1500 by 1000
        ({"width": 2000, "height": 2000, "fit": "cover"}, 2.0, 0.8),
        ({"width": 2000, "height": 2000, "fit": "cover", "focalPoint": "attention"}, 2.25, 0.8),
    ],
)
def test_a_preset_costs_the_time_and_bytes_of_its_format_size_and_focal_point(
    preset: dict[str, object], seconds: float, gigabytes: float
) -> None:
    """AVIF is measured as 0.5 s and 200 KB for each megapixel, attention as 0.25 s."""

    def work(*changes: str) -> Work:
        return PictureWork(settings=stack_settings("prod", changes), load=LOAD, measured=MEASURED, core_speed=1)

    with_it = {**preset, "formats": ["avif"], "quality": 60}
    added = work(
        "transforms.thumbnail.memoryMb=3008", f"transforms.thumbnail.settings.presets.it={json.dumps(with_it)}"
    )
    assert added.cpu_seconds("thumbnail") - work().cpu_seconds("thumbnail") == pytest.approx(seconds)
    assert added.rendition_bytes - work().rendition_bytes == pytest.approx(gigabytes * 1e6)


@pytest.mark.parametrize(
    ("format", "frames", "seconds", "megabytes"),
    # 0.06 megapixels of each frame, at 0.1 s and 100 KB for WebP, 0.3 s and 600 KB for GIF. There is room for 416 of
    # them: of a picture with more, and of a still, the rendition has one frame, at the rate of stills.
    [("webp", 1, 0.0, 0.018), ("webp", 10, 0.06, 0.06), ("gif", 10, 0.18, 0.36), ("webp", 500, 0.0, 0.018)],
)
def test_an_animated_preset_costs_each_frame_within_the_limit(
    format: str, frames: int, seconds: float, megabytes: float
) -> None:
    def work(*changes: str) -> Work:
        load = Load(uploads_per_day=1, megabytes=5, frames=frames)
        return PictureWork(settings=stack_settings("prod", changes), load=load, measured=MEASURED, core_speed=1)

    preset = {"width": 300, "height": 200, "animated": True, "formats": [format], "quality": 60}
    added = work(f"transforms.thumbnail.settings.presets.it={json.dumps(preset)}")
    assert added.cpu_seconds("thumbnail") - work().cpu_seconds("thumbnail") == pytest.approx(seconds)
    assert added.rendition_bytes - work().rendition_bytes == pytest.approx(megabytes * 1e6)


def test_every_format_is_measured() -> None:
    measured = load_measurements()
    assert measured.cpu_seconds.per_rendition_megapixel.keys() == {*RENDITION_FORMATS}
    assert measured.rendition_bytes_per_megapixel.keys() == {*RENDITION_FORMATS}
    assert measured.cpu_seconds.per_animated_megapixel.keys() == {*ANIMATED_FORMATS}
    assert measured.animated_bytes_per_megapixel.keys() == {*ANIMATED_FORMATS}


def test_every_line_of_tables_equals_a_calculation_by_hand() -> None:
    found = part(priced("validate.provisionedConcurrency=0", "validate.memoryMb=1769", tables=TABLES), "tables")
    files, transfer, rate = TABLES.files, 10 / 75, 13.3334e-6
    assert files == 300_000
    # validate: 10 x 0.05 s; the function table: 0.1 + 10 x 0.2 s, and three objects to write.
    validate, table = 0.5 + transfer + 0.03, 2.1 + transfer + 4 * 0.03
    assert found["Lambda", "validate,"] == pytest.approx(files * validate * 1769 / 1024 * rate)
    assert found["Lambda", "table,"] == pytest.approx(files * table * 1769 / 1024 * rate)
    assert found["Lambda", "calls"] == pytest.approx(0.12)
    # /tmp beyond 512 MB, as the sizes of tables need it.
    assert found["Lambda", "1152 MB of /tmp for validate"] == pytest.approx(files * validate * 640 / 1024 * 0.0309e-6)
    assert found["Lambda", "3200 MB of /tmp for table"] == pytest.approx(files * table * 2688 / 1024 * 0.0309e-6)
    # 0.6633 + 2.3533 + 0.5: 3.6 s in tenths.
    assert found["Step Functions", "3.52 s"] == pytest.approx(files * 3.6 * 64 / 1024 * 16.67e-6)
    assert found["S3", "renditions written"] == pytest.approx(3 * files * 5e-6)
    assert found["S3", "reads"] == pytest.approx(2 * files * 0.4e-6)
    # Half of ten megabytes, and ten kilobytes.
    assert found["S3 storage", "renditions of one month"] == pytest.approx(files * 5.01e-3 * 0.023)
    # 800 + 3 x 200 bytes are two units; one more write finds out whether the content is the recorded one's.
    assert found["DynamoDB", "assets with indexes"] == pytest.approx((3 * 2 + 2) * files * 0.625e-6)


def test_every_line_of_orders_equals_a_calculation_by_hand() -> None:
    found = part(priced("orders.enabled=true", "transforms.watermark.memoryMb=3538", orders=ORDERS), "orders")
    orders, rate = ORDERS.orders, 13.3334e-6
    assert orders == 300_000
    # Four calls of 0.03 s, of which the first waits for the workflow: four calls of other services, 0.05 s each.
    assert found["API Gateway", "calls"] == pytest.approx(1.2)
    assert found["Lambda", "api, 0.08 s"] == pytest.approx(orders * (4 * 0.03 + 0.2) * rate)
    assert found["Step Functions", "0.20 s"] == pytest.approx(orders * 0.2 * 64 / 1024 * 16.67e-6)
    assert found["SQS", "order queue"] == pytest.approx(3 * orders * 0.40e-6)
    # fulfil: 0.1 + 5 x 0.06 s to read, 6 megapixels of 0.5 s to encode; the picture, a list and an object in S3.
    seconds = 0.4 + 3 + 5 / 75 + 3 * 0.03
    assert found["Lambda", "fulfil, 3.56 s at 3538 MB"] == pytest.approx(orders * seconds * 3538 / 1024 * rate)
    assert found["Lambda", "fulfil called"] == pytest.approx(0.06)
    # A row of 2500 bytes is three units, written six times; five small rows and six entries of indexes.
    assert found["DynamoDB", "orders with indexes"] == pytest.approx((7 * 3 + 5 + 6) * orders * 0.625e-6)
    assert found["S3", "ordered renditions written"] == pytest.approx(orders * 5e-6)
    assert found["S3 storage", "ordered renditions of one month"] == pytest.approx(orders * 1.2e-3 * 0.023)
    assert found["SNS", "results"] == pytest.approx(0.15)


def test_tables_and_orders_change_nothing_of_what_pictures_cost() -> None:
    alone, beside = priced("orders.enabled=true"), priced("orders.enabled=true", tables=TABLES, orders=ORDERS)
    assert alone.parts["pictures"] == beside.parts["pictures"]
    assert list(beside.by_part) == ["pictures", "tables", "orders", "stack"]
    assert sum(beside.by_part.values()) == pytest.approx(beside.usd)
    assert beside.counts == {"pictures": LOAD.files, "tables": TABLES.files, "orders": ORDERS.orders}
    assert beside.files == LOAD.files + TABLES.files


def test_orders_and_results_of_tables_reach_the_subscribers_that_want_them() -> None:
    subscribers = "resultSubscribers={all: {}, orders: {outcomes: [FULFILLED]}, files: {outcomes: [COMPLETED]}}"
    found = priced("orders.enabled=true", subscribers, tables=TABLES, orders=ORDERS)
    for name, messages in (("tables", TABLES.files), ("orders", ORDERS.orders)):
        assert part(found, name)["SQS", "2 subscribers"] == pytest.approx(messages * 3 * 2 * 0.4e-6)


def test_guardduty_charges_per_gigabyte_and_per_object() -> None:
    assert malware_scan_usd(LOAD) == pytest.approx(15_000 * 0.09 + 3_000 * 0.215)


def test_estimate_includes_malware_scans_where_they_are_enabled(prod: Settings) -> None:
    assert not prod.malware_scan
    assert "GuardDuty" not in priced().by_service
    found = priced("malwareScan=true")
    assert found.by_service["GuardDuty"] == pytest.approx(malware_scan_usd(LOAD))
    files = LOAD.files
    assert line(found, "S3", "tags by GuardDuty") == pytest.approx(files * 5e-6)
    assert line(found, "S3", "lists of versions") == pytest.approx(files * 5e-6)
    assert line(found, "S3", "reads by GuardDuty") == pytest.approx(files * 0.4e-6)


def test_the_api_asks_for_calls_tokens_and_a_client() -> None:
    """Four calls for a file: one for its URL, three that ask for its job."""
    found = priced()
    assert line(found, "API Gateway", "calls") == pytest.approx(12)
    assert line(found, "Lambda", "api called") == pytest.approx(2.40)
    assert line(found, "Lambda", "api,") == pytest.approx(12e6 * 0.03 * 13.3334e-6)
    assert line(found, "Cognito", "the client") == 6
    # A token an hour.
    assert line(found, "Cognito", "its tokens") == pytest.approx(30 * 24 * 2.25 / 1000)
    assert "WAF" not in found.by_service
    assert priced("api.waf=true").by_service["WAF"] == 7


def test_a_stack_without_an_api_pays_for_none() -> None:
    services = priced("api.enabled=false").by_service
    assert not {"API Gateway", "Cognito", "CloudFront"} & set(services)


def test_the_console_costs_its_requests_to_cloudfront() -> None:
    assert priced().by_service["CloudFront"] == pytest.approx(18_000 * 0.01 / 10_000)
    assert "CloudFront" not in priced("api.console=false").by_service


def test_webhooks_cost_a_message_for_each_result_and_each_delivery() -> None:
    """Of two endpoints one wants no completed files, and a job may have a callback."""
    endpoints = "{a: {url: 'https://a.example.com'}, b: {url: 'https://b.example.com', outcomes: [DELETED]}}"
    changes = (f"webhooks.endpoints={endpoints}", "api.callbackHosts=[c.example.com]")
    found, files = priced(*changes), LOAD.files
    messages = files * 3
    assert line(found, "SQS", "webhooks") == pytest.approx(messages * 3 * 0.40e-6)
    assert line(found, "SQS", "polls of the webhooks' idle queue") == pytest.approx(5 * 2_592_000 / 20 * 0.40e-6)
    assert line(found, "Lambda", "webhook called") == pytest.approx(messages * 0.20e-6)
    assert line(found, "Lambda", "webhook, 0.20 s at 512 MB") == pytest.approx(messages * 0.1 * 13.3334e-6)
    # Whether the two receivers are disabled, and the callback's address twice.
    assert line(found, "DynamoDB", "webhook receivers") == pytest.approx(files * 4 * 0.125e-6)
    assert line(found, "CloudWatch Logs", "webhook calls") == pytest.approx(messages * 1000 / 1e9 * 0.50)
    assert found.by_service["Secrets Manager"] == pytest.approx(0.40 + 8640 * 0.05 / 10_000)


def test_a_stack_without_webhooks_pays_for_none() -> None:
    assert "Secrets Manager" not in priced().by_service
    assert not [line for line in priced().lines if "webhook" in line.what]


def test_x_ray_samples_the_first_each_second_and_a_twentieth_of_the_rest() -> None:
    assert traces_per_month(1000) == 1000
    assert traces_per_month(2_592_000 + 1000) == 2_592_000 + 50


def test_every_line_equals_a_calculation_by_hand() -> None:
    found = priced("validate.provisionedConcurrency=0", "validate.memoryMb=1769")
    files, transfer = LOAD.files, 5 / 75
    # validate: 0.1 s of work, 5 MB at 75 MB/s, one request of 0.03 s, at 1769 MB.
    seconds = 0.1 + transfer + 0.03
    assert line(found, "Lambda", "validate,") == pytest.approx(files * seconds * 1769 / 1024 * 13.3334e-6)
    # thumbnail: 0.1 + 5 x 0.06 s of work, and eight renditions to write.
    seconds = 0.4 + transfer + 9 * 0.03
    assert line(found, "Lambda", "thumbnail,") == pytest.approx(files * seconds * 1769 / 1024 * 13.3334e-6)
    assert line(found, "Lambda", "calls") == pytest.approx(2.40)
    # validate 0.1967, watermark 1.1267 is the slowest, 0.5 for the rest: 1.9 s in tenths.
    assert line(found, "Step Functions", "1.82 s") == pytest.approx(files * 1.9 * 64 / 1024 * 16.67e-6)
    assert line(found, "Step Functions", "executions") == pytest.approx(3)
    assert line(found, "S3", "uploads") == pytest.approx(15)
    assert line(found, "S3", "renditions written") == pytest.approx(9 * 15)
    assert line(found, "S3", "reads") == pytest.approx(4.80)
    assert line(found, "S3 storage", "uploads of one month") == pytest.approx(345)
    # A record of 800 + 9 x 200 bytes is three units, written twice to the table; two indexes of keys, written once.
    assert line(found, "DynamoDB", "assets with indexes") == pytest.approx((2 * 3 + 2) * 3 * 0.625)
    # Three writes of a job, each to the table and to the index by file; and three to the index by status.
    assert line(found, "DynamoDB", "jobs") == pytest.approx((2 * 3 + 3) * 3 * 0.625)
    assert line(found, "EventBridge", "bucket events") == pytest.approx(3)
    assert line(found, "EventBridge", "pipe") == pytest.approx(1.20)
    assert line(found, "SQS", "transform queue") == pytest.approx(3.60)
    assert line(found, "SNS", "results") == pytest.approx(1.50)
    # Four functions of 1000 bytes a file.
    assert line(found, "CloudWatch Logs", "functions") == pytest.approx(12 * 0.50)


def test_each_subscriber_costs_three_requests_a_file() -> None:
    usd = line(priced("resultSubscribers={catalogue: {}, search: {}}"), "SQS", "2 subscribers")
    assert usd == pytest.approx(3_000_000 * 3 * 2 * 0.4e-6)


def test_services_add_up_to_the_total() -> None:
    found = priced()
    assert sum(found.by_service.values()) == pytest.approx(found.usd)
    assert found.per_million_files(found.usd) == pytest.approx(found.usd / 3)
    assert list(found.by_service.values()) == sorted(found.by_service.values(), reverse=True)


def test_function_with_less_than_one_core_takes_longer_and_one_with_more_takes_no_less(prod: Settings) -> None:
    work = PictureWork(settings=prod, load=LOAD, measured=MEASURED, core_speed=1)
    transfer = 5 / 75 + 0.03
    assert work.seconds("metadata", 1769) - transfer == pytest.approx(0.1)
    assert work.seconds("metadata", 1769 // 2) - transfer == pytest.approx(0.2, rel=0.01)
    assert work.seconds("metadata", 3538) - transfer == pytest.approx(0.1)


def test_a_slower_core_costs_more() -> None:
    settings = stack_settings("prod")
    half, whole = (estimate(settings, LOAD, MEASURED, speed).by_service["Lambda"] for speed in (0.5, 1))
    assert half > 1.3 * whole


@pytest.mark.parametrize(
    ("change", "service", "difference"),
    [
        ("architecture=x86_64", "Lambda", "dearer"),
        ("validate.provisionedConcurrency=0", "Lambda", "cheaper"),
        ("transforms.watermark.memoryMb=6600", "Lambda", "dearer"),
        ("transforms.thumbnail.settings.presets.w1280=null", "S3", "cheaper"),
        ("lifecycle.uploadDays=7", "S3 storage", "cheaper"),
        ("workflowLogLevel=ALL", "CloudWatch Logs", "dearer"),
        ("functionLogLevel=WARNING", "CloudWatch Logs", "cheaper"),
        ("logRetentionDays=365", "CloudWatch Logs", "dearer"),
        ("jobRetentionDays=7", "DynamoDB", "cheaper"),
        ("resultSubscribers={catalogue: {}}", "SQS", "dearer"),
        ("tracing=false", "X-Ray", "cheaper"),
        ("encryption=kms", "KMS", "dearer"),
    ],
)
def test_a_change_of_settings_shows_its_price_in_its_service(change: str, service: str, difference: str) -> None:
    before, after = (found.by_service.get(service, 0.0) for found in (priced(), priced(change)))
    assert after > before if difference == "dearer" else after < before


def test_provisioned_concurrency_is_charged_per_second() -> None:
    usd = line(priced("validate.provisionedConcurrency=2"), "Lambda", "validate kept warm")
    assert usd == pytest.approx(2 * 2_592_000 * 1769 / 1024 * 3.3334e-6)


def test_snapshots_are_charged_while_they_are_kept_and_when_they_are_started_from() -> None:
    found = priced("snapStart=true")
    # These have more storage than Lambda takes a snapshot with.
    memory = {name: mb for name, mb in found.settings.function_memory_mb.items() if name not in ("validate", "table")}
    kept = line(found, "Lambda", f"snapshots of {len(memory)} functions")
    assert kept == pytest.approx(2_592_000 * sum(memory.values()) / 1024 * 1.5046e-6)
    called = sum(memory[name] for name in ("thumbnail", "watermark", "metadata"))
    started = line(found, "Lambda", "starts from snapshots")
    assert started == pytest.approx(3_000_000 * 0.01 * called / 1024 * 139.7998e-6)


def test_endpoints_are_charged_per_hour_and_zone() -> None:
    vpc = "vpc={vpcId: vpc-0a1, subnetIds: [subnet-0a1, subnet-0a2], interfaceEndpoints: [logs, sqs, sns]}"
    assert line(priced(vpc), "PrivateLink", "3 endpoints in 2 zones") == pytest.approx(3 * 2 * 720 * 0.01)


def test_standard_workflow_is_priced_by_the_state_transitions_of_this_workflow(prod: Settings) -> None:
    express, standard = workflow_types(prod, LOAD, MEASURED, 1).options
    assert express.chosen
    transitions = workflow_run(prod, JPEG.name).transitions
    assert standard.name == f"Standard, {transitions} transitions each"
    assert standard.usd == standard_usd(LOAD.files, transitions) > 50 * express.usd


def test_logging_every_event_costs_what_the_design_says() -> None:
    levels = (
        ("workflowLogLevel='OFF'",),
        ("workflowLogLevel=ERROR",),
        ("workflowLogLevel=ALL",),
        ("workflowLogLevel=ALL", "workflowLogData=true"),
    )
    off, error, without_data, with_data = (
        estimate(stack_settings("prod", changes), LOAD, load_measurements(), 1).by_service["CloudWatch Logs"]
        for changes in levels
    )
    assert off == error
    assert without_data - off == pytest.approx(31, rel=0.25)
    assert 70 <= with_data - off <= 170


def test_arm_is_a_fifth_cheaper_than_x86() -> None:
    arm, x86 = (
        priced("validate.provisionedConcurrency=0", f"architecture={name}").by_service["Lambda"]
        for name in ("arm64", "x86_64")
    )
    requests = 2.40 + 2.40  # of the workflow, and of the API
    assert (arm - requests) / (x86 - requests) == pytest.approx(0.8, abs=0.001)


# What is counted has to be what there is.


@pytest.mark.parametrize(("name", "media_type", "transforms"), [("cost.jpg", JPEG.name, 3), ("cost.csv", CSV.name, 1)])
def test_the_workflows_calls_are_those_of_a_real_execution(
    stack: Stack, name: str, media_type: str, transforms: int
) -> None:
    (job,) = stack.finish(stack.upload(f"uploads/{name}", b"a,b\n1,2\n" if media_type == CSV.name else None))
    executions = stack.cloud.executions(stack.outputs["stateMachineArn"])
    events = next(execution["events"] for execution in executions if execution["name"] == job["executionName"])
    resources = [event["taskScheduledEventDetails"]["resource"] for event in events if event["type"] == "TaskScheduled"]
    counted = workflow_run(stack_settings("local"), media_type)
    writes = [resource for resource in resources if resource.endswith((":putItem", ":updateItem"))]
    assert counted.job_writes + counted.asset_writes == len(writes)
    entered = sum(event["type"].endswith("StateEntered") for event in events)
    assert counted.transitions == entered + transforms, "the transforms are entered inside of the Map"
    assert counted.calls == len(resources)


@pytest.mark.parametrize("stack_name", ["dev", "prod"])
@pytest.mark.parametrize("monitoring", ["full", "essential"])
@pytest.mark.parametrize("webhooks", [{}, {"a": {"url": "https://a.example.com"}}], ids=["", "webhooks"])
def test_alarms_are_counted_as_the_program_makes_them(
    stack_name: str, monitoring: str, webhooks: dict[str, Any]
) -> None:
    recording = run(stack_name, {"webhooks": {"endpoints": webhooks}, "monitoring": monitoring})
    alarms = recording.of_type("MetricAlarm")
    watched = sum("metric" in query for alarm in alarms for query in alarm.inputs["metricQueries"])
    changes = [f"webhooks.endpoints={json.dumps(webhooks)}", f"monitoring={monitoring}"]
    assert alarm_metrics(stack_settings(stack_name, changes)) == watched
    lines = {line.what for line in estimate(stack_settings(stack_name, changes), LOAD, MEASURED).lines}
    assert ("dashboard" in lines) == bool(recording.of_type("Dashboard"))
    assert ("paging alarm" in lines) == bool(recording.of_type("CompositeAlarm"))


@pytest.mark.parametrize(
    ("changes", "loads", "functions"),
    [
        (["api={enabled: false}"], {}, 4),  # validate, and three transforms of pictures
        ([], {}, 5),  # and the API's
        (['webhooks.endpoints={"a": {"url": "https://a.example.com"}}'], {}, 6),
        ([], {"tables": TABLES, "orders": ORDERS}, 7),  # and table, and fulfil
    ],
    ids=["no API", "API", "webhooks", "tables and orders"],
)
def test_own_metrics_are_those_of_every_function_that_the_load_calls(
    changes: list[str], loads: dict[str, Any], functions: int
) -> None:
    """Two metrics a function, at 30 cents each."""
    assert line(priced(*changes, **loads), "CloudWatch", "functions' own metrics") == pytest.approx(functions * 0.60)


def test_an_idle_dev_stack_costs_two_dollars_beside_its_client_for_machines() -> None:
    idle = Load(uploads_per_day=0, megabytes=5)
    found = estimate(stack_settings("dev"), idle, MEASURED)
    assert found.usd == pytest.approx(sum(line.usd for line in found.parts["stack"]))
    assert found.usd - found.by_service["Cognito"] <= 2
    # Twelve metrics, three queues that are polled, and the console.
    polls = 3 * 5 * 2_592_000 / 20
    assert found.usd == pytest.approx(12 * 0.10 + polls * 0.4e-6 + 18_000 * 1e-6 + 6 + 720 * 2.25e-3)
    watched = estimate(stack_settings("dev", ["monitoring=full"]), idle, MEASURED)
    assert watched.usd - found.usd > 13


def test_indexes_are_counted_as_the_program_makes_them() -> None:
    tables = {table.inputs["name"].removeprefix("img-pipeline-prod-"): table for table in run("prod").of_type("Table")}

    def projections(table: str) -> list[str]:
        return sorted(index["projectionType"] for index in tables[table].inputs["globalSecondaryIndexes"])

    # The index by owner, which includes the status, has no rows of files that did not come by the API.
    assert projections("jobs") == ["ALL", "INCLUDE", "KEYS_ONLY"]
    assert projections("assets") == ["KEYS_ONLY"] * ASSET_INDEX_WRITES
    # An entry of each when an order is stored; when its status changes, one of the first and two of that by status.
    assert projections("orders") == ["INCLUDE", "KEYS_ONLY", "KEYS_ONLY"]
    assert INDEX_WRITES == 3 + 1 + 2
    assert STATUS_INDEX_WRITES == 3


def test_metrics_are_counted_as_the_functions_write_them(stack: Stack) -> None:
    stack.finish(stack.upload("uploads/metrics.jpg"))
    cloudwatch = stack.cloud.client("cloudwatch")
    expected = stack.outputs["functionNames"].keys() - {"erase", "table"}

    def series() -> dict[str, set[str]] | None:
        """The metrics of each function, once every expected one has published."""
        found: dict[str, set[str]] = {}
        for metric in cloudwatch.list_metrics(Namespace="img-pipeline/local")["Metrics"]:
            (function,) = (dimension["Value"] for dimension in metric["Dimensions"])
            found.setdefault(function, set()).add(metric["MetricName"])
        return found if found.keys() >= expected else None

    published = eventually(series, "the metrics of every function that ran")
    assert {len(metrics) for metrics in published.values()} == {METRICS_PER_FUNCTION}


def test_every_price_names_its_source() -> None:
    found = [value for value in vars(prices).values() if isinstance(value, Price)]
    found += [price for value in (prices.LAMBDA_DURATION, prices.LAMBDA_PROVISIONED) for price in value.values()]
    assert len(found) > 25
    for price in found:
        assert price.usd > 0
        assert len(price.source) > 10
        assert price.as_of.year == 2026


# Settings as they are in a stack's file.


@pytest.fixture
def secret_stack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = (
        "config:\n  aws:region: eu-west-1\n  img-pipeline:architecture: x86_64\n"
        "  img-pipeline:alertHttpsEndpoints:\n    - secure: v1:abc\n"
    )
    (tmp_path / "Pulumi.secret.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(chosen, "PROJECT_DIRECTORY", tmp_path)


@pytest.mark.usefixtures("secret_stack")
def test_secrets_are_left_out() -> None:
    settings = stack_settings("secret")
    assert settings.architecture == "x86_64"
    assert settings.alert_https_endpoints == ()


def test_change_inside_an_object_or_a_list_keeps_the_rest() -> None:
    before = stack_settings("prod")
    after = stack_settings("prod", ["validate.memoryMb=3000", "transforms.metadata.memoryMb=4000"])
    assert after.validate_.memory_mb == 3000
    assert after.validate_.provisioned_concurrency == before.validate_.provisioned_concurrency
    assert after.transforms["metadata"].memory_mb == 4000
    assert all(after.transforms[name] == before.transforms[name] for name in ("thumbnail", "watermark"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["architecture"], "write key=value"),
        (["architektur=arm64"], "did you mean architecture?"),
        (["architecture=mips"], "arm64"),
        (["transforms[9].memoryMb=1"], "has no such part"),
        (["transforms.thumbnail.memoryMb.size=1"], "has no such part"),
    ],
)
def test_invalid_change_is_reported_in_one_line(changes: list[str], message: str) -> None:
    with pytest.raises(PipelineError, match=message.replace("?", r"\?")) as error:
        stack_settings("prod", changes)
    assert "\n" not in str(error.value)


def test_unknown_stack_is_reported_with_the_existing_stacks() -> None:
    with pytest.raises(PipelineError, match=r"there is no stack 'staging': .* has dev, local, prod"):
        report("staging", uploads_per_day=1, megabytes=1)


@pytest.fixture
def run_cost() -> Callable[..., Result]:
    return lambda *arguments: CliRunner().invoke(
        app, ["--uploads-per-day", "100000", "--megabytes", "5", "--stack", "prod", *arguments]
    )


def test_the_command_shows_services_workflow_types_and_sources(run_cost: Callable[..., Result]) -> None:
    result = run_cost("--details", "--set", "malwareScan=true")
    assert result.exit_code == 0, result.output
    for shown in ("3 million files and 15,000 GB a month", "Step Functions", "total", "Standard, ", "GuardDuty"):
        assert shown in result.stdout
    told = " ".join(result.stdout.split())
    assert "on demand in us-east-1, 2026-08-31" in told
    assert "secondary source: API Gateway $1 per million calls; CloudWatch $0.1" in told
    assert "Durations: python -m bench.files" in told


def test_two_stacks_and_a_change_are_compared_in_columns(run_cost: Callable[..., Result]) -> None:
    result = run_cost("--against", "dev", "--set", "architecture=x86_64", "--json")
    estimates = json.loads(result.stdout)["estimates"]
    assert list(estimates) == ["prod", "dev", "prod with architecture=x86_64"]
    assert estimates["dev"]["services"]["CloudWatch Logs"] > estimates["prod"]["services"]["CloudWatch Logs"]
    assert estimates["prod with architecture=x86_64"]["usdPerMonth"] > estimates["prod"]["usdPerMonth"]
    assert "difference" in run_cost("--against", "dev").stdout


def test_local_prices_the_local_stacks_settings() -> None:
    result = CliRunner().invoke(app, ["--uploads-per-day", "1000", "--megabytes", "5", "--local", "--json"])
    assert list(json.loads(result.stdout)["estimates"]) == ["local"]


def test_the_json_has_every_line_with_its_price_and_source(run_cost: Callable[..., Result]) -> None:
    found = json.loads(run_cost("--json").stdout)
    lines = found["estimates"]["prod"]["lines"]
    assert sum(entry["usd"] for entry in lines) == pytest.approx(found["estimates"]["prod"]["usdPerMonth"])
    assert {"usd", "per", "unit", "source", "asOf", "checked"} == set(lines[0]["price"])
    assert found["measured"]["command"] == "python -m bench.files --write"
    assert [option["chosen"] for option in found["workflowTypes"]["options"]] == [True, False]


def test_tables_and_orders_are_priced_beside_pictures(run_cost: Callable[..., Result]) -> None:
    arguments = ("--tables-per-day", "1000", "--table-megabytes", "20", "--orders-per-day", "500")
    ordered = (
        "--ordered",
        '{"width": 800, "height": 800, "fit": "cover", "focalPoint": "attention", "format": "avif"}',
    )
    result = run_cost(*arguments, *ordered, "--set", "orders.enabled=true", "--details")
    assert result.exit_code == 0, result.output
    told = " ".join(result.stdout.split())
    assert "1,000 tables a day of 20 MB: 0.03 million files and 600 GB a month" in told
    assert "500 orders a day of 800 px avif: 0.015 million a month" in told
    for shown in ("what for", "fulfil, ", "order queue", "orders with indexes", "of /tmp for table"):
        assert shown in told
    found = json.loads(run_cost(*arguments, "--set", "orders.enabled=true", "--json").stdout)["estimates"]
    parts = found["prod with orders.enabled=true"]["parts"]
    assert list(parts) == ["pictures", "tables", "orders", "stack"]
    assert min(parts.values()) > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--ordered", "{}", "--orders-per-day", "1"), "'format'"),
        (("--ordered", '{"width": 9, "format": "webp"}', "--orders-per-day", "1"), "16 to 8192"),
    ],
)
def test_what_cannot_be_ordered_is_one_line(
    run_cost: Callable[..., Result], arguments: tuple[str, ...], message: str
) -> None:
    result = run_cost(*arguments)
    assert isinstance(result.exception, PipelineError)
    assert message in str(result.exception)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"orders_per_day": 1}, "takes no orders: add --set orders.enabled=true"),
        ({"tables_per_day": 1}, "does not process tables"),
    ],
)
def test_load_that_a_stack_does_not_take_is_one_line(
    arguments: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = (
        "  img-pipeline:orders: {enabled: false}\n  img-pipeline:media: {table: null}\n"
        "  img-pipeline:transforms: {table: null}\n"
    )
    (tmp_path / "Pulumi.plain.yaml").write_text(f"config:\n  aws:region: eu-west-1\n{settings}", encoding="utf-8")
    monkeypatch.setattr(chosen, "PROJECT_DIRECTORY", tmp_path)
    with pytest.raises(PipelineError, match=message):
        report("plain", uploads_per_day=1, megabytes=1, **arguments)


@pytest.mark.parametrize("arguments", [("--megabytes", "0"), ("--core-speed", "0"), ("--orders-per-day", "-1")])
def test_invalid_loads_are_rejected(run_cost: Callable[..., Result], arguments: tuple[str, ...]) -> None:
    result = run_cost(*arguments)
    assert isinstance(result.exception, PipelineError)
    assert "to be above 0" in str(result.exception)
