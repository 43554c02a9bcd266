"""Where a command finds a deployed stack: its outputs, and clients for the cloud it is in."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any

import boto3
import typer
from botocore.config import Config

from localcloud.announcement import LocalCloud
from localcloud.clients import make_client
from localcloud.emulator import EmulatorError
from operations.errors import OperationError
from operations.pipeline import Pipeline

# Uploads and log queries run beside each other; boto3's own pool holds ten connections.
MAX_CONNECTIONS = 32

StackOption = Annotated[
    str, typer.Option("--stack", "-s", envvar="IMG_PIPELINE_STACK", help="The stack, as `pulumi stack ls` names it.")
]
LocalOption = Annotated[
    bool, typer.Option("--local", help="The embedded cloud that `make up` keeps running here; implies --stack local.")
]


@dataclass(frozen=True, kw_only=True)
class Connection:
    """A deployed stack.

    Attributes:
        stack: its name.
        outputs: its outputs by name (see `__main__.py`).
        endpoint_url: the embedded cloud's address; None on AWS.
        region: where the stack is.
    """

    stack: str
    outputs: Mapping[str, Any]
    region: str
    endpoint_url: str | None = None
    _clients: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @property
    def local(self) -> bool:
        """Whether the stack is in the embedded cloud."""
        return self.endpoint_url is not None

    @property
    def account_id(self) -> str:
        """The account that the stack is in."""
        return self._identity["Account"]

    @cached_property
    def _identity(self) -> dict[str, str]:
        return self.client("sts").get_caller_identity()

    @property
    def pipeline(self) -> Pipeline:
        """The stack as its user sees it."""
        return Pipeline(client=self.client, outputs=self.outputs)

    def client(self, service: str) -> Any:
        """A boto3 client, made once: the caller's own AWS credentials, or the embedded cloud's root."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._make_client(service)
            return self._clients[service]

    def _make_client(self, service: str) -> Any:
        if self.endpoint_url:
            # The account's root, as is every access key there that belongs to no role.
            return make_client(service, self.endpoint_url, self.region, account_id="test")
        return boto3.client(  # pyright: ignore[reportCallIssue]
            service,  # pyright: ignore[reportArgumentType]
            region_name=self.region,
            config=Config(max_pool_connections=MAX_CONNECTIONS, retries={"mode": "standard"}),
        )


def connect(stack: str, *, local: bool = False) -> Connection:
    """Find a deployed stack.

    Raises:
        OperationError: no embedded cloud runs here, or the stack or its outputs cannot be read.
    """
    if local or stack == "local":
        return connect_here(local_cloud())
    from operations.deployment import stack_outputs  # noqa: PLC0415 - Pulumi takes a second to import

    outputs = stack_outputs(stack)
    if not outputs:
        raise OperationError(f"stack {stack} has no outputs: deploy it with `img-pipeline deploy --stack {stack}`")
    return Connection(stack=stack, outputs=outputs, region=str(outputs["region"]))


def local_cloud() -> LocalCloud:
    """The embedded cloud that runs here.

    Raises:
        OperationError: there is none.
    """
    try:
        return LocalCloud.running()
    except EmulatorError as error:
        raise OperationError(str(error)) from None


def connect_here(here: LocalCloud) -> Connection:
    """The local stack in an embedded cloud."""
    return Connection(stack="local", outputs=here.outputs, region=here.region, endpoint_url=here.endpoint_url)
