"""Parses Insights queries into steps; unsupported syntax is refused."""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lark import Lark, Token, Transformer, Tree, v_args
from lark.exceptions import UnexpectedInput, VisitError

from localcloud.logs.aggregates import AGGREGATES, Aggregate
from localcloud.logs.records import as_time
from localcloud.logs.steps import Fields, Filter, Limit, Named, Row, Sort, Stats, Step, Value, as_number

COMMANDS = ("fields", "display", "filter", "stats", "sort", "limit")
_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class MalformedQueryError(ValueError):
    """A malformed or unsupported query; the message names the command and its position."""


@functools.cache
def parse(query: str) -> tuple[Step, ...]:
    """Return the steps of a query.

    Raises:
        MalformedQueryError: the query is malformed or not supported.
    """
    # Replaced by spaces, so that positions are those of the query.
    without_comments = re.sub(r"(?m)^\s*#.*$", lambda comment: re.sub(r"\S", " ", comment[0]), query)
    try:
        return tuple(QuerySyntax().transform(_grammar().parse(without_comments)).children)
    except UnexpectedInput as error:
        at_end = error.line <= 0 or error.pos_in_stream is None
        position = len(without_comments.rstrip()) if at_end else error.pos_in_stream
        raise _malformed(without_comments, position, "syntax error, or syntax that is not supported") from None
    except VisitError as error:
        position = error.obj.meta.start_pos if isinstance(error.obj, Tree) else 0
        raise _malformed(without_comments, position, str(error.orig_exc)) from None


