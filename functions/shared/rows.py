"""DynamoDB's rows as plain values, and the reads that several routes share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from functions.shared.aws import client

Row = dict[str, Any]

MAX_KEYS = 100
"""Keys that one BatchGetItem takes (Amazon DynamoDB Developer Guide, "Quotas")."""


def row_of(item: Mapping[str, Mapping[str, Any]]) -> Row:
    """A row's attributes as plain values."""
    return {name: _plain(value) for name, value in item.items()}


def item_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of plain values as DynamoDB takes it."""
    return {name: _attribute(value) for name, value in row.items()}


def setting(values: Mapping[str, Any], *, remove: Sequence[str] = ()) -> dict[str, Any]:
    """The arguments of an update that sets attributes, each with a placeholder, as DynamoDB reserves many words."""
    expression = f"SET {', '.join(f'#{name} = :{name}' for name in values)}"
    if remove:
        expression += f" REMOVE {', '.join(f'#{name}' for name in remove)}"
    return {
        "UpdateExpression": expression,
        "ExpressionAttributeNames": {f"#{name}": name for name in (*values, *remove)},
        "ExpressionAttributeValues": item_of({f":{name}": value for name, value in values.items()}),
    }


def find(table: str, key: Mapping[str, str]) -> Row | None:
    """The row with this key, as it is after the last write; None if there is none."""
    found = client("dynamodb").get_item(TableName=table, Key=item_of(key), ConsistentRead=True).get("Item")
    return row_of(found) if found else None


def find_all(table: str, key: str, values: Iterable[str]) -> dict[str, Row]:
    """The rows with these keys that exist, by key.

    Args:
        table: the table's name.
        key: the key's attribute.
        values: at most `MAX_KEYS`.
    """
    found: dict[str, Row] = {}
    waiting: Any = {table: {"Keys": [item_of({key: value}) for value in values], "ConsistentRead": True}}
    while waiting and waiting[table]["Keys"]:
        answer = client("dynamodb").batch_get_item(RequestItems=waiting)
        found |= {row[key]: row for row in map(row_of, answer["Responses"].get(table, ()))}
        waiting = answer.get("UnprocessedKeys")
    return found


def _attribute(value: Any) -> dict[str, Any]:
    match value:
        case bool():
            return {"BOOL": value}
        case int() | float():
            return {"N": str(value)}
        case list():
            return {"L": [_attribute(each) for each in value]}
        case dict():
            return {"M": item_of(value)}
        case _:
            return {"S": value}


def _plain(value: Mapping[str, Any]) -> Any:
    [(kind, content)] = value.items()
    match kind:
        case "N":
            number = float(content)
            return int(number) if number.is_integer() else number
        case "L":
            return [_plain(each) for each in content]
        case "M":
            return row_of(content)
        case "NULL":
            return None
        case _:
            return content
