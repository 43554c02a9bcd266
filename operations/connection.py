"""Where a command finds a deployed stack: its outputs, and clients for the cloud it is in."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self

import boto3
import typer
from botocore.config import Config

from localcloud.clients import make_client
from operations.errors import OperationError
from operations.pipeline import Pipeline

# Where `make up` says which embedded cloud runs here and what the local stack is called in it.
LOCAL_STATE = Path(__file__).resolve().parent.parent / ".build" / "local-cloud.json"
ANSWER_TIMEOUT_SECONDS = 5
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


@dataclass(frozen=True, kw_only=True)
class LocalCloud:
    """The embedded cloud that `make up` keeps running here.

    Attributes:
        endpoint_url: its address.
        region: where its resources are.
        outputs: the local stack's outputs by name.
    """

    endpoint_url: str
    region: str
    outputs: Mapping[str, Any]

    @classmethod
    def running(cls) -> Self:
        """The one that runs now.

        Raises:
            OperationError: none was announced, or the one that was does not answer any more.
        """
        try:
            state = json.loads(LOCAL_STATE.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise OperationError("no embedded cloud runs here: start one with `make up` in another terminal") from None
        if not _answers(state["endpointUrl"]):
            raise OperationError(
                f"the embedded cloud at {state['endpointUrl']} does not answer any more: "
                "start a new one with `make up` in another terminal"
            )
        return cls(endpoint_url=state["endpointUrl"], region=state["region"], outputs=state["outputs"])

    @contextlib.contextmanager
    def announced(self) -> Iterator[None]:
        """Let `--local` find this cloud until the end of the block, or until another one is announced."""
        self.announce()
        try:
            yield
        finally:
            with contextlib.suppress(FileNotFoundError):
                if json.loads(LOCAL_STATE.read_text(encoding="utf-8"))["endpointUrl"] == self.endpoint_url:
                    LOCAL_STATE.unlink()

    def announce(self) -> None:
        """Write where this cloud is; a reader sees either the old state or the new, never half of one."""
        LOCAL_STATE.parent.mkdir(parents=True, exist_ok=True)
        draft = LOCAL_STATE.with_suffix(f".{os.getpid()}")
        state = {"endpointUrl": self.endpoint_url, "region": self.region, "outputs": dict(self.outputs)}
        draft.write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")
        draft.replace(LOCAL_STATE)

    def connection(self) -> Connection:
        """The local stack in it."""
        return Connection(stack="local", outputs=self.outputs, region=self.region, endpoint_url=self.endpoint_url)


def connect(stack: str, *, local: bool = False) -> Connection:
    """Find a deployed stack.

    Raises:
        OperationError: no embedded cloud runs here, or the stack or its outputs cannot be read.
    """
    if local or stack == "local":
        return LocalCloud.running().connection()
    from operations.deployment import stack_outputs  # noqa: PLC0415 - Pulumi takes a second to import

    outputs = stack_outputs(stack)
    if not outputs:
        raise OperationError(f"stack {stack} has no outputs: deploy it with `img-pipeline deploy --stack {stack}`")
    return Connection(stack=stack, outputs=outputs, region=str(outputs["region"]))


def _answers(endpoint_url: str) -> bool:
    """Whether an embedded cloud is there, and not something else that has taken its port since."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{endpoint_url}/_ministack/health", timeout=ANSWER_TIMEOUT_SECONDS) as answer:
            return answer.status == 200 and "services" in json.load(answer)
    except (OSError, ValueError):
        return False