def _malformed(query: str, position: int | None, problem: str) -> MalformedQueryError:
    """Return the error for a problem at a position, with the name of the command that contains it."""
    before = query[: position or 0]
    # A `|` in a string or a pattern does not separate commands.
    code = re.sub(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|/(?:[^/\\]|\\.)+/""", lambda text: " " * len(text[0]), before)
    command = re.match(r"\s*(\w*)", query[code.rfind("|") + 1 :])
    name = command[1] if command else ""
    if not name:
        problem = "a command is missing"
    elif name.lower() not in COMMANDS:
        problem = f"the command {name} is not supported in the embedded cloud; it supports {', '.join(COMMANDS)}"
    else:
        problem = f"the command {name} cannot be run: {problem}"
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    return MalformedQueryError(f"line {line}, column {column}: {problem}")


@functools.cache
def _grammar() -> Lark:
    return Lark(
        Path(__file__).with_name("insights.lark").read_text(encoding="utf-8"), parser="lalr", propagate_positions=True
    )


@dataclass(frozen=True)
class _Call:
    """A function call, either a value or an aggregation."""

    name: str
    arguments: tuple[Any, ...]
    text: str = field(compare=False)


@v_args(inline=True)
class QuerySyntax(Transformer[Token, Any]):
    """Transforms a query's syntax tree to steps."""

    def fields(self, *columns: Named) -> Fields:
        return Fields(columns)

    def filter(self, condition: Any) -> Filter:
        return Filter(_condition(condition))

    def stats(self, *parts: Any) -> Stats:
        aggregates = tuple(part for part in parts if isinstance(part, tuple))
        return Stats(aggregates, tuple(part for part in parts if isinstance(part, Named)))

    def sort(self, *orders: tuple[Value, bool]) -> Sort:
        return Sort(orders)

    def limit(self, most: Token) -> Limit:
        return Limit(int(most))

    def column(self, value: Any, name: Token | None) -> Named:
        return Named(str(name) if name else _text(value), _value(value))

    key = column

    def aggregate(self, call: _Call, name: Token | None) -> tuple[str, Aggregate]:
        if call.name not in AGGREGATES:
            raise MalformedQueryError(f"{call.name}() is not a supported aggregation function")
        arguments = tuple(each if isinstance(each, str) else _value(each) for each in call.arguments or ("*",))
        return str(name) if name else call.text, functools.partial(AGGREGATES[call.name], *arguments)

    def order(self, value: Any, direction: Token | None) -> tuple[Value, bool]:
        return _value(value), bool(direction) and str(direction).lower() == "desc"

    def any(self, *conditions: Any) -> Callable[[Row], bool]:
        parts = [_condition(each) for each in conditions]
        return lambda row: any(part(row) for part in parts)

    def all(self, *conditions: Any) -> Callable[[Row], bool]:
        parts = [_condition(each) for each in conditions]
        return lambda row: all(part(row) for part in parts)

    def negate(self, condition: Any) -> Callable[[Row], bool]:
        part = _condition(condition)
        return lambda row: not part(row)

    def compare(self, left: Any, comparison: Token, right: Any) -> Callable[[Row], bool]:
        one, other, compares = _value(left), _value(right), COMPARISONS[comparison]

        def compare(row: Row) -> bool:
            pair = one(row), other(row)
            if None in pair:
                return comparison == "!="
            numbers = [as_number(each) for each in pair]
            return compares(*(pair if None in numbers else numbers))

        return compare

    def like(self, value: Any, *rest: Any) -> Callable[[Row], bool]:
        found, pattern = _value(value), rest[-1]
        return lambda row: pattern.search(found(row) or "") is not None

    def unlike(self, value: Any, pattern: re.Pattern[str]) -> Callable[[Row], bool]:
        like = self.like(value, pattern)
        return lambda row: not like(row)

    def inside(self, value: Any, members: set[str]) -> Callable[[Row], bool]:
        found = _value(value)
        return lambda row: found(row) in members

    def outside(self, value: Any, members: set[str]) -> Callable[[Row], bool]:
        inside = self.inside(value, members)
        return lambda row: not inside(row)

    def list(self, *literals: Named) -> set[str]:
        return {literal.name for literal in literals}

    def pattern(self, token: Token) -> re.Pattern[str]:
        if token.type == "STRING":
            return re.compile(re.escape(_unquoted(token)))
        expression, _, flags = str(token)[1:].rpartition("/")
        return re.compile(expression, re.IGNORECASE if flags else 0)

    def call(self, name: Token, *arguments: Any) -> _Call:
        given = tuple(each for each in arguments if each is not None)
        return _Call(str(name).lower(), given, f"{name}({', '.join(map(_text, given))})")

    def field(self, token: Token) -> Named:
        name = str(token).strip("`")
        return Named(name, lambda row: row.get(name))

    def text(self, token: Token) -> Named:
        value = _unquoted(token)
        return Named(value, lambda _row: value)

    def number(self, token: Token) -> Named:
        return Named(str(token), lambda _row: str(token))


def _value(part: Any) -> Value:
    if isinstance(part, Named):
        return part.value
    if isinstance(part, _Call) and part.name == "bin" and len(part.arguments) == 1:
        amount, unit = re.fullmatch(r"(\d+)(\w+)", str(part.arguments[0])).groups()  # pyright: ignore[reportOptionalMemberAccess]
        return functools.partial(_binned, part.text, int(amount) * _MILLISECONDS[unit])
    raise MalformedQueryError(f"{_text(part)} is not a supported value")


def _condition(part: Any) -> Callable[[Row], bool]:
    if not isinstance(part, _Call):
        return part
    if part.name == "ispresent" and len(part.arguments) == 1:
        value = _value(part.arguments[0])
        return lambda row: value(row) is not None
    raise MalformedQueryError(f"{part.text} is not a supported condition")


def _text(part: Any) -> str:
    return part.text if isinstance(part, _Call) else part.name if isinstance(part, Named) else str(part)


def _unquoted(token: Token) -> str:
    return re.sub(r"\\(.)", r"\1", str(token)[1:-1])


def _binned(column: str, size_ms: int, row: Row) -> str | None:
    """Return the start of a row's period; rows after `stats` only have the column with it."""
    if "@timestamp" not in row:
        return row.get(column)
    at = datetime.strptime(row["@timestamp"], "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC)
    return as_time(at.timestamp() * 1000 // size_ms * size_ms)
