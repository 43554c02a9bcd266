"""The table transform's settings."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from functions.shared.errors import ConfigurationError

_DUCKDB_TYPES = {
    "text": "VARCHAR",
    "bigint": "BIGINT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
}


@dataclass(frozen=True, kw_only=True)
class Schema:
    """What is required of the tables under a prefix.

    Args:
        prefix: of keys; "" for tables for which no columns are set.
        types: DuckDB's types by the columns' names; empty where none are set.
        tolerated_percent: share of the rows that may not fit.
        rejects_formulas: whether a table with formulas is rejected.
    """

    prefix: str
    types: Mapping[str, str]
    tolerated_percent: float
    rejects_formulas: bool


def schemas_from_environment(environment: Mapping[str, str]) -> tuple[Schema, ...]:
    """Read SETTINGS, sorted by prefix, longest first.

    Raises:
        ConfigurationError: it is missing or invalid.
    """
    try:
        values = json.loads(environment["SETTINGS"])
        common = {"columns": {}, "toleratedPercent": values["toleratedPercent"]}
        given = {"": {}, **values["schemas"]}
        schemas = [
            Schema(
                prefix=prefix,
                types={name: _DUCKDB_TYPES[type] for name, type in schema["columns"].items()},
                tolerated_percent=float(schema["toleratedPercent"]),
                rejects_formulas=values["formulas"] == "reject",
            )
            for prefix, schema in ((prefix, common | each) for prefix, each in given.items())
        ]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ConfigurationError(f"SETTINGS is invalid: {error!r}. Deploy the stack again.") from error
    return tuple(sorted(schemas, key=lambda schema: len(schema.prefix), reverse=True))


def schema_for(key: str, schemas: Iterable[Schema]) -> Schema:
    """The first schema whose prefix the key has."""
    return next(schema for schema in schemas if key.startswith(schema.prefix))
