"""CloudWatch Logs filter patterns of terms or of conditions on JSON; other patterns are refused.

Source: "Filter pattern syntax for metric filters, subscription filters, filter log events, and Live Tail" (Amazon
CloudWatch Logs User Guide).
"""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedInput, VisitError

from localcloud.logs.records import parsed
from localcloud.logs.syntax import COMPARISONS

Matches = Callable[[str], bool]
_MISSING = object()
_TERM = re.compile(r'([?-]?)("(?:[^"\\]|\\.)*"|%[^%]+%|\S+)')


class InvalidPatternError(ValueError):
    """A pattern that is malformed or not supported."""


@functools.cache
def compile_pattern(pattern: str) -> Matches:
    """Return a function that tests whether a pattern matches a message.

    Raises:
        InvalidPatternError: the pattern is malformed or not supported.
    """
    pattern = pattern.strip()
    if pattern.startswith("{"):
        return _json_pattern(pattern)
    if pattern.startswith("["):
        raise InvalidPatternError("patterns in brackets, for space-delimited events, are not supported")
    return _words(pattern)


def _words(pattern: str) -> Matches:
    """Match events with all plain terms, no `-` term, and at least one of the `?` terms."""
    terms: dict[str, list[re.Pattern[str]]] = {"": [], "?": [], "-": []}
    for sign, term in _TERM.findall(pattern):
        if term.startswith("%"):
            terms[sign].append(re.compile(term.strip("%")))
        else:
            terms[sign].append(re.compile(re.escape(re.sub(r"\\(.)", r"\1", term.strip('"')))))

    def matches(message: str) -> bool:
        if any(term.search(message) for term in terms["-"]):
            return False
        if not all(term.search(message) for term in terms[""]):
            return False
        return not terms["?"] or bool(terms[""]) or any(term.search(message) for term in terms["?"])

    return matches


def _json_pattern(pattern: str) -> Matches:
    try:
        condition = _Conditions().transform(_grammar().parse(pattern)).children[0]
    except UnexpectedInput as error:
        raise InvalidPatternError(f"malformed or unsupported filter pattern at column {error.column}") from None
    except VisitError as error:
        raise InvalidPatternError(str(error.orig_exc)) from None

    def matches(message: str) -> bool:
        event = parsed(message)
        return bool(event) and condition(event)

    return matches


@functools.cache
def _grammar() -> Lark:
    return Lark(Path(__file__).with_name("filter_pattern.lark").read_text(encoding="utf-8"), parser="lalr")


Condition = Callable[[Any], bool]


@v_args(inline=True)
class _Conditions(Transformer[Token, Any]):
    """Transforms a pattern's syntax tree to a condition on a parsed event."""

    def any(self, *parts: Condition) -> Condition:
        return lambda event: any(part(event) for part in parts)

    def all(self, *parts: Condition) -> Condition:
        return lambda event: all(part(event) for part in parts)

    def number(self, selector: Token, comparison: Token, wanted: Token) -> Condition:
        compares, value = COMPARISONS[comparison], float(wanted)

        def compare(event: Any) -> bool:
            found = _selected(event, selector)
            is_number = isinstance(found, int | float) and not isinstance(found, bool)
            return compares(found, value) if is_number else comparison == "!=" and found is not _MISSING

        return compare

    def text(self, selector: Token, equality: Token, wanted: Token) -> Condition:
        if equality not in ("=", "!="):
            raise InvalidPatternError(f"text can be compared with = or !=, not with {equality}")
        text = re.sub(r"\\(.)", r"\1", str(wanted)[1:-1]) if wanted.type == "STRING" else str(wanted)
        is_wanted = re.compile(fnmatch.translate(re.sub(r"([\[\]?])", r"[\1]", text)))

        def compare(event: Any) -> bool:
            found = _selected(event, selector)
            equal = isinstance(found, str) and is_wanted.match(found) is not None
            return equal if equality == "=" else not equal and found is not _MISSING

        return compare

    def truth(self, selector: Token, wanted: Token) -> Condition:
        value = {"TRUE": True, "FALSE": False, "NULL": None}[wanted]
        return lambda event: _selected(event, selector) is value

    def exists(self, selector: Token) -> Condition:
        return lambda event: _selected(event, selector) is not _MISSING

    def absent(self, selector: Token) -> Condition:
        return lambda event: _selected(event, selector) is _MISSING


def _selected(event: Any, selector: str) -> Any:
    for name, position, quoted in re.findall(r"\.([\w-]+)|\[(\d+)\]|\['([^']+)'\]", selector):
        try:
            event = event[int(position)] if position else event[name or quoted]
        except (KeyError, IndexError, TypeError):
            return _MISSING
    return event
