"""How a command finds the stack it is about, on AWS or in the embedded cloud."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from client.clients import Clients, aws_clients
from client.errors import InvalidRequestError, NotFoundError
from client.pipeline import Pipeline
from contract.outputs import MissingOutputsError, StackOutputs, read_outputs
from localcloud.announcement import LocalCloud
from localcloud.clients import make_client
from localcloud.emulator import EmulatorError

LOCAL = "local"
DEFAULT_STACK = "dev"


def stack_name(stack: str | None, *, local: bool = False) -> str:
    """The stack that the options `--stack` and `--local` name.

    Raises:
        InvalidRequestError: they name two different ones.
    """
    if local and stack not in (None, LOCAL):
        raise InvalidRequestError(
            f"--local means the stack {LOCAL}, but the stack {stack} was requested: "
            "remove --local, or --stack (and IMG_PIPELINE_STACK)"
        )
    return LOCAL if local else stack or DEFAULT_STACK


def connect(stack: str | None, *, local: bool = False) -> Pipeline:
    """Find a deployed stack.

    Args:
        stack: its name; None for the default.
        local: whether it has to be the one in the embedded cloud.

    Raises:
        PipelineError: no embedded cloud runs here, or the stack or its outputs cannot be read.
    """
    name = stack_name(stack, local=local)
    if name == LOCAL:
        return connect_here(local_cloud())
    from operations.deploy.engine import stack_outputs  # noqa: PLC0415 - Pulumi takes a second to import

    outputs = stack_outputs(name)
    if not outputs:
        raise NotFoundError(f"stack {name} has no outputs: deploy it with `img-pipeline deploy --stack {name}`")
    return Pipeline(stack=name, outputs=_read(name, outputs), client=aws_clients(str(outputs["region"])))


def local_cloud() -> LocalCloud:
    """The embedded cloud that runs here.

    Raises:
        NotFoundError: there is none.
    """
    try:
        return LocalCloud.running()
    except EmulatorError as error:
        raise NotFoundError(str(error)) from None


def connect_here(here: LocalCloud) -> Pipeline:
    """The local stack in an embedded cloud."""
    return Pipeline(
        stack=LOCAL,
        outputs=_read(LOCAL, here.outputs),
        client=CloudHere(here).client,
        endpoint_url=here.endpoint_url,
    )


class CloudHere:
    """An embedded cloud that runs here, whatever is deployed in it; the caller has the rights of its account's root."""

    def __init__(self, here: LocalCloud) -> None:
        self.region = here.region
        self.client = Clients(lambda service: make_client(service, here.endpoint_url, here.region, account_id="test"))

    @property
    def account_id(self) -> str:
        """The cloud's account."""
        return self.client("sts").get_caller_identity()["Account"]


def _read(stack: str, exported: Mapping[str, Any]) -> StackOutputs[str]:
    try:
        return read_outputs(exported)
    except MissingOutputsError as error:
        raise NotFoundError(f"{stack}: {error} (img-pipeline deploy --stack {stack})") from None
