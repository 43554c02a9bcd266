"""The operations of Pulumi's engine on a resource: check, compare, create, read, update and delete.

Values are those of Pulumi's protocol: camelCase properties, assets and archives as the engine describes them, and
`UNKNOWN` for values that a preview does not have yet.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from botocore.exceptions import ClientError
from pulumi.runtime import rpc
from pydantic import ValidationError

from localcloud.resources.base import (
    Cloud,
    Created,
    Resource,
    ResourceNotFound,
    TaggedResource,
    explain,
    full_state,
    generated_name,
    handler_of,
    parse,
)
from localcloud.resources.tags import TagApi

UNKNOWN = rpc.UNKNOWN
"""Placeholder of a value that is known only after the deployment."""

Values = dict[str, Any]

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_ASSET = "c44067f5952c0a294b673a41bacd8c17"
_ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"
# Error codes for missing resources of services that do not return status 404.
_NOT_FOUND_CODES = frozenset(
    {
        "AWS.SimpleQueueService.NonExistentQueue",
        "InvalidGroup.NotFound",
        "InvalidSecurityGroupRuleId.NotFound",
        "InvalidVpcEndpointId.NotFound",
        "NotFoundException",
        "QueueDoesNotExist",
        "ResourceNotFound",
        "ResourceNotFoundException",
        "StateMachineDoesNotExist",
        "WAFNonexistentItemException",
    }
)


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The resource of an operation.

    Attributes:
        type: Pulumi type token.
        name: the resource's name in the program.
        id: its physical id; "" if it does not exist yet.
    """

    type: str
    name: str
    id: str = ""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One input property that a deployment would change.

    Attributes:
        property: its name in the provider's spelling.
        kind: add, delete or update.
        replaces: whether the change requires a replacement.
    """

    property: str
    kind: str
    replaces: bool


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What a deployment would change in one resource.

    Attributes:
        differences: the input properties that differ.
        deletes_first: whether the old resource must be deleted first, because its replacement has the same name.
    """

    differences: tuple[Difference, ...]
    deletes_first: bool


def check(subject: Subject, inputs: Values, old_inputs: Values, seed: bytes) -> tuple[Values, dict[str, str]]:
    """Set the physical name, and validate the known inputs.

    Args:
        subject: which resource.
        inputs: the inputs of the program.
        old_inputs: the previous inputs, including the name; empty for a resource that is new or replaced.
        seed: makes a generated name unique.

    Returns:
        The inputs with the name, and a message for each invalid property.
    """
    handler = handler_of(subject.type)
    naming = handler.generated_name
    if naming and naming not in inputs:
        inputs = inputs | {naming: old_inputs.get(naming) or generated_name(subject.name, seed)}
    try:
        handler.model_validate(_relevant(handler, inputs))
    except ValidationError as error:
        problems = [problem for problem in error.errors() if problem["input"] != UNKNOWN]
        return inputs, {str(problem["loc"][0]): explain(handler, problem) for problem in problems}
    return inputs, {}


def compare(token: str, state: Values, inputs: Values) -> Comparison:
    """Compare a resource's recorded state with its current inputs."""
    handler = handler_of(token)
    defaults = _defaults(handler)
    aliases = {field.alias or name: name for name, field in handler.model_fields.items()}
    differences = []
    for key in [*aliases, *handler.irrelevant]:
        old, new = (values.get(key, defaults.get(key)) for values in (state, inputs))
        if _canonical(old) == _canonical(new):
            continue
        kind = "add" if old is None else "delete" if new is None else "update"
        name = aliases.get(key)
        replaces = name in handler.identity or name in handler.fixed
        differences.append(Difference(property=key, kind=kind, replaces=replaces))
    changed = {aliases.get(difference.property) for difference in differences}
    return Comparison(differences=tuple(differences), deletes_first=not changed & set(handler.identity))


def preview_create(token: str, inputs: Values) -> Values:
    """Return the known part of a resource's state before its creation, without its outputs."""
    return _defaults(handler_of(token)) | inputs


def preview_update(token: str, state: Values, inputs: Values) -> Values:
    """Return the known part of a resource's state before an update, without the outputs that the update changes."""
    handler = handler_of(token)
    ours = {field.alias or name for name, field in handler.model_fields.items()} | set(handler.irrelevant)
    volatile = () if _only_tags_differ(token, state, inputs) else handler.volatile
    stable = {key: value for key, value in state.items() if key not in ours and key not in volatile}
    return stable | _defaults(handler) | inputs


def create(cloud: Cloud, subject: Subject, inputs: Values) -> Created:
    """Create a resource and return its id and its state."""
    resource = parse(subject.type, subject.name, _with_assets(inputs))
    return _recorded(full_state(resource, inputs, resource.create(cloud)), inputs)


