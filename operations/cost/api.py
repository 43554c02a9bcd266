"""What the HTTP API and the web console cost."""

from __future__ import annotations

from collections.abc import Iterator

from components.settings import API_MEMORY_MB, Settings
from operations.cost import prices
from operations.cost.bill import GIGABYTE, Line, Load

# What a client calls for one file: one call for the upload URL, and polls until the job has ended: believed.
CALLS_PER_FILE = 4
SECONDS_PER_CALL = 0.03
# What one call logs: the access log's entry and the function's own line: believed.
LOG_BYTES_PER_CALL = 800
# For one file: the job's row with its entry in the index by owner, the caller's quota, and the index by owner once more
# for each of the two changes of its status, which remove an entry and add one.
WRITES_PER_FILE = 3 + 2 * 2
# A machine keeps its token for the hour that it is valid.
TOKENS_PER_MONTH = prices.HOURS_PER_MONTH
WEB_ACL_RULES = 2
# The console's page and its few files, opened a hundred times a day: believed.
CONSOLE_REQUESTS_PER_MONTH = 30 * 100 * 6


def upload_lines(settings: Settings, load: Load) -> Iterator[Line]:
    """Calls about files: every file comes by the API, and its client waits for the job to end."""
    if not settings.api.enabled:
        return
    yield from call_lines(settings, load.files * CALLS_PER_FILE)
    yield Line(
        service="DynamoDB",
        what="the API's jobs and quotas",
        quantity=load.files * WRITES_PER_FILE,
        price=prices.DYNAMODB_WRITE,
    )


def access_lines(settings: Settings) -> Iterator[Line]:
    """The API and its console without any file."""
    if not settings.api.enabled:
        return
    yield from _access(settings)
    if settings.api.has_console:
        yield Line(
            service="CloudFront",
            what="requests of the console",
            quantity=CONSOLE_REQUESTS_PER_MONTH,
            price=prices.CLOUDFRONT_REQUEST,
        )


def call_lines(settings: Settings, calls: float, *, waiting_seconds: float = 0.0) -> Iterator[Line]:
    """Calls of the API.

    Args:
        settings: the stack's.
        calls: a month.
        waiting_seconds: what the function waits for others in all of them together.
    """
    if not calls:
        return
    yield Line(service="API Gateway", what="calls", quantity=calls, price=prices.HTTP_API_CALL)
    yield Line(service="Lambda", what="api called", quantity=calls, price=prices.LAMBDA_REQUEST)
    yield Line(
        service="Lambda",
        what=f"api, {SECONDS_PER_CALL + waiting_seconds / calls:.2f} s at {API_MEMORY_MB} MB",
        quantity=(calls * SECONDS_PER_CALL + waiting_seconds) * API_MEMORY_MB / 1024,
        price=prices.LAMBDA_DURATION[settings.architecture],
    )
    yield Line(service="DynamoDB", what="the API's reads", quantity=calls, price=prices.DYNAMODB_READ)
    yield Line(
        service="CloudWatch Logs",
        what="calls of the API",
        quantity=calls * LOG_BYTES_PER_CALL / GIGABYTE,
        price=prices.LOG_INGESTION,
    )


def _access(settings: Settings) -> Iterator[Line]:
    if settings.api.makes_user_pool:
        yield Line(service="Cognito", what="the client for machines", quantity=1, price=prices.MACHINE_CLIENT)
        yield Line(service="Cognito", what="its tokens", quantity=TOKENS_PER_MONTH, price=prices.MACHINE_TOKEN)
    if settings.api.waf:
        yield Line(service="WAF", what="sign-in", quantity=1, price=prices.WEB_ACL)
        yield Line(service="WAF", what="rules", quantity=WEB_ACL_RULES, price=prices.WEB_ACL_RULE)
