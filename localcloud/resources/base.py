"""Base classes and registry of the resource handlers.

A handler is one class per Pulumi resource type. Its fields are the supported input properties under the provider's
names (camelCase outside, snake_case here); its methods create, read and delete the resource:

>>> @handles("aws:sqs/queue:Queue")
... class Queue(Resource):
...     identity: ClassVar = ("name",)
...
...     name: str
...     delay_seconds: int = 0
...
...     def create(self, cloud: Cloud) -> Created: ...
...     def read(self, cloud: Cloud, resource_id: str) -> Self: ...
...     def delete(self, cloud: Cloud, resource_id: str) -> None: ...

The in-process deployer (`localcloud.deployer`) only creates; the plugin for Pulumi's engine (`localcloud.provider`)
also reads, updates and deletes, through `localcloud.resources.lifecycle`.

A property without a field is refused before anything is created, so that the embedded cloud and AWS do not differ
without an error. Properties without effect in the embedded cloud are in `irrelevant`, each with its reason.
"""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar, NamedTuple, Protocol, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from localcloud.resources.tags import TagApi

HANDLERS: dict[str, type[Resource]] = {}
"""Handler class by Pulumi type token; filled by :func:`handles`."""


class Cloud(Protocol):
    """The interface of a cloud that handlers use."""

    @property
    def region(self) -> str: ...

    @property
    def account_id(self) -> str: ...

    def client(self, service: str, /) -> Any:
        """Return a boto3 client for the service, shared by threads."""
        ...


class Created(NamedTuple):
    """A created resource: its physical id and the outputs that are not inputs, under the provider's names."""

    id: str
    outputs: dict[str, Any]


class ResourceError(Exception):
    """A resource cannot be created; the message is one line for the author of the program."""


class ResourceNotFound(Exception):
    """The resource does not exist, for APIs without an error of their own for it."""


class Properties(BaseModel):
    """A group of input properties with camelCase aliases; unknown properties are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, arbitrary_types_allowed=True)


class Resource(Properties, ABC):
    """One resource type: its supported inputs and its operations."""

    generated_name: ClassVar[str | None] = None
    """The input with the physical name, generated from the resource's name if the program omits it."""

    irrelevant: ClassVar[Mapping[str, str]] = {}
    """Inputs that are accepted without effect: property -> reason."""

    identity: ClassVar[Collection[str]] = ()
    """The fields that identify the resource: a change replaces it."""

    fixed: ClassVar[Collection[str]] = ()
    """The fields that cannot be updated: a change deletes the resource, then creates it again under its name."""

    volatile: ClassVar[Collection[str]] = ()
    """The outputs that an update changes, under the provider's names."""

    @abstractmethod
    def create(self, cloud: Cloud) -> Created:
        """Create the resource, or update the existing one with its name; API errors are not caught.

        So a second deployment, with other settings or into a kept data directory, updates the existing resources.
        Optional inputs that are no longer set keep their values, and resources that are no longer registered remain.
        """

    @abstractmethod
    def read(self, cloud: Cloud, resource_id: str) -> Self:
        """Return the inputs with their current values in the cloud; inputs that the API does not return are unchanged.

        Raises:
            ResourceNotFound: the resource does not exist; the API's own errors for it are not caught.
        """

    @abstractmethod
    def delete(self, cloud: Cloud, resource_id: str) -> None:
        """Delete the resource; the API's errors for a resource that does not exist are not caught."""

    def update(self, cloud: Cloud, resource_id: str) -> Created:  # noqa: ARG002 (for those that have no name)
        """Update the existing resource, except the fields in `identity` and `fixed`."""
        return self.create(cloud)

    def with_actual_values(self, **values: Any) -> Self:
        """Return the inputs with the API's values by field; numbers can be strings, as in some APIs.

        Inputs that the program does not set (None) remain None. A value of None is the default of the input.
        """
        fields = type(self).model_fields
        properties = self.model_dump(by_alias=True, exclude_none=True)
        for name, value in values.items():
            alias = fields[name].alias or name
            if getattr(self, name) is None:
                continue
            if value is None:
                properties.pop(alias)
            else:
                properties[alias] = value
        return self.model_validate(properties)


