"""Physical names, the alias and the tags, as operators type them and other parts look them up."""

from __future__ import annotations

PROJECT = "img-pipeline"

LIVE = "live"
"""The alias of every function; callers name it, never a version."""

PROJECT_TAG, STACK_TAG = "Project", "Stack"
"""Tags of every resource. Budgets and cost reports filter by them."""


DEAD_LETTER_SUFFIX = "-dlq"
TRANSFORM_QUEUE = "transform-queue"
TRANSFORM, VALIDATE, DELIVERY = "transform", "validate", "delivery"
"""The names of the pipeline's own dead-letter queues, as operators type them in commands."""


def dead_letter_queue(name: str) -> str:
    """The role of a dead-letter queue: ``transform-dlq`` for ``transform``."""
    return f"{name}{DEAD_LETTER_SUFFIX}"


def results_queue(subscriber: str) -> str:
    """The role of the queue of a subscriber to results: ``results-search`` for ``search``."""
    return f"results-{subscriber}"


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
