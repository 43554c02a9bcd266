"""botocore's descriptions of the services that functions call, as the code archive holds them.

botocore parses a service's description for the first client of each execution environment. Two thirds of it are
documentation, it is compressed, and the endpoints of all services come along. Here it is the same without these.
"""

from __future__ import annotations

import functools
import json
from typing import Any

from botocore.loaders import Loader

FOLDER = "functions/shared/models"
"""Where `functions.shared.aws` looks for them, in the code archive."""

SERVICES = ("cloudwatch", "dynamodb", "logs", "pipes", "s3", "secretsmanager", "sns", "sqs", "stepfunctions")
"""What functions call. A service that is not listed works too, from the description that the runtime brings."""


@functools.cache
def service_models() -> dict[str, bytes]:
    """The files by their paths in the archive.

    The rules of endpoints are left out: the runtime's botocore, which may be older than the one that this reads, has to
    know their functions and parameters.
    """
    loader = Loader()
    endpoints = loader.load_data("endpoints")
    files: dict[str, Any] = {"endpoints": endpoints}
    prefixes = set[str](SERVICES)
    for service in SERVICES:
        version = loader.determine_latest_version(service, "service-2")
        model = loader.load_data(f"{service}/{version}/service-2")
        prefixes.add(model["metadata"]["endpointPrefix"])
        # The other parts are short, and botocore reads the documentation of one of them.
        short = {part: _without_documentation(model[part]) for part in ("operations", "shapes")}
        files[f"{service}/{version}/service-2"] = model | short
    for partition in endpoints["partitions"]:
        partition["services"] = {name: each for name, each in partition["services"].items() if name in prefixes}
    return {f"{FOLDER}/{name}.json": json.dumps(data, separators=(",", ":")).encode() for name, data in files.items()}


def _without_documentation(value: Any) -> Any:
    """The value without its texts called `documentation`; a member of that name is an object, and stays."""
    if isinstance(value, dict):
        kept = {name: each for name, each in value.items() if name != "documentation" or not isinstance(each, str)}
        return {name: _without_documentation(each) for name, each in kept.items()}
    if isinstance(value, list):
        return [_without_documentation(each) for each in value]
    return value
