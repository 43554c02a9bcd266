"""What a rule for single resources is, and the list of all of them.

A check yields one message for each violation. The engine runs it before it creates the resource, so a resource that
violates one of these rules is never created.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Declared:
    """A resource as the program declares it.

    Attributes:
        type: the provider's type token, such as `aws:s3/bucket:Bucket`.
        properties: its inputs by camelCase name, as plain values.
    """

    type: str
    properties: Mapping[str, Any]

    def get(self, key: str) -> Any:
        """A property; None where it is not set, UNKNOWN where it is known after the deployment only."""
        return self.properties.get(key)


Check = Callable[[Declared], Iterator[str]]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A requirement on every resource of some types.

    Attributes:
        name: the rule's id, which says what it requires.
        description: the same in one sentence, for docs/security.md.
        types: the types that it applies to; none for every type.
        check: yields one message for each violation.
    """

    name: str
    description: str
    types: Collection[str]
    check: Check


RULES: list[Rule] = []


def rule(rule_id: str, description: str, *types: str) -> Callable[[Check], Check]:
    """Register a check as a rule."""

    def add(check: Check) -> Check:
        RULES.append(Rule(name=rule_id, description=description, types=types, check=check))
        return check

    return add
