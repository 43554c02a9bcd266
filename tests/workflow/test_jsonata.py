"""The functions in the workflow's expressions, for any value."""

from __future__ import annotations

import json
from typing import Any

import jsonata
import pytest
from boto3.dynamodb.types import TypeDeserializer
from hypothesis import given
from hypothesis import strategies as some

from components.workflow.jsonata import AS_ATTRIBUTE, MAX_CAUSE_CHARACTERS, READABLE_CAUSE
from tests.workflow.rig import as_stored

TEXT = some.text(some.characters(exclude_categories=["Cs"]), max_size=40)
NUMBERS = some.integers(-(10**12), 10**12) | some.decimals(-1000, 1000, places=3).map(float)
JSON = some.recursive(
    some.none() | some.booleans() | NUMBERS | TEXT,
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(TEXT.filter(bool), inner, max_size=4),
    max_leaves=12,
)


def evaluate(source: str, **variables: object) -> Any:
    program = jsonata.Jsonata.jsonata(source)
    program.register_lambda("parse", json.loads)  # a function that Step Functions adds to JSONata
    return program.evaluate(None, variables)


def readable(cause: object) -> str:
    return evaluate(f"({READABLE_CAUSE} $readableCause($cause))", cause=cause)


@given(some.dictionaries(TEXT.filter(bool), JSON, max_size=4) | some.lists(JSON, max_size=4))
def test_any_json_is_read_back_from_dynamodb_unchanged(value: object) -> None:
    attribute = evaluate(f"({AS_ATTRIBUTE} $asAttribute($value))", value=value)

    assert TypeDeserializer().deserialize(attribute) == as_stored(value)


@given(TEXT.filter(bool), TEXT)
def test_message_of_a_lambda_error_is_read_from_its_cause(message: str, kind: str) -> None:
    cause = json.dumps({"errorType": kind, "errorMessage": message, "requestId": "r", "stackTrace": ["a", "b"]})

    assert readable(cause) == message
    assert readable(json.dumps(json.loads(cause), ensure_ascii=False)) == message


@given(TEXT.filter(bool), some.data())
def test_a_truncated_cause_is_a_reason(message: str, data: some.DataObject) -> None:
    cause = json.dumps({"errorMessage": message})

    assert readable(cause[: data.draw(some.integers(1, len(cause)))])


@given(some.text(some.characters(exclude_categories=["Cs"]), max_size=2 * MAX_CAUSE_CHARACTERS))
def test_a_reason_is_never_empty_nor_longer_than_its_limit(cause: str) -> None:
    assert 0 < len(readable(cause)) <= MAX_CAUSE_CHARACTERS


@pytest.mark.parametrize("cause", [None, 5, {"errorMessage": "no string"}, []])
def test_a_cause_that_is_not_text_is_a_reason(cause: object) -> None:
    assert readable(cause) == "No cause was given."
