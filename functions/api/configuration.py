"""What the stack tells the function through its environment."""

from __future__ import annotations

import os
from functools import cache

from contract.api import ApiConfiguration


@cache
def configuration() -> ApiConfiguration:
    """The stack's settings, as far as the API needs them."""
    return ApiConfiguration.from_json(os.environ["API_SETTINGS"])


def jobs_table() -> str:
    """The name of the jobs table."""
    return os.environ["JOBS_TABLE"]


def assets_table() -> str:
    """The name of the assets table."""
    return os.environ["ASSETS_TABLE"]


def ingest_bucket() -> str:
    """The bucket that files are uploaded to."""
    return os.environ["INGEST_BUCKET"]


def processed_bucket() -> str:
    """The bucket of the renditions."""
    return os.environ["PROCESSED_BUCKET"]
