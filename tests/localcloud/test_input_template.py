"""Input templates of pipes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localcloud.pipe_runner import render, source_event

QUEUE_ARN = "arn:aws:sqs:eu-west-1:123456789012:transform-queue"
PIPE = {
    "Name": "pipe",
    "Arn": "arn:aws:pipes:eu-west-1:123456789012:pipe/pipe",
    "Source": QUEUE_ARN,
    "Target": "arn:aws:states:eu-west-1:123456789012:stateMachine:machine",
}


def event(body: str) -> dict[str, Any]:
    message = {
        "MessageId": "m-1",
        "ReceiptHandle": "handle",
        "Body": body,
        "MD5OfBody": "d41d8cd98f00b204e9800998ecf8427e",
        "Attributes": {"ApproximateReceiveCount": "3"},
    }
    return source_event(message, QUEUE_ARN)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ('{"id": <$.messageId>}', {"id": "m-1"}),
        ('{"id": "<$.messageId>"}', {"id": "m-1"}),
        ('{"id": "message <$.messageId>, try <$.attributes.ApproximateReceiveCount>"}', {"id": "message m-1, try 3"}),
        ('{"event": <$.body>}', {"event": {"keys": ["a", "b"], "size": 7, "name": 'say "hi"'}}),
        ('{"second": <$.body.keys[1]>, "size": <$.body.size>}', {"second": "b", "size": 7}),
        ('{"text": "<$.body.name>"}', {"text": 'say "hi"'}),
        ('{"text": "keys <$.body.keys>"}', {"text": "keys [a, b]"}),
        ('{"region": <$.awsRegion>, "pipe": <aws.pipes.pipe-name>}', {"region": "eu-west-1", "pipe": "pipe"}),
        ("<$.body.size>", 7),
        ("plain words about <$.messageId>", 'plain words about "m-1"'),
    ],
)
def test_placeholders_are_json_outside_quotes_and_text_inside(template: str, expected: Any) -> None:
    body = json.dumps({"keys": ["a", "b"], "size": 7, "name": 'say "hi"'})
    assert render(template, event(body), PIPE) == expected


def test_a_body_that_is_not_json_is_text() -> None:
    assert render('{"event": <$.body>}', event("not json"), PIPE) == {"event": "not json"}


@pytest.mark.parametrize("template", ['{"a": <$.body.absent>}', '{"a": <aws.pipes.absent>}'])
def test_a_placeholder_for_a_missing_field_is_an_error(template: str) -> None:
    with pytest.raises(LookupError):
        render(template, event("{}"), PIPE)


@given(st.text())
@settings(deadline=None)
def test_any_key_is_unchanged_by_the_template(key: str) -> None:
    body = json.dumps({"key": key})
    assert render('{"bare": <$.body.key>, "quoted": "<$.body.key>"}', event(body), PIPE) == {"bare": key, "quoted": key}
