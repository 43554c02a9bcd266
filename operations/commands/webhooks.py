"""`img-pipeline webhooks`: the receivers of results, and the secrets that they verify deliveries with."""

from __future__ import annotations

from typing import Annotated

import typer

from client.webhooks import (
    replay_webhooks,
    rotate_signing_keys,
    send_test,
    signing_keys,
    webhook_receiver,
    webhook_receivers,
)
from operations.commands.console import confirmed, finish, out, print_json, print_table, sending
from operations.commands.options import OPERATE, JsonOption, LocalOption, RateOption, StackOption, YesOption
from operations.connection import connect

app = typer.Typer()
webhooks = typer.Typer(help="Webhooks: list, test, replay, rotate their secret.", no_args_is_help=True)
app.add_typer(webhooks, name="webhooks", rich_help_panel=OPERATE)

ReceiverArgument = Annotated[
    str, typer.Argument(metavar="RECEIVER", help="An endpoint of the setting webhooks, or a host of callbacks.")
]


@webhooks.command("list")
def list_receivers(*, stack: StackOption = None, local: LocalOption = False, as_json: JsonOption = False) -> None:
    """List endpoints and callback hosts, and since when those that answered 410 Gone are disabled.

    Example: `img-pipeline webhooks list --stack prod`
    """
    found = webhook_receivers(connect(stack, local=local))
    if as_json:
        print_json(found)
        return
    rows = [
        (each.name, each.url or "callbacks", f"disabled since {each.disabled_at}" if each.disabled_at else "enabled")
        for each in found
    ]
    print_table(("receiver", "address", "state"), rows)


@webhooks.command("test")
def request_test(
    *,
    endpoint: Annotated[str, typer.Argument(metavar="ENDPOINT", help="An endpoint of the setting webhooks.")],
    stack: StackOption = None,
    local: LocalOption = False,
) -> None:
    """Send an endpoint a delivery of the type WebhookTest, through the queue as any other.

    Example: `img-pipeline webhooks test catalogue --stack prod`
    """
    pipeline = connect(stack, local=local)
    delivery_id = send_test(pipeline, endpoint)
    log_group = pipeline.outputs.log_groups["webhook"]
    out.print(f"queued {delivery_id}; the status that {endpoint} answers is logged in {log_group}", markup=False)


@webhooks.command("replay")
def replay_receiver(
    *,
    receiver: ReceiverArgument,
    rate: RateOption = 10,
    stack: StackOption = None,
    local: LocalOption = False,
    yes: YesOption = False,
) -> None:
    """Enable a receiver again, and send it the deliveries that it did not accept.

    Example: `img-pipeline webhooks replay catalogue --stack prod --yes`
    """
    pipeline = connect(stack, local=local)
    webhook_receiver(pipeline, receiver)
    if not confirmed(f"replay would enable {receiver} and send it the deliveries that it did not accept", yes=yes):
        return
    with sending("replaying", None) as (interruption, on_progress):
        result = replay_webhooks(pipeline, receiver, rate=rate, clock=interruption, on_progress=on_progress)
    finish(result, f"{receiver} is enabled; replayed {result.sent}, left {result.left} of other receivers")


@webhooks.command()
def rotate(*, stack: StackOption = None, local: LocalOption = False, yes: YesOption = False) -> None:
    """Create a new signing key; deliveries are signed with it and with the previous one. The first time, create one.

    Example: `img-pipeline webhooks rotate --stack prod --yes`
    """
    pipeline = connect(stack, local=local)
    if not confirmed("rotate would create a signing key and end the use of the one before the current one", yes=yes):
        return
    rotate_signing_keys(pipeline)
    out.print("rotated: give each receiver its new secret, see `img-pipeline webhooks secret RECEIVER`")


@webhooks.command()
def secret(*, receiver: ReceiverArgument, stack: StackOption = None, local: LocalOption = False) -> None:
    """Print the secret that a receiver verifies deliveries with; each receiver has its own.

    Example: `img-pipeline webhooks secret catalogue --stack prod`
    """
    pipeline = connect(stack, local=local)
    webhook_receiver(pipeline, receiver)
    out.print(signing_keys(pipeline).secrets_of(receiver)[0], markup=False)
