"""A stand-in for the real provider that knows of the cloud only what its configuration says.

It fails where the real one would leave this machine: a resource of a service without an endpoint, or no credentials.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any

from pulumi.runtime.proto import provider_pb2
from pulumi_aws import ProviderEndpointArgs

from localcloud import resources  # noqa: F401 (importing it registers every handler)
from localcloud.clients import make_client
from localcloud.provider.real import ENDPOINTS
from localcloud.provider.servicer import Context, Provider
from localcloud.provider.serving import serve
from localcloud.provider.wire import decode
from localcloud.resources.base import ResourceError


class ConfiguredCloud:
    """The cloud at the configured endpoints."""

    def __init__(self, configuration: dict[str, Any]) -> None:
        (self._endpoints,) = configuration["endpoints"]
        if unknown := [name for name in self._endpoints if name not in _endpoint_names()]:
            raise ResourceError(f"the real provider knows no endpoint {unknown[0]}")
        self.region, self.account_id = configuration["region"], configuration["accessKey"]
        self.endpoint_url = self._endpoints["sts"]

    def client(self, service: str, /) -> Any:
        """A client for a service that has an endpoint."""
        endpoint_url = self._endpoints.get(ENDPOINTS.get(service, service))
        if endpoint_url is None:
            raise ResourceError(f"no endpoint is configured for {service}: the real provider would call AWS")
        return make_client(service, endpoint_url, self.region, self.account_id)


class Stub(Provider):
    """Our provider with nothing but the configuration of the real one."""

    def Configure(self, request: provider_pb2.ConfigureRequest, context: Context) -> provider_pb2.ConfigureResponse:  # noqa: ARG002
        given = decode(request.args)
        # The engine passes objects and Booleans of a stack's configuration as JSON.
        read = {key: _read(value) for key, value in given.items()}
        self._configured = ConfiguredCloud(read)
        return provider_pb2.ConfigureResponse(supportsPreview=True)


def _endpoint_names() -> set[str]:
    return {name.rstrip("_") for name in ProviderEndpointArgs.__init__.__annotations__}


def _read(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) and value[:1] in "[{tf" else value
    except json.JSONDecodeError:
        return value


if __name__ == "__main__":
    serve(Stub(lambda _: None, version("pulumi-aws")))  # pyright: ignore[reportArgumentType]
