"""Physical names, the alias and the tags, as operators type them and other parts look them up."""

from __future__ import annotations

PROJECT = "img-pipeline"

LIVE = "live"
"""The alias of every function; callers name it, never a version."""

PROJECT_TAG, STACK_TAG = "Project", "Stack"
"""Tags of every resource. Budgets and cost reports filter by them."""


def physical_name(stack: str, role: str) -> str:
    """The name of a resource, such as ``img-pipeline-prod-transform-queue``.

    Args:
        stack: the stack's name, ``prod``.
        role: what the resource is, ``transform-queue``.
    """
    return f"{PROJECT}-{stack}-{role}"


def bucket_name(stack: str, role: str, account_id: str) -> str:
    """The name of a bucket: like `physical_name`, with the account's id, because all of AWS shares bucket names."""
    return f"{physical_name(stack, role)}-{account_id}"
