"""One line in the stack's audit log for each deletion, in the form of those that operators' commands leave."""

from __future__ import annotations

from functions.erase.deletion import Deletion
from functions.shared.audit import write_line


def audit_deletion(deletion: Deletion, counts: dict[str, int]) -> None:
    """Write down that a file was deleted and what was removed with it.

    Args:
        deletion: what was deleted.
        counts: how many of each kind were removed.

    Raises:
        TransientError, AccessError: the line could not be written, see `aws.failures_named`.
    """
    write_line(
        "erase",
        {
            "id": deletion.version_id,
            "who": {"arn": deletion.requested_by},
            "action": "asset erase",
            "fileKey": deletion.file_key,
            "deletedAt": deletion.requested_at,
            "event": "completed",
            "counts": counts,
        },
    )
