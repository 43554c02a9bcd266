"""What every resource handler is made of.

A handler is one class per Pulumi resource type. Its fields are the input properties it understands, under the
provider's own names (camelCase outside, snake_case here); its methods make, look at and remove the real thing:

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
does the rest too, through `localcloud.resources.lifecycle`.

A property without a field is refused before anything is created, so that the embedded cloud and AWS cannot
silently differ. The few that change nothing here stand in `irrelevant`, each with its reason.
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
    """What a handler needs of the cloud it creates things in."""

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
    """A resource cannot be created; the message is one line for the person who wrote the program."""


class Gone(Exception):
    """The resource does not exist any more, where the API has no error of its own that says so."""


class Properties(BaseModel):
    """A group of input properties: camelCase outside, unknown ones refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, arbitrary_types_allowed=True)


class Resource(Properties, ABC):
    """One resource type: its known inputs and what can be done with it."""

    generated_name: ClassVar[str | None] = None
    """The input that holds the physical name, filled in from the resource's own name when the program leaves it out."""

    irrelevant: ClassVar[Mapping[str, str]] = {}
    """Inputs that are accepted and change nothing here: property -> reason."""

    identity: ClassVar[Collection[str]] = ()
    """The fields that say which thing it is: with another value it is another thing, so it is replaced."""

    fixed: ClassVar[Collection[str]] = ()
    """The fields that cannot be changed on a thing that exists: it is deleted, then made again under its name."""

    volatile: ClassVar[Collection[str]] = ()
    """The outputs that an update changes, under the provider's names; all others stay."""

    @abstractmethod
    def create(self, cloud: Cloud) -> Created:
        """Create the real thing, or bring the one that bears its name to the same state; API errors pass through.

        So a program that is deployed a second time, with other settings or into a data directory that was kept,
        updates what is there. An optional input that it no longer gives keeps its value, and a resource that it no
        longer has stays.
        """

    @abstractmethod
    def read(self, cloud: Cloud, resource_id: str) -> Self:
        """Return these inputs as they are in the cloud now; an input that the API does not tell stays as it is.

        Raises:
            Gone: it does not exist any more; the API's own errors that say so pass through.
        """

    @abstractmethod
    def delete(self, cloud: Cloud, resource_id: str) -> None:
        """Remove the real thing; the API's errors that say it is already gone pass through."""

    def update(self, cloud: Cloud, resource_id: str) -> Created:  # noqa: ARG002 (for those that have no name)
        """Bring the thing that exists to this state, all but what is `identity` or `fixed`."""
        return self.create(cloud)

    def with_real(self, **values: Any) -> Self:
        """Return these inputs with values as the API tells them, by field; the API's own spelling of numbers will do.

        What the program leaves to AWS (it is None here) stays out. None means that the API leaves it out: its default.
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
    """A resource type whose things bear tags."""

    tag_api: ClassVar[TagApi]
    """How a thing that exists is tagged."""

    tags: Mapping[str, str] = {}


HandlerT = TypeVar("HandlerT", bound=type[Resource])


def handles(token: str) -> Callable[[HandlerT], HandlerT]:
    """Register the class as the handler of a Pulumi type token such as ``aws:s3/bucket:Bucket``."""

    def register(handler: HandlerT) -> HandlerT:
        HANDLERS[token] = handler
        return handler

    return register


def parse(token: str, name: str, inputs: Mapping[str, Any]) -> Resource:
    """Return the handler of one resource, filled with its inputs.

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
        ResourceError: there is none.
    """
    if token not in HANDLERS:
        raise ResourceError(f'this type is not supported: add a class with @handles("{token}") to localcloud/resources')
    return HANDLERS[token]


def generated_name(name: str, seed: bytes) -> str:
    """The physical name of a resource that the program gave none, as the provider makes it."""
    return f"{name}-{seed.hex()[:7]}"


def create(cloud: Cloud, token: str, name: str, inputs: Mapping[str, Any]) -> Created:
    """Create one resource and return its id and its whole state, inputs and defaults included.

    The arguments and errors are those of `parse`.
    """
    resource = parse(token, name, inputs)
    return whole_state(resource, inputs, resource.create(cloud))


def whole_state(resource: Resource, inputs: Mapping[str, Any], created: Created) -> Created:
    """What was created, with the inputs and their defaults among the outputs."""
    state = {key: value for key, value in inputs.items() if key in resource.irrelevant}
    return Created(created.id, state | resource.model_dump(by_alias=True, exclude_none=True) | created.outputs)


def explain(handler: type[Resource], problem: ErrorDetails) -> str:
    """Say in one sentence what is wrong with a property."""
    cause = (
        f"is not supported here: add it to {handler.__module__}.{handler.__name__}"
        if problem["type"] == "extra_forbidden"
        else f"is wrong: {problem['msg']}"
    )
    return f"property {'.'.join(str(step) for step in problem['loc'])!r} {cause}"


def pascal_case(value: Any) -> Any:
    """Rename every key from the provider's camelCase to the AWS API's PascalCase, at any depth.

    For groups whose names differ in nothing else; botocore refuses a key the API does not know.
    """
    if isinstance(value, Mapping):
        return {key[:1].upper() + key[1:]: pascal_case(item) for key, item in value.items()}
    if isinstance(value, list):
        return [pascal_case(item) for item in value]
    return value


def camel_case(value: Any) -> Any:
    """The inverse of `pascal_case`, for what the API answers."""
    if isinstance(value, Mapping):
        return {key[:1].lower() + key[1:]: camel_case(item) for key, item in value.items()}
    if isinstance(value, list):
        return [camel_case(item) for item in value]
    return value


def given(**arguments: Any) -> dict[str, Any]:
    """Return the arguments that are not None: what an API call takes when the program left the rest out."""
    return {key: value for key, value in arguments.items() if value is not None}


def tag_list(tags: Mapping[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """Turn tags into the list of pairs that most AWS APIs take."""
    return [{key: name, value: text} for name, text in tags.items()]
