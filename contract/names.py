"""Physical names, the functions' alias and the tags of resources."""

from __future__ import annotations

PROJECT = "img-pipeline"

LIVE = "live"
"""The alias of every function; callers use it instead of a version."""

UPLOAD_RULE, DELETION_RULE = "object-created", "object-deleted"
"""The roles of the rules that send the ingest bucket's events to the transform queue."""

STATE_MACHINE, ORDER_STATE_MACHINE = "state-machine", "order-state-machine"
"""The roles of the machines that run the workflows of files and of orders."""

PROJECT_TAG, STACK_TAG = "Project", "Stack"
"""Tags of every resource. Budgets and cost reports filter by them."""


DEAD_LETTER_SUFFIX = "-dlq"
TRANSFORM_QUEUE = "transform-queue"
TRANSFORM, VALIDATE, DELIVERY = "transform", "validate", "delivery"
"""The names of the pipeline's own dead-letter queues, as operators type them in commands."""


ORDER = "order"
"""The name of the orders' dead-letter queue, ``order-dlq``."""

ORDER_QUEUE = "order-queue"


def dead_letter_queue(name: str) -> str:
    """The role of a dead-letter queue in its physical name: ``transform-dlq`` for ``transform``."""
    return f"{name}{DEAD_LETTER_SUFFIX}"


def results_queue(subscriber: str) -> str:
    """The role of a results subscriber's queue in its physical name: ``results-search`` for ``search``."""
    return f"results-{subscriber}"


def physical_name(stack: str, role: str) -> str:
    """The name of a resource, such as ``img-pipeline-prod-transform-queue``.

    Args:
        stack: the stack's name, ``prod``.
        role: the resource's role, ``transform-queue``.
    """
    return f"{PROJECT}-{stack}-{role}"


def bucket_name(stack: str, role: str, account_id: str) -> str:
    """The name of a bucket: like `physical_name`, with the account id, because bucket names are global."""
    return f"{physical_name(stack, role)}-{account_id}"