class TaggedResource(Resource):
    """A resource type with tags."""

    tag_api: ClassVar[TagApi]
    """How an existing resource is tagged."""

    tags: Mapping[str, str] = {}


HandlerT = TypeVar("HandlerT", bound=type[Resource])


def handles(token: str) -> Callable[[HandlerT], HandlerT]:
    """Register the class as the handler of a Pulumi type token such as ``aws:s3/bucket:Bucket``."""

    def register(handler: HandlerT) -> HandlerT:
        HANDLERS[token] = handler
        return handler

    return register


def parse(token: str, name: str, inputs: Mapping[str, Any]) -> Resource:
    """Return the handler of one resource with its inputs.

    Args:
        token: Pulumi type token.
        name: the resource's name in the program; physical names are generated from it.
        inputs: camelCase input properties; plain values, assets and archives.

    Raises:
        ResourceError: the type or one of the properties is not supported.
    """
    handler = handler_of(token)
    properties = {key: value for key, value in inputs.items() if key not in handler.irrelevant}
    if handler.generated_name and handler.generated_name not in properties:
        properties[handler.generated_name] = generated_name(name, secrets.token_bytes(4))
    try:
        return handler.model_validate(properties)
    except ValidationError as error:
        raise ResourceError("; ".join(explain(handler, problem) for problem in error.errors())) from None


def handler_of(token: str) -> type[Resource]:
    """Return the class that handles a Pulumi type token.

    Raises:
        ResourceError: the type is not supported.
    """
    if token not in HANDLERS:
        raise ResourceError(f'this type is not supported: add a class with @handles("{token}") to localcloud/resources')
    return HANDLERS[token]


def generated_name(name: str, seed: bytes) -> str:
    """Return a generated physical name, as the provider generates it."""
    return f"{name}-{seed.hex()[:7]}"


def create(cloud: Cloud, token: str, name: str, inputs: Mapping[str, Any]) -> Created:
    """Create one resource and return its id and its state, including inputs and defaults.

    The arguments and errors are those of `parse`.
    """
    resource = parse(token, name, inputs)
    return full_state(resource, inputs, resource.create(cloud))


def full_state(resource: Resource, inputs: Mapping[str, Any], created: Created) -> Created:
    """Return the created resource with the inputs and their defaults among the outputs."""
    state = {key: value for key, value in inputs.items() if key in resource.irrelevant}
    return Created(created.id, state | resource.model_dump(by_alias=True, exclude_none=True) | created.outputs)


def explain(handler: type[Resource], problem: ErrorDetails) -> str:
    """Describe in one sentence what is wrong with a property."""
    cause = (
        f"is not supported here: add it to {handler.__module__}.{handler.__name__}"
        if problem["type"] == "extra_forbidden"
        else f"is wrong: {problem['msg']}"
    )
    return f"property {'.'.join(str(step) for step in problem['loc'])!r} {cause}"


def pascal_case(value: Any) -> Any:
    """Rename every key from the provider's camelCase to the AWS API's PascalCase, at any depth.

    For groups whose names differ only in case; botocore refuses unknown keys.
    """
    if isinstance(value, Mapping):
        return {key[:1].upper() + key[1:]: pascal_case(item) for key, item in value.items()}
    if isinstance(value, list):
        return [pascal_case(item) for item in value]
    return value


def camel_case(value: Any) -> Any:
    """The inverse of `pascal_case`, for API responses."""
    if isinstance(value, Mapping):
        return {key[:1].lower() + key[1:]: camel_case(item) for key, item in value.items()}
    if isinstance(value, list):
        return [camel_case(item) for item in value]
    return value


def given(**arguments: Any) -> dict[str, Any]:
    """Return the arguments of an API call without those that are None."""
    return {key: value for key, value in arguments.items() if value is not None}


def tag_list(tags: Mapping[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """Convert tags to the list of pairs of most AWS APIs."""
    return [{key: name, value: text} for name, text in tags.items()]
