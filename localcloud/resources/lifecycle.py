"""What a deployment engine does with a resource beyond creating it: check, compare, read, update and delete.

Values are the plain ones of Pulumi's wire: camelCase properties, an asset or archive as the engine describes it, and
`UNKNOWN` where a preview cannot know yet.
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
    Gone,
    Resource,
    TaggedResource,
    explain,
    generated_name,
    handler_of,
    parse,
    whole_state,
)
from localcloud.resources.tags import TagApi

UNKNOWN = rpc.UNKNOWN
"""What stands for a value that exists only after the deployment."""

Values = dict[str, Any]

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_ASSET = "c44067f5952c0a294b673a41bacd8c17"
_ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"
# How the services that do not answer 404 say that something is not there.
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
    }
)


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Which resource is meant.

    Attributes:
        type: Pulumi type token.
        name: the resource's name in the program.
        id: its physical id; "" as long as it does not exist.
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
        replaces: whether that needs another thing in the place of this one.
    """

    property: str
    kind: str
    replaces: bool


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What a deployment would change in one resource.

    Attributes:
        differences: the input properties that differ.
        deletes_first: whether the old thing has to go before the new one can be made, as both bear one name.
    """

    differences: tuple[Difference, ...]
    deletes_first: bool


def check(subject: Subject, inputs: Values, old_inputs: Values, seed: bytes) -> tuple[Values, dict[str, str]]:
    """Fill in the physical name, and find what is wrong with the inputs as far as they are known.

    Args:
        subject: which resource.
        inputs: what the program says.
        old_inputs: what it said last time, name included; empty for a resource that is new or replaced.
        seed: makes a generated name unique.

    Returns:
        The inputs with the name, and a sentence for each property that is wrong.
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
    """Compare a resource's recorded state with its inputs of now."""
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
    """What is known of a resource's state before it exists; all outputs of its own are left out."""
    return _defaults(handler_of(token)) | inputs


def preview_update(token: str, state: Values, inputs: Values) -> Values:
    """What is known of a resource's state before it is updated; the outputs that the update changes are left out."""
    handler = handler_of(token)
    ours = {field.alias or name for name, field in handler.model_fields.items()} | set(handler.irrelevant)
    volatile = () if _only_tags_differ(token, state, inputs) else handler.volatile
    stable = {key: value for key, value in state.items() if key not in ours and key not in volatile}
    return stable | _defaults(handler) | inputs


def create(cloud: Cloud, subject: Subject, inputs: Values) -> Created:
    """Create a resource and return its id and its whole state."""
    resource = parse(subject.type, subject.name, _with_assets(inputs))
    return _recorded(whole_state(resource, inputs, resource.create(cloud)), inputs)


def update(cloud: Cloud, subject: Subject, state: Values, inputs: Values) -> Created:
    """Bring a resource that exists from its recorded state to the inputs' and return its whole state."""
    resource = parse(subject.type, subject.name, _with_assets(inputs))
    if _only_tags_differ(subject.type, state, inputs):
        updated = Created(subject.id, preview_update(subject.type, state, inputs))
    else:
        updated = resource.update(cloud, subject.id)
    if isinstance(resource, TaggedResource):
        client, key = _tagged(cloud, resource.tag_api, updated.id, updated.outputs)
        resource.tag_api.replace(client, key, resource.tags)
    return _recorded(whole_state(resource, inputs, updated), inputs)


def read(cloud: Cloud, subject: Subject, state: Values) -> Values | None:
    """Return the input properties that are not any more as recorded, with their real values; None if it is gone."""
    resource = _recorded_resource(subject, state)
    try:
        real = resource.read(cloud, subject.id)
        if isinstance(resource, TaggedResource):
            client, key = _tagged(cloud, resource.tag_api, subject.id, state)
            real = real.with_real(tags=resource.tag_api.tags_of(client, key))
    except (Gone, ClientError) as error:
        if not _says_gone(error):
            raise
        return None
    recorded, found = (version.model_dump(mode="python", by_alias=True) for version in (resource, real))
    return {key: value for key, value in found.items() if _canonical(value) != _canonical(recorded[key])}


def delete(cloud: Cloud, subject: Subject, state: Values) -> None:
    """Remove a resource; one that is already gone is no error."""
    resource = _recorded_resource(subject, state)
    try:
        resource.delete(cloud, subject.id)
    except (Gone, ClientError) as error:
        if not _says_gone(error):
            raise


def _only_tags_differ(token: str, state: Values, inputs: Values) -> bool:
    return all(each.property == "tags" for each in compare(token, state, inputs).differences)


def _recorded(created: Created, inputs: Values) -> Created:
    """The state as it is recorded: inputs as they came over the wire, so that the next ones compare equal."""
    return Created(created.id, {key: value for key, value in created.outputs.items() if value is not None} | inputs)


def _tagged(cloud: Cloud, api: TagApi, resource_id: str, outputs: Mapping[str, Any]) -> tuple[Any, str]:
    """The client that tags a thing, and how it calls the thing."""
    return cloud.client(api.service), outputs[api.key_output] if api.key_output else resource_id


def _recorded_resource(subject: Subject, state: Values) -> Resource:
    handler = handler_of(subject.type)
    known = {field.alias or field_name for field_name, field in handler.model_fields.items()}
    return parse(subject.type, subject.name, _with_assets({key: value for key, value in state.items() if key in known}))


def _relevant(handler: type[Resource], inputs: Values) -> Values:
    return _with_assets({key: value for key, value in inputs.items() if key not in handler.irrelevant})


def _defaults(handler: type[Resource]) -> Values:
    """The inputs that have a value when the program leaves them out."""
    fields = {name: field for name, field in handler.model_fields.items() if not field.is_required()}
    defaults = handler.model_construct(**{name: field.get_default() for name, field in fields.items()})
    return defaults.model_dump(by_alias=True, exclude_none=True, include=set(fields))


def _canonical(value: Any) -> Any:
    """One spelling for what means the same: whole numbers, JSON documents, and files by their content."""
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
    """Turn the wire's descriptions of files into Pulumi's assets and archives, at any depth."""
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


def _says_gone(error: Exception) -> bool:
    if not isinstance(error, ClientError):
        return isinstance(error, Gone)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return status == 404 or error.response["Error"]["Code"] in _NOT_FOUND_CODES
