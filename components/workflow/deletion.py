"""The states that a deletion goes through: erase what was made from the file, then publish that it is no more.

::

    Receive ▶ IsDeletion ▶ Erase ▶ WasRecorded ▶ PublishDeletion ▶ Deleted

A deletion has no job. One that fails leaves its message on the queue, as everything does, and every step may happen
twice. A version that was still being processed when its file was deleted is refused by Persist; what was made from it
is removed then (EraseLate).
"""

from __future__ import annotations

from components.workflow.jsonata import expression
from components.workflow.tasks import UNRECORDED_FAILURE_CATCH, State, function_call, notification
from components.workflow.values import DELETION, DELETION_MESSAGE, IS_DELETION
from contract.messages import Outcome

ERASE_TIMEOUT_SECONDS = 60


def deletion(erase_function_arn: str, results_topic_arn: str, *, otherwise: str) -> dict[str, State]:
    """What happens to S3's event of a deletion.

    Args:
        erase_function_arn: removes renditions, record and personal data.
        results_topic_arn: where it is published.
        otherwise: the state for an event of an upload.
    """
    return {
        "IsDeletion": {
            "Type": "Choice",
            "Choices": [{"Condition": expression(IS_DELETION), "Next": "Erase"}],
            "Default": otherwise,
        },
        "Erase": function_call(
            erase_function_arn,
            payload={"file": expression("$file"), "deletion": expression(DELETION)},
            function_timeout_seconds=ERASE_TIMEOUT_SECONDS,
            assign={"verdict": {"mediaType": expression("$states.result.Payload.mediaType")}},
            on_failure=UNRECORDED_FAILURE_CATCH,
            next_state="WasRecorded",
        ),
        "WasRecorded": {
            "Type": "Choice",
            "Comment": "A file that was never accepted, or has a newer version, is not announced",
            "Choices": [{"Condition": expression('$verdict.mediaType != ""'), "Next": "PublishDeletion"}],
            "Default": "Deleted",
        },
        "PublishDeletion": notification(
            results_topic_arn,
            DELETION_MESSAGE,
            Outcome.DELETED,
            on_failure=UNRECORDED_FAILURE_CATCH,
            next_state="Deleted",
        ),
        "Deleted": {"Type": "Succeed"},
    }


def late_erasure(erase_function_arn: str, *, next_state: str) -> dict[str, State]:
    """Remove what a version's processing made after the file was deleted."""
    return {
        "EraseLate": function_call(
            erase_function_arn,
            payload={"file": expression("$file")},
            function_timeout_seconds=ERASE_TIMEOUT_SECONDS,
            next_state=next_state,
        )
    }
