"""Deploys the Pulumi program into the embedded cloud, in this process.

The program runs as under `pulumi up`, but with a resource monitor of this project: each resource that it registers is
created at once through boto3 by a handler of `localcloud.resources`. That tests the program's wiring, names and
policies against a running cloud; it does not test Pulumi's own AWS provider.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from google.protobuf import empty_pb2
from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks

from localcloud.resources.base import Cloud, ResourceError, create
from localcloud.resources.invokes import invoke
from program.in_process import PROJECT_DIRECTORY, run_program
from program.stack_file import read_stack_config

Progress = Callable[[str, str], None]
"""Called with the Pulumi type token and the name of each resource after its creation."""


class DeployError(Exception):
    """A resource could not be created; the message is one line that names it and the cause."""


def deploy(
    cloud: Cloud,
    stack: str = "local",
    config: Mapping[str, object] | None = None,
    progress: Progress | None = None,
    directory: Path = PROJECT_DIRECTORY,
) -> dict[str, Any]:
    """Run the program for one stack and create everything it registers in the cloud.

    A second run updates what the first one created. Only one run at a time in a process: the program is its `__main__`.

    Args:
        cloud: a running embedded cloud (see `localcloud.emulator.Emulator`).
        stack: which `Pulumi.{stack}.yaml` to use.
        config: settings that override the stack's, by key without namespace; objects are merged by key.
        progress: called after the creation of each resource, one call at a time.
        directory: the directory of `Pulumi.yaml` and `__main__.py`.

    Returns:
        The stack's outputs by name, with every value resolved.

    Raises:
        DeployError: the first resource that could not be created; nothing is created after it.
        StackConfigError: the stack or a setting does not exist.
        Exception: any exception of the program itself.
    """
    settings = read_stack_config(directory, stack, config or {})
    monitor = _CloudMonitor(_ResourceCreator(cloud, progress))
    values = settings.values | {"aws:region": cloud.region}
    try:
        run_program(monitor, project=settings.project, stack=stack, config=values, directory=directory)
    finally:
        monitor.creator.raise_failure()
    return monitor.stack_outputs


class _ResourceCreator(Mocks):
    """Creates the resources that the program registers. Called from several threads at once."""

    def __init__(self, cloud: Cloud, progress: Progress | None) -> None:
        self._cloud = cloud
        self._progress = progress
        self._lock = threading.Lock()
        self._failure: DeployError | None = None
        self._names: dict[tuple[str, str], str] = {}

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        # A component has no counterpart in the cloud; its outputs are what the program registers.
        if args.custom is False:
            return None, {}
        self.raise_failure()
        try:
            if args.resource_id:
                raise ResourceError("reading or importing an existing resource is not supported here")
            created = create(self._cloud, args.typ, args.name, _plain(args.inputs))
            self._refuse_duplicate(args, created.id)
        except Exception as error:
            raise self._fail(f"{args.typ} {args.name}", error) from error
        if self._progress:
            with self._lock:
                self._progress(args.typ, args.name)
        return created

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        try:
            return invoke(self._cloud, args.token, _plain(args.args)), []
        except Exception as error:
            raise self._fail(args.token, error) from error

    def _refuse_duplicate(self, args: MockResourceArgs, resource_id: str) -> None:
        """Refuse a second resource with the same physical name: creating it would update the first one unnoticed."""
        with self._lock:
            existing = self._names.setdefault((args.typ, resource_id), args.name)
        if existing != args.name:
            raise ResourceError(f"is the same resource as {existing}: both are {resource_id}")

    def raise_failure(self) -> None:
        """Raise the first failure, if any, so that no more resources are created."""
        with self._lock:
            if self._failure:
                # The traceback of the engine is of no use; the cause keeps its own.
                raise self._failure.with_traceback(None)

    def _fail(self, what: str, error: Exception) -> DeployError:
        expected = isinstance(error, ResourceError | ClientError | BotoCoreError)
        cause = str(error) if expected else f"{type(error).__name__}: {error}"
        failure = DeployError(f"{what}: {' '.join(cause.split())}")
        with self._lock:
            self._failure = self._failure or failure
        return failure


class _CloudMonitor(MockMonitor):
    """Pulumi's mock monitor that also keeps the stack's outputs."""

    def __init__(self, creator: _ResourceCreator) -> None:
        super().__init__(creator)
        self.creator = creator
        self.stack_outputs: dict[str, Any] = {}

    def RegisterResourceOutputs(self, request: Any) -> empty_pb2.Empty:
        if request.urn.split("::")[2] == "pulumi:pulumi:Stack":
            self.stack_outputs = _plain(rpc.deserialize_properties(request.outputs))
        return empty_pb2.Empty()


def _plain(value: Any) -> Any:
    """Decode values of Pulumi's protocol: secrets unwrapped, whole numbers as int, at any depth."""
    if rpc.is_rpc_secret(value):
        return _plain(rpc.unwrap_rpc_secret(value))
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
