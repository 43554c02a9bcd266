"""`img-pipeline webhooks`: the endpoints that are told of results, and the secrets that they verify with."""

from __future__ import annotations

from typing import Annotated

import typer

from client.errors import NotFoundError
from client.webhooks import (
    replay_webhooks,
    rotate_signing_keys,
    send_test,
    signing_keys,
    webhook_endpoints,
)
from operations.commands.console import confirmed, finish, out, print_json, print_table, sending
from operations.commands.options import OPERATE, JsonOption, LocalOption, RateOption, StackOption, YesOption
from operations.connection import connect

app = typer.Typer()
webhooks = typer.Typer(help="Webhooks: list, test, replay, rotate their secret.", no_args_is_help=True)
app.add_typer(webhooks, name="webhooks", rich_help_panel=OPERATE)

EndpointArgument = Annotated[str, typer.Argument(metavar="ENDPOINT", help="An endpoint of the setting webhooks.")]


@webhooks.command("list")
def list_endpoints(*, stack: StackOption = None, local: LocalOption = False, as_json: JsonOption = False) -> None:
    """Every endpoint of the settings, and since when those that answered 410 Gone are disabled.

    Example: `img-pipeline webhooks list --stack prod`
    """
    found = webhook_endpoints(connect(stack, local=local))
    if as_json:
        print_json(found)
        return
    rows = [(each.name, each.url, f"disabled since {each.disabled_at}" if each.disabled_at else "") for each in found]
    print_table(("endpoint", "address", "state"), rows)


@webhooks.command("test")
def request_test(*, endpoint: EndpointArgument, stack: StackOption = None, local: LocalOption = False) -> None:
    """Send an endpoint a delivery of the type WebhookTest, through the queue as any other.

    Example: `img-pipeline webhooks test catalogue --stack prod`
    """
    pipeline = connect(stack, local=local)
    signing_keys(pipeline)
    delivery_id = send_test(pipeline, endpoint)
    out.print(f"queued {delivery_id}; the function's log says what {endpoint} answers")


@webhooks.command("replay")
def replay_endpoint(
    *,
    endpoint: EndpointArgument,
    rate: RateOption = 10,
    stack: StackOption = None,
    local: LocalOption = False,
    yes: YesOption = False,
) -> None:
    """Enable an endpoint again, and send it the deliveries that were given up.

    Example: `img-pipeline webhooks replay catalogue --stack prod --yes`
    """
    pipeline = connect(stack, local=local)
    if endpoint not in {each.name for each in webhook_endpoints(pipeline)}:
        raise NotFoundError(f"{pipeline.stack} has no webhook endpoint {endpoint}: see `img-pipeline webhooks list`")
    if not confirmed(f"replay would enable {endpoint}, and send it what it did not accept", yes=yes):
        return
    with sending("replaying", None) as (interruption, on_progress):
        result = replay_webhooks(pipeline, endpoint, rate=rate, clock=interruption, on_progress=on_progress)
    finish(result, f"{endpoint} is enabled; replayed {result.sent}, left {result.left} of other endpoints")


@webhooks.command()
def rotate(*, stack: StackOption = None, local: LocalOption = False, yes: YesOption = False) -> None:
    """Sign with a new secret, and with the one before it beside until the next rotation; the first time, make one.

    Example: `img-pipeline webhooks rotate --stack prod --yes`
    """
    pipeline = connect(stack, local=local)
    if not confirmed("rotate would make a new signing secret; of the ones now in use, the older ends", yes=yes):
        return
    rotate_signing_keys(pipeline)
    out.print("rotated: give each receiver its new secret, `img-pipeline webhooks secret ENDPOINT`")


@webhooks.command()
def secret(
    *,
    endpoint: Annotated[str, typer.Argument(metavar="ENDPOINT", help="An endpoint, or the host of a callbackUrl.")],
    stack: StackOption = None,
    local: LocalOption = False,
) -> None:
    """The secret that a receiver verifies with, its own; print it where only its owner sees it.

    Example: `img-pipeline webhooks secret catalogue --stack prod`
    """
    out.print(signing_keys(connect(stack, local=local)).secrets_of(endpoint)[0], markup=False)
