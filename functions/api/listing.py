"""Pages of rows, newest first: one index's, or those of several partitions merged."""

from __future__ import annotations

import base64
import binascii
import heapq
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Self

from functions.http_api.parallel import in_parallel
from functions.http_api.problems import Problem, ProblemCode
from functions.shared.aws import client
from functions.shared.rows import Row, row_of

MAX_LIMIT = 100
"""Rows of a page."""

_MAX_EXAMINED = 1_000
"""Entries that one page looks at to find those that are wanted."""

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,20}Z")


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """Where a page ended.

    Args:
        time: of its last entry; the next page begins there.
        seen: the ids of the entries of that very time that were returned already.
    """

    time: str
    seen: tuple[str, ...]

    def encoded(self) -> str:
        """As callers see it."""
        return base64.urlsafe_b64encode(json.dumps([self.time, *self.seen]).encode()).decode().rstrip("=")

    @classmethod
    def decoded(cls, text: str | None) -> Self | None:
        """Read what `encoded` wrote; None reads as None.

        Raises:
            Problem: it is something else.
        """
        if text is None:
            return None
        try:
            values = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        except (ValueError, binascii.Error, RecursionError) as error:
            raise Problem(ProblemCode.INVALID_CURSOR) from error
        if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
            raise Problem(ProblemCode.INVALID_CURSOR)
        if not values or not _TIME.fullmatch(values[0]):
            raise Problem(ProblemCode.INVALID_CURSOR)
        return cls(time=values[0], seen=tuple(values[1:]))


@dataclass(frozen=True, kw_only=True)
class Partition:
    """The rows with one value of an index's hash key.

    Args:
        table, index: names.
        key, value: the hash key's attribute and value.
        time: the range key's attribute.
        id: the table's own key, an attribute.
    """

    table: str
    index: str
    key: str
    value: str
    time: str
    id: str

    def pages(self, start: Cursor | None, size: int) -> Iterator[list[Entry]]:
        """The entries from where a page ended, newest first, in the pages that DynamoDB reads."""
        names, values = {"#key": self.key}, {":value": {"S": self.value}}
        condition = "#key = :value"
        if start:
            names["#time"], values[":time"] = self.time, {"S": start.time}
            condition += " AND #time <= :time"
        query: dict[str, Any] = {
            "TableName": self.table,
            "IndexName": self.index,
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
            "ScanIndexForward": False,
            "Limit": size + (len(start.seen) if start else 0),
        }
        while True:
            answer = client("dynamodb").query(**query)
            rows = [row_of(item) for item in answer["Items"]]
            yield [Entry(time=row[self.time], id=row[self.id], row=row) for row in rows]
            if "LastEvaluatedKey" not in answer:
                return
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A row of an index: what it holds beside time and id is in `row`."""

    time: str
    id: str
    row: Row


def newest(
    partitions: Sequence[Partition],
    *,
    cursor: Cursor | None,
    limit: int,
    is_wanted: Callable[[Row], bool] = lambda _row: True,
) -> tuple[list[Entry], Cursor | None]:
    """One page.

    Args:
        partitions: what to merge.
        cursor: where the page before ended; None for the first.
        limit: how many entries it has at most.
        is_wanted: which entries it has, of the rows that the index holds.

    Returns:
        The entries, and where the next page begins; None where there is none. A page may be short though there is a
        next one.
    """
    entries = _unseen(_merged(partitions, cursor, limit), cursor)
    page: list[Entry] = []
    examined: list[Entry] = []
    for entry in entries:
        if len(page) == limit or len(examined) == _MAX_EXAMINED:
            return page, _after(examined, cursor)
        examined.append(entry)
        if is_wanted(entry.row):
            page.append(entry)
    return page, None


def _merged(partitions: Sequence[Partition], cursor: Cursor | None, limit: int) -> Iterator[Entry]:
    """All entries, newest first; every partition's first page is read at the same time."""
    readers = [partition.pages(cursor, limit + 1) for partition in partitions]
    client("dynamodb")  # botocore makes clients in one thread at a time
    firsts = in_parallel(lambda reader: next(reader, []), readers, threads=len(readers))

    def entries(first: list[Entry], rest: Iterator[list[Entry]]) -> Iterator[Entry]:
        yield from first
        for page in rest:
            yield from page

    return heapq.merge(*map(entries, firsts, readers), key=attrgetter("time"), reverse=True)


def _unseen(entries: Iterator[Entry], cursor: Cursor | None) -> Iterator[Entry]:
    for entry in entries:
        if not (cursor and entry.time == cursor.time and entry.id in cursor.seen):
            yield entry


def _after(examined: Sequence[Entry], before: Cursor | None) -> Cursor:
    last = examined[-1].time
    seen = [entry.id for entry in examined if entry.time == last]
    earlier = before.seen if before and before.time == last else ()
    return Cursor(time=last, seen=(*earlier, *seen))
