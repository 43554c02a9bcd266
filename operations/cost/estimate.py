"""What a stack costs a month, line by line: quantity, price, and whose setting it follows from.

Counted are accepted files and fulfilled orders that need no retry; cold starts, rejected files, requests by the files'
readers and data transfer to the internet are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from components.settings import Settings
from components.settings.storage import snap_started
from operations.cost import prices
from operations.cost.api import access_lines
from operations.cost.bill import IDLE_POLLS_PER_MONTH, Line, Load, OrderLoad
from operations.cost.files import file_lines
from operations.cost.measurements import Measurements
from operations.cost.orders import OrderWork, idle_lines, order_lines
from operations.cost.prices import MILLION
from operations.cost.webhooks import receiver_lines
from operations.cost.work import CORE_SPEED, VALIDATE, PictureWork, TableWork

PICTURES, TABLES, ORDERS, STACK = "pictures", "tables", "orders", "stack"
"""The parts of a bill: what each of these costs, and what is paid without any."""

# X-Ray's default rule: the first each second, and this share of the rest ("Configuring sampling rules").
SAMPLED_SHARE = 0.05

METRICS_PER_FUNCTION = 2  # Duration and ColdStart
ALARM_METRICS_PER_FUNCTION = 4  # two alarms, each over two metrics
ALARM_METRICS_PER_SUBSCRIBER = 1
OTHER_ALARM_METRICS = 26
# With monitoring essential: two dead-letter queues, three metrics of each of two rules, and the queue's oldest message.
ESSENTIAL_ALARM_METRICS = 9
ESSENTIAL_ORDER_ALARM_METRICS = 2  # the dead-letter queue, and the queue's oldest message
API_ALARM_METRICS = 6  # three alarms, each over two metrics
REFUSED_CALLS_METRICS = 1
ORDER_ALARM_METRICS = 10  # three of the queues, three of the workflow, and two of each table
WEBHOOK_ALARM_METRICS = 3  # the dead-letter queue, and two of a queue that is not consumed


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What one stack costs a month under a load.

    Attributes:
        settings: the stack's.
        loads: the uploads by family: `PICTURES` and, if there are any, `TABLES`.
        orders: the orders, if there are any.
        parts: lines by part of the bill.
    """

    settings: Settings
    loads: Mapping[str, Load]
    orders: OrderLoad | None
    parts: Mapping[str, tuple[Line, ...]]

    @property
    def lines(self) -> tuple[Line, ...]:
        """Every line."""
        return tuple(chain.from_iterable(self.parts.values()))

    @property
    def usd(self) -> float:
        """US dollars a month, for everything."""
        return sum(line.usd for line in self.lines)

    @property
    def by_service(self) -> dict[str, float]:
        """US dollars a month by service, the costliest first."""
        totals: dict[str, float] = {}
        for line in self.lines:
            totals[line.service] = totals.get(line.service, 0.0) + line.usd
        return dict(sorted(totals.items(), key=lambda item: -item[1]))

    @property
    def by_part(self) -> dict[str, float]:
        """US dollars a month by part."""
        return {part: sum(line.usd for line in lines) for part, lines in self.parts.items()}

    @property
    def counts(self) -> dict[str, float]:
        """Files and orders a month, by part."""
        of_orders = {ORDERS: self.orders.orders} if self.orders else {}
        return {part: load.files for part, load in self.loads.items()} | of_orders

    @property
    def files(self) -> float:
        """Files a month."""
        return sum(load.files for load in self.loads.values())

    def per_million_files(self, usd: float) -> float:
        """A month's dollars as dollars per million files."""
        return usd * MILLION / self.files


def estimate(
    settings: Settings,
    load: Load,
    measured: Measurements,
    core_speed: float = CORE_SPEED,
    *,
    tables: Load | None = None,
    orders: OrderLoad | None = None,
) -> Estimate:
    """Price a stack.

    Args:
        settings: the stack's.
        load: the pictures that are uploaded.
        measured: what a file takes.
        core_speed: how fast Lambda's core is beside the measured one.
        tables: the tables that are uploaded.
        orders: the orders that are placed.
    """
    pictures = PictureWork(settings=settings, load=load, measured=measured, core_speed=core_speed)
    functions, executions = {VALIDATE, *pictures.transforms} | _functions_beside_workflows(settings), load.files
    parts = {PICTURES: file_lines(pictures)}
    if tables:
        work = TableWork(settings=settings, load=tables, measured=measured, core_speed=core_speed)
        parts[TABLES] = file_lines(work)
        functions, executions = functions | work.transforms.keys(), executions + tables.files
    if orders:
        parts[ORDERS] = order_lines(OrderWork(settings=settings, load=orders, measured=measured, core_speed=core_speed))
        functions, executions = functions | {"fulfil"}, executions + orders.orders
    parts[STACK] = chain(
        _always_warm(settings),
        _snapshots(settings),
        _idle_polls(settings),
        access_lines(settings),
        receiver_lines(settings),
        _monitoring(settings, len(functions), executions),
        _by_the_hour(settings),
    )
    return Estimate(
        settings=settings,
        loads={PICTURES: load} | ({TABLES: tables} if tables else {}),
        orders=orders,
        parts={part: tuple(lines) for part, lines in parts.items()},
    )


