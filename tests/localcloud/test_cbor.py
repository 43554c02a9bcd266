"""The wire format of CloudWatch's clients."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localcloud import cbor

values = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
)


@given(values)
@settings(max_examples=50, deadline=None)
def test_what_is_encoded_is_decoded_again(value: Any) -> None:
    assert cbor.loads(cbor.dumps(value)) == value


def test_the_examples_of_the_standard_are_encoded_as_it_says() -> None:
    examples = {23: "17", 24: "1818", 1000: "1903e8", -1000: "3903e7", 1.1: "fb3ff199999999999a", "IETF": "6449455446"}
    assert {value: cbor.dumps(value).hex() for value in examples} == examples
    assert cbor.dumps({"a": 1, "b": [2, None]}).hex() == "a261610161628202f6"


def test_a_tagged_timestamp_arrives_as_a_datetime() -> None:
    assert cbor.loads(cbor.dumps(cbor.CBORTag(1, 1363896240.0))) == datetime(2013, 3, 21, 20, 4, tzinfo=UTC)


def test_what_the_protocol_does_not_have_is_refused() -> None:
    with pytest.raises(TypeError, match="set"):
        cbor.dumps({1})
