"""Which AWS region a stack is deployed to: checked first, as the provider reports a missing one only halfway."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import botocore.session

from client.errors import InvalidRequestError
from program.stack_file import read_yaml

REGION_KEY = "aws:region"
# "Environment Configuration" of Pulumi's AWS provider, which also reads the profile's region.
REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")


def require_region(settings: Path, config: Mapping[str, object], environment: Mapping[str, str]) -> None:
    """Check that a stack has a region: in its settings, in a variable or in the AWS profile.

    A stack that imports an ESC environment is not checked: the region may come from there.

    Args:
        settings: the stack's settings file, which need not exist.
        config: settings to lay over the file's.
        environment: variables for the CLI beside the caller's.

    Raises:
        InvalidRequestError: it has none.
        StackConfigError: the file cannot be read.
    """
    document = read_yaml(settings) if settings.exists() else {}
    if "environment" in document or REGION_KEY in {**(document.get("config") or {}), **config}:
        return
    if any({**os.environ, **environment}.get(name) for name in REGION_VARIABLES):
        return
    if not botocore.session.get_session().get_config_variable("region"):
        raise InvalidRequestError(
            f"no AWS region is configured: add {REGION_KEY} to {settings.name}, pass it in --config-file, "
            "or set the variable AWS_REGION"
        )
