"""Each invocation writes one log line and metrics; failures have classes that the workflow can match."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from functions.shared.errors import PipelineError, ValidateError
from functions.shared.formats import JPEG
from tests.unit.conftest import Cloud, file_payload
from tests.unit.fake_aws import client_error
from tests.unit.pictures import file_of, gradient

TRACE = "1-5759e988-bd862e3fe1be46a994272793"


def printed(capsys: pytest.CaptureFixture[str]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The function's output: (log lines, metrics); every line is one JSON object."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [line for line in lines if "_aws" not in line], [line for line in lines if "_aws" in line]


@pytest.mark.parametrize("function", ["validate", "thumbnail", "watermark", "metadata"])
def test_each_invocation_writes_one_log_line(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], function: str
) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", f"Root={TRACE};Parent=53995c3f42cd8ad8;Sampled=1")
    body = file_of(gradient(), JPEG)
    file = cloud.file("uploads/Ærø + sund.jpg", body)
    event = file if function == "validate" else {"file": file, "media": cloud.invoke("validate", file)}
    capsys.readouterr()
    answer = cloud.invoke(function, event)
    [line], _ = printed(capsys)
    assert line["level"] == "INFO"
    assert line["service"] == os.environ["POWERTOOLS_SERVICE_NAME"]
    assert line["traceId"] == TRACE
    assert line["executionName"] == "execution-1"
    assert line["fileKey"] == "uploads/Ærø + sund.jpg"
    assert line["durationMs"] == answer["durationMs"]
    assert line["outcome"] == ("ACCEPTED" if function == "validate" else "COMPLETED")


def test_a_rejection_is_logged_with_its_code(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    cloud.validate("uploads/a.jpg", b"")
    [line], _ = printed(capsys)
    assert (line["level"], line["outcome"]) == ("INFO", "EMPTY")


def test_a_failure_is_logged_with_its_class_and_stack_trace(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    cloud.s3.failures.append(client_error("SlowDown", 503))
    with pytest.raises(PipelineError):
        cloud.invoke("validate", file_payload("uploads/a.jpg", 10))
    [line], [metrics] = printed(capsys)
    assert (line["level"], line["outcome"], line["fileKey"]) == ("ERROR", "TransientError", "uploads/a.jpg")
    assert "SlowDown" in line["exception"]
    assert metrics["ColdStart"] == [1]


def test_an_unexpected_error_is_raised_as_the_functions_own_class(cloud: Cloud) -> None:
    with pytest.raises(ValidateError, match="KeyError: 'versionId'"):
        cloud.invoke("validate", {"bucket": "ingest", "fileKey": "uploads/a.jpg"})


def test_duration_and_cold_start_are_metrics_of_the_service(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(3):
        cloud.validate("uploads/a.jpg", b"")
    _, metrics = printed(capsys)
    assert [line["ColdStart"] for line in metrics] == [[1], [0], [0]]
    for line in metrics:
        [directive] = line["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "img-pipeline/test"
        assert directive["Dimensions"] == [["service"]]
        assert {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]} == {
            "Duration": "Milliseconds",
            "ColdStart": "Count",
        }
        assert line["service"] == os.environ["POWERTOOLS_SERVICE_NAME"]
        assert line["Duration"][0] >= 0


def test_a_function_without_a_namespace_publishes_no_metrics(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("POWERTOOLS_METRICS_NAMESPACE")
    cloud.validate("uploads/a.jpg", b"")
    [line], metrics = printed(capsys)
    assert (line["outcome"], line["coldStart"]) == ("EMPTY", 1)
    assert metrics == []