def standard_usd(executions: float, transitions: int) -> float:
    """What the same executions would cost in a Standard workflow."""
    return prices.STANDARD_TRANSITION.times(executions * transitions)


def lambda_usd(requests: float, gb_seconds: float, architecture: str) -> float:
    """What calls of functions cost."""
    return prices.LAMBDA_REQUEST.times(requests) + prices.LAMBDA_DURATION[architecture].times(gb_seconds)


def traces_per_month(files: float) -> float:
    """Executions that X-Ray's default rule samples, if they come evenly over the month."""
    first = min(files, prices.SECONDS_PER_MONTH)
    return first + SAMPLED_SHARE * (files - first)


def _functions_beside_workflows(settings: Settings) -> set[str]:
    """The functions that are called about every file and order; those that operators or failures call are left out."""
    return ({"api"} if settings.api.enabled else set()) | ({"webhook"} if settings.has_webhooks else set())


def _always_warm(settings: Settings) -> Iterator[Line]:
    validate = settings.validate_
    if warm := validate.provisioned_concurrency:
        yield Line(
            service="Lambda",
            what=f"validate kept warm {warm} times",
            quantity=warm * prices.SECONDS_PER_MONTH * validate.memory_mb / 1024,
            price=prices.LAMBDA_PROVISIONED[settings.architecture],
        )


def _snapshots(settings: Settings) -> Iterator[Line]:
    """One version of each function is kept."""
    if memory := snap_started(settings):
        yield Line(
            service="Lambda",
            what=f"snapshots of {len(memory)} functions",
            quantity=sum(memory.values()) / 1024 * prices.SECONDS_PER_MONTH,
            price=prices.LAMBDA_SNAPSHOT,
        )


def _idle_polls(settings: Settings) -> Iterator[Line]:
    yield Line(service="SQS", what="polls of the idle queue", quantity=IDLE_POLLS_PER_MONTH, price=prices.SQS_REQUEST)
    yield from idle_lines(settings)


def _monitoring(settings: Settings, functions: int, executions: float) -> Iterator[Line]:
    yield Line(
        service="CloudWatch",
        what="metrics that alarms watch",
        quantity=alarm_metrics(settings),
        price=prices.ALARM_METRIC,
    )
    if settings.has_full_monitoring:
        yield Line(
            service="CloudWatch",
            what="functions' own metrics",
            quantity=functions * METRICS_PER_FUNCTION,
            price=prices.CUSTOM_METRIC,
        )
        yield Line(service="CloudWatch", what="paging alarm", quantity=1, price=prices.COMPOSITE_ALARM)
        yield Line(service="CloudWatch", what="dashboard", quantity=1, price=prices.DASHBOARD)
    if settings.tracing:
        yield Line(
            service="X-Ray", what="sampled executions", quantity=traces_per_month(executions), price=prices.TRACE
        )


def alarm_metrics(settings: Settings) -> int:
    """Metrics in all alarms together; each is paid for."""
    if not settings.has_full_monitoring:
        return (
            ESSENTIAL_ALARM_METRICS
            + WEBHOOK_ALARM_METRICS * settings.has_webhooks
            + ESSENTIAL_ORDER_ALARM_METRICS * settings.has_orders
            + ALARM_METRICS_PER_SUBSCRIBER * len(settings.result_subscribers)
        )
    api = API_ALARM_METRICS + REFUSED_CALLS_METRICS * (settings.api.auth == "jwt") if settings.api.enabled else 0
    return (
        OTHER_ALARM_METRICS
        + api
        + WEBHOOK_ALARM_METRICS * settings.has_webhooks
        + ORDER_ALARM_METRICS * settings.has_orders
        + ALARM_METRICS_PER_FUNCTION * len(settings.function_layers)
        + ALARM_METRICS_PER_SUBSCRIBER * len(settings.result_subscribers)
    )


def _by_the_hour(settings: Settings) -> Iterator[Line]:
    """What is paid for by the hour, files or none."""
    if settings.encryption == "kms" and not settings.kms_key_arn:
        # With bucket keys and cached data keys, the number of requests is negligible.
        yield Line(service="KMS", what="the stack's key", quantity=1, price=prices.KMS_KEY)
    if settings.vpc and settings.vpc.interface_endpoints:
        endpoints, zones = len(settings.vpc.interface_endpoints), len(settings.vpc.subnet_ids)
        yield Line(
            service="PrivateLink",
            what=f"{endpoints} endpoints in {zones} zones",
            quantity=endpoints * zones * prices.HOURS_PER_MONTH,
            price=prices.ENDPOINT_HOUR,
        )
