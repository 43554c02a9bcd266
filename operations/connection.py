"""Where a command finds a deployed stack: its outputs, and clients for the cloud it is in."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import boto3
import typer
from botocore.config import Config

from operations.errors import OperationError
from operations.pipeline import Pipeline

# Where `make up` says which embedded cloud runs here and what the local stack is called in it.
LOCAL_STATE = Path(__file__).resolve().parent.parent / ".build" / "local-cloud.json"

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
    def pipeline(self) -> Pipeline:
        """The stack as its user sees it."""
        return Pipeline(client=self.client, outputs=self.outputs)

    def client(self, service: str) -> Any:
        """A boto3 client, made once: the caller's own AWS credentials, or the embedded cloud's root."""
        with self._lock:
            if service not in self._clients:
                # The embedded cloud has one host name, and retries would hide what it refuses.
                local = {
                    "endpoint_url": self.endpoint_url,
                    "aws_access_key_id": "test",
                    "aws_secret_access_key": "test",
                    "config": Config(inject_host_prefix=False),
                }
                self._clients[service] = boto3.client(  # pyright: ignore[reportCallIssue]
                    service,  # pyright: ignore[reportArgumentType]
                    region_name=self.region,
                    **(local if self.local else {}),
                )
            return self._clients[service]


def connect(stack: str, *, local: bool = False) -> Connection:
    """Find a deployed stack.

    Raises:
        OperationError: no embedded cloud runs here, or the stack or its outputs cannot be read.
    """
    if local or stack == "local":
        return _connect_here()
    from operations.deployment import stack_outputs  # noqa: PLC0415 - Pulumi takes a second to import

    outputs = stack_outputs(stack)
    if not outputs:
        raise OperationError(f"stack {stack} has no outputs: deploy it with `img-pipeline deploy --stack {stack}`")
    return Connection(stack=stack, outputs=outputs, region=str(outputs["region"]))


def _connect_here() -> Connection:
    try:
        state = json.loads(LOCAL_STATE.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise OperationError("no embedded cloud runs here: start one with `make up` in another terminal") from None
    return Connection(
        stack="local", outputs=state["outputs"], region=state["region"], endpoint_url=state["endpointUrl"]
    )
