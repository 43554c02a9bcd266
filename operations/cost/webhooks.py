"""What webhooks cost; requests to their receivers are data transfer, which is left out."""

from __future__ import annotations

from collections.abc import Iterator

from components.settings import WEBHOOK_MEMORY_MB, Settings
from contract.messages import Outcome
from operations.cost import prices
from operations.cost.bill import GIGABYTE, IDLE_POLLS_PER_MONTH, REQUESTS_PER_MESSAGE, Line

# One message a call, the answer of a receiver included: believed.
SECONDS_PER_CALL = 0.2
# The function keeps the signing key for five minutes; one environment runs all month.
KEY_READS_PER_MONTH = prices.SECONDS_PER_MONTH / 300


def delivery_lines(
    settings: Settings, results: float, outcome: Outcome, *, log_bytes_per_call: float
) -> Iterator[Line]:
    """One delivery of each result to each endpoint and, where hosts are allowed, to its job's callback; no retries."""
    if not settings.has_webhooks:
        return
    endpoints = settings.webhooks.endpoints.values()
    deliveries = sum(not each.outcomes or outcome in each.outcomes for each in endpoints)
    deliveries += bool(settings.callback_hosts)
    # The result itself is a message too: the function makes the deliveries of it.
    messages = results * (1 + deliveries)
    yield Line(service="SQS", what="webhooks", quantity=messages * REQUESTS_PER_MESSAGE, price=prices.SQS_REQUEST)
    yield Line(service="Lambda", what="webhook called", quantity=messages, price=prices.LAMBDA_REQUEST)
    yield Line(
        service="Lambda",
        what=f"webhook, {SECONDS_PER_CALL:.2f} s at {WEBHOOK_MEMORY_MB} MB",
        quantity=messages * SECONDS_PER_CALL * WEBHOOK_MEMORY_MB / 1024,
        price=prices.LAMBDA_DURATION[settings.architecture],
    )
    # Whether a receiver is disabled; the callback's address is read with the result and with its delivery.
    reads = deliveries + 2 * bool(settings.callback_hosts)
    yield Line(service="DynamoDB", what="webhook receivers", quantity=results * reads, price=prices.DYNAMODB_READ)
    yield Line(
        service="CloudWatch Logs",
        what="webhook calls",
        quantity=messages * log_bytes_per_call / GIGABYTE,
        price=prices.LOG_INGESTION,
    )


def receiver_lines(settings: Settings) -> Iterator[Line]:
    """What a stack with webhooks costs without any result."""
    if not settings.has_webhooks:
        return
    yield Line(
        service="SQS",
        what="polls of the webhooks' idle queue",
        quantity=IDLE_POLLS_PER_MONTH,
        price=prices.SQS_REQUEST,
    )
    yield Line(service="Secrets Manager", what="the signing key", quantity=1, price=prices.SECRET)
    yield Line(service="Secrets Manager", what="reads of it", quantity=KEY_READS_PER_MONTH, price=prices.SECRET_REQUEST)