def update(cloud: Cloud, subject: Subject, state: Values, inputs: Values) -> Created:
    """Update a resource from its recorded state to its inputs and return its new state."""
    resource = parse(subject.type, subject.name, _with_assets(inputs))
    if _only_tags_differ(subject.type, state, inputs):
        updated = Created(subject.id, preview_update(subject.type, state, inputs))
    else:
        updated = resource.update(cloud, subject.id)
    if isinstance(resource, TaggedResource):
        client, key = _tagged(cloud, resource.tag_api, updated.id, updated.outputs)
        resource.tag_api.replace(client, key, resource.tags)
    return _recorded(full_state(resource, inputs, updated), inputs)


def read(cloud: Cloud, subject: Subject, state: Values) -> Values | None:
    """Return the input properties that differ from the recorded state; None if the resource does not exist."""
    resource = _recorded_resource(subject, state)
    try:
        real = resource.read(cloud, subject.id)
        if isinstance(resource, TaggedResource):
            client, key = _tagged(cloud, resource.tag_api, subject.id, state)
            real = real.with_actual_values(tags=resource.tag_api.tags_of(client, key))
    except (ResourceNotFound, ClientError) as error:
        if not _is_not_found(error):
            raise
        return None
    recorded, found = (version.model_dump(mode="python", by_alias=True) for version in (resource, real))
    return {key: value for key, value in found.items() if _canonical(value) != _canonical(recorded[key])}


def delete(cloud: Cloud, subject: Subject, state: Values) -> None:
    """Delete a resource; it is not an error if it does not exist."""
    resource = _recorded_resource(subject, state)
    try:
        resource.delete(cloud, subject.id)
    except (ResourceNotFound, ClientError) as error:
        if not _is_not_found(error):
            raise


def _only_tags_differ(token: str, state: Values, inputs: Values) -> bool:
    return all(each.property == "tags" for each in compare(token, state, inputs).differences)


def _recorded(created: Created, inputs: Values) -> Created:
    """Return the state to record: with inputs as received, so that equal inputs compare equal."""
    return Created(created.id, {key: value for key, value in created.outputs.items() if value is not None} | inputs)


def _tagged(cloud: Cloud, api: TagApi, resource_id: str, outputs: Mapping[str, Any]) -> tuple[Any, str]:
    """Return the client for a resource's tags, and the resource's id in those calls."""
    return cloud.client(api.service), outputs[api.key_output] if api.key_output else resource_id


def _recorded_resource(subject: Subject, state: Values) -> Resource:
    handler = handler_of(subject.type)
    known = {field.alias or field_name for field_name, field in handler.model_fields.items()}
    return parse(subject.type, subject.name, _with_assets({key: value for key, value in state.items() if key in known}))


def _relevant(handler: type[Resource], inputs: Values) -> Values:
    return _with_assets({key: value for key, value in inputs.items() if key not in handler.irrelevant})


def _defaults(handler: type[Resource]) -> Values:
    """Return the inputs with a default value."""
    fields = {name: field for name, field in handler.model_fields.items() if not field.is_required()}
    defaults = handler.model_construct(**{name: field.get_default() for name, field in fields.items()})
    return defaults.model_dump(by_alias=True, exclude_none=True, include=set(fields))


def _canonical(value: Any) -> Any:
    """Return the canonical form of a value: whole numbers, JSON documents, and files by their content."""
    if isinstance(value, Mapping):
        if _SIGNATURE in value:
            return value.get("hash") or value
        return {key: _canonical(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in value]
    if isinstance(value, str) and value[:1] in "{[":
        try:
            return _canonical(json.loads(value))
        except ValueError:
            return value
    return value


def _with_assets(value: Any) -> Any:
    """Convert the protocol's descriptions of files to Pulumi's assets and archives, at any depth."""
    if isinstance(value, list):
        return [_with_assets(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get(_SIGNATURE) == _ASSET:
        return pulumi.FileAsset(value["path"]) if value.get("path") else pulumi.StringAsset(value.get("text", ""))
    if value.get(_SIGNATURE) == _ARCHIVE:
        path = value.get("path")
        return pulumi.FileArchive(path) if path else pulumi.AssetArchive(_with_assets(value.get("assets", {})))
    return {key: _with_assets(item) for key, item in value.items()}


def _is_not_found(error: Exception) -> bool:
    if not isinstance(error, ClientError):
        return isinstance(error, ResourceNotFound)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return status == 404 or error.response["Error"]["Code"] in _NOT_FOUND_CODES
