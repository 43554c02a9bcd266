"""Pulumi's resource provider protocol over the handlers of `localcloud.resources`.

The provider declares no support for secrets: the engine passes plain values and marks outputs of secret inputs as
secret.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import grpc
from botocore.exceptions import BotoCoreError, ClientError
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import plugin_pb2, provider_pb2
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderServicer

from localcloud.provider.wire import decode, encode
from localcloud.resources import lifecycle
from localcloud.resources.base import Cloud, ResourceError
from localcloud.resources.invokes import invoke

Context = grpc.ServicerContext
Answer = TypeVar("Answer")
Connect = Callable[[str], Cloud]
"""Returns the cloud, given the region that the stack is configured for ("" if it is not)."""

_PropertyDiff = provider_pb2.PropertyDiff
_KINDS = {
    ("add", False): _PropertyDiff.ADD,
    ("add", True): _PropertyDiff.ADD_REPLACE,
    ("delete", False): _PropertyDiff.DELETE,
    ("delete", True): _PropertyDiff.DELETE_REPLACE,
    ("update", False): _PropertyDiff.UPDATE,
    ("update", True): _PropertyDiff.UPDATE_REPLACE,
}


class Provider(ResourceProviderServicer):
    """Creates, reads, updates, replaces and deletes resources in one embedded cloud."""

    def __init__(self, connect: Connect, version: str) -> None:
        self._connect = connect
        self._version = version
        self._configured: Cloud | None = None

    def GetPluginInfo(self, request: Empty, context: Context) -> plugin_pb2.PluginInfo:  # noqa: ARG002
        return plugin_pb2.PluginInfo(version=self._version)

    def CheckConfig(self, request: provider_pb2.CheckRequest, context: Context) -> provider_pb2.CheckResponse:  # noqa: ARG002
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: provider_pb2.DiffRequest, context: Context) -> provider_pb2.DiffResponse:  # noqa: ARG002
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request: provider_pb2.ConfigureRequest, context: Context) -> provider_pb2.ConfigureResponse:
        region = decode(request.args).get("region") or request.variables.get("aws:config:region", "")
        self._configured = _answered(context, lambda: self._connect(region))
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def Invoke(self, request: provider_pb2.InvokeRequest, context: Context) -> provider_pb2.InvokeResponse:
        found = _answered(context, lambda: invoke(self._cloud, request.tok, decode(request.args)))
        answer = provider_pb2.InvokeResponse()
        # `return` is a keyword in Python.
        getattr(answer, "return").CopyFrom(encode(found))
        return answer

    def Check(self, request: provider_pb2.CheckRequest, context: Context) -> provider_pb2.CheckResponse:
        news, olds = decode(request.news), decode(request.olds)
        inputs, problems = _answered(
            context, lambda: lifecycle.check(_subject(request), news, olds, request.randomSeed)
        )
        failures = [provider_pb2.CheckFailure(property=key, reason=reason) for key, reason in problems.items()]
        return provider_pb2.CheckResponse(inputs=encode(inputs), failures=failures)

    def Diff(self, request: provider_pb2.DiffRequest, context: Context) -> provider_pb2.DiffResponse:
        state, inputs = decode(request.olds), decode(request.news)
        found = _answered(context, lambda: lifecycle.compare(request.type, state, inputs))
        changes = provider_pb2.DiffResponse.DIFF_SOME if found.differences else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(
            changes=changes,
            diffs=[each.property for each in found.differences],
            replaces=[each.property for each in found.differences if each.replaces],
            deleteBeforeReplace=found.deletes_first,
            detailedDiff={
                each.property: _PropertyDiff(kind=_KINDS[each.kind, each.replaces]) for each in found.differences
            },
            hasDetailedDiff=True,
        )

    def Create(self, request: provider_pb2.CreateRequest, context: Context) -> provider_pb2.CreateResponse:
        inputs = decode(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=encode(lifecycle.preview_create(request.type, inputs)))
        created = _answered(context, lambda: lifecycle.create(self._cloud, _subject(request), inputs))
        return provider_pb2.CreateResponse(id=created.id, properties=encode(created.outputs))

    def Read(self, request: provider_pb2.ReadRequest, context: Context) -> provider_pb2.ReadResponse:
        state, inputs = decode(request.properties), decode(request.inputs)
        if not state:
            _refuse(context, "reading or importing an existing resource is not supported here")
        drift = _answered(context, lambda: lifecycle.read(self._cloud, _subject(request), state))
        if drift is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(id=request.id, properties=encode(state | drift), inputs=encode(inputs | drift))

    def Update(self, request: provider_pb2.UpdateRequest, context: Context) -> provider_pb2.UpdateResponse:
        state, inputs = decode(request.olds), decode(request.news)
        if request.preview:
            known = lifecycle.preview_update(request.type, state, inputs)
            return provider_pb2.UpdateResponse(properties=encode(known))
        updated = _answered(context, lambda: lifecycle.update(self._cloud, _subject(request), state, inputs))
        return provider_pb2.UpdateResponse(properties=encode(updated.outputs))

    def Delete(self, request: provider_pb2.DeleteRequest, context: Context) -> Empty:
        state = decode(request.properties)
        _answered(context, lambda: lifecycle.delete(self._cloud, _subject(request), state))
        return Empty()

    def Cancel(self, request: Empty, context: Context) -> Empty:  # noqa: ARG002 (all operations are short)
        return Empty()

    @property
    def _cloud(self) -> Cloud:
        if self._configured is None:
            raise ResourceError("the engine has not configured this provider")
        return self._configured


def _subject(request: Any) -> lifecycle.Subject:
    return lifecycle.Subject(type=request.type, name=request.name, id=getattr(request, "id", ""))


def _answered(context: Context, act: Callable[[], Answer]) -> Answer:
    """Call `act` and report a failure to the engine as one line."""
    try:
        return act()
    except (ResourceError, ClientError, BotoCoreError) as error:
        _refuse(context, " ".join(str(error).split()))
    except Exception as error:
        _refuse(context, f"{type(error).__name__}: {error}")
        raise


def _refuse(context: Any, message: str) -> NoReturn:
    context.abort(grpc.StatusCode.UNKNOWN, message)
    raise AssertionError("abort() raises")
