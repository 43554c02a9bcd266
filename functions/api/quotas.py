"""How many uploads a caller asks for in a day: one counter for each caller and day, in the jobs table."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from functions.api.configuration import configuration, jobs_table
from functions.http_api.problems import Problem, ProblemCode
from functions.shared.aws import client, error_code
from functions.shared.rows import item_of
from functions.shared.times import now, seconds_until_midnight

_KEPT_SECONDS = 2 * 24 * 60 * 60


def charge(owner: str, uploads: int) -> None:
    """Count uploads that a caller asks for.

    Raises:
        Problem: they are more than the caller may have today; none of them is counted.
    """
    if not uploads:
        return
    limit = configuration().daily_uploads_per_caller
    try:
        if uploads > limit:
            raise _exceeded(limit)
        _add(
            owner,
            uploads,
            ConditionExpression="attribute_not_exists(#uploads) OR #uploads <= :room",
            values={":room": limit - uploads},
        )
    except ClientError as error:
        if error_code(error) != "ConditionalCheckFailedException":
            raise
        raise _exceeded(limit) from error


def give_back(owner: str) -> None:
    """Take an upload back that was counted for a request whose job was there already."""
    _add(owner, -1)


def _add(owner: str, uploads: int, *, values: dict[str, int] | None = None, **condition: Any) -> None:
    today = now()
    client("dynamodb").update_item(
        TableName=jobs_table(),
        Key=item_of({"jobId": f"quota/{owner}/{today:%Y-%m-%d}"}),
        UpdateExpression="ADD #uploads :uploads SET #expiresAt = :expiresAt",
        ExpressionAttributeNames={"#uploads": "uploads", "#expiresAt": "expiresAt"},
        ExpressionAttributeValues=item_of(
            {":uploads": uploads, ":expiresAt": int(today.timestamp()) + _KEPT_SECONDS, **(values or {})}
        ),
        **condition,
    )


def _exceeded(limit: int) -> Problem:
    return Problem(
        ProblemCode.DAILY_QUOTA_EXCEEDED, limit=limit, headers={"Retry-After": str(seconds_until_midnight(now()))}
    )
