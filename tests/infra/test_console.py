"""The web console: who may read its files, and what its page may load and ask."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from components.blocks import packaging
from policies.recording import ACCOUNT_ID, Recording, run

BUCKET = f"img-pipeline-dev-console-{ACCOUNT_ID}"
DISTRIBUTION = f"arn:aws:cloudfront::{ACCOUNT_ID}:distribution/EDFDVBD6EXAMPLE"


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Recording:
    """dev with a console that `make console` has built."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html>")
    (tmp_path / "assets" / "index-1a2b.js").write_text("")
    monkeypatch.setattr(packaging, "CONSOLE_DIRECTORY", tmp_path)
    return run("dev")


def test_its_files_are_read_by_its_distribution_alone(dev: Recording) -> None:
    policy = json.loads(dev.one("BucketPolicy", bucket=BUCKET).inputs["policy"])
    allowed = [statement for statement in policy["Statement"] if statement["Effect"] == "Allow"]
    assert allowed == [
        {
            "Sid": "ReadByDistribution",
            "Effect": "Allow",
            "Principal": {"Service": "cloudfront.amazonaws.com"},
            "Action": ["s3:GetObject"],
            "Resource": f"arn:aws:s3:::{BUCKET}/*",
            "Condition": {"StringEquals": {"aws:SourceArn": DISTRIBUTION}},
        }
    ]
    (origin,) = dev.one("Distribution").inputs["origins"]
    assert origin["domainName"] == f"{BUCKET}.s3.eu-west-1.amazonaws.com"
    assert dev.one("OriginAccessControl").inputs["signingBehavior"] == "always"


def test_it_is_sent_over_tls_with_security_headers(dev: Recording) -> None:
    behavior = dev.one("Distribution").inputs["defaultCacheBehavior"]
    assert behavior["viewerProtocolPolicy"] == "redirect-to-https"
    assert behavior["allowedMethods"] == ["GET", "HEAD"]
    headers = dev.one("ResponseHeadersPolicy").inputs["securityHeadersConfig"]
    assert headers["strictTransportSecurity"]["accessControlMaxAgeSec"] >= 31_536_000
    assert headers["frameOptions"]["frameOption"] == "DENY"
    assert all(header["override"] for header in headers.values())


def test_its_page_runs_nothing_inline_and_asks_only_this_stack(dev: Recording) -> None:
    headers = dev.one("ResponseHeadersPolicy").inputs["securityHeadersConfig"]
    policy = headers["contentSecurityPolicy"]["contentSecurityPolicy"]
    directives = {name: values for name, *values in (part.split() for part in policy.split(";"))}
    assert directives["default-src"] == ["'none'"]
    assert directives["script-src"] == directives["style-src"] == ["'self'"]
    assert not any("unsafe" in value or value == "*" for values in directives.values() for value in values)
    buckets = {
        f"https://{dev.outputs[name]}.s3.eu-west-1.amazonaws.com" for name in ("ingestBucket", "processedBucket")
    }
    assert buckets < set(directives["connect-src"])


def test_people_return_to_it_from_the_sign_in_page(dev: Recording) -> None:
    client = dev.one("UserPoolClient", name="img-pipeline-dev-console").inputs
    assert client["callbackUrls"] == client["logoutUrls"] == [dev.outputs["consoleUrl"]]
    assert client["allowedOauthFlows"] == ["code"]
    assert not client.get("generateSecret")


def test_built_files_are_kept_by_browsers_and_the_page_is_asked_for_each_time(built: Recording) -> None:
    stored = {
        each.inputs["key"]: each.inputs for each in built.of_type("BucketObject") if each.inputs["bucket"] == BUCKET
    }
    assert stored.keys() == {"index.html", "assets/index-1a2b.js", "config.json"}
    assert stored["index.html"]["cacheControl"] == stored["config.json"]["cacheControl"] == "no-cache"
    assert "immutable" in stored["assets/index-1a2b.js"]["cacheControl"]
    assert stored["index.html"]["contentType"] == "text/html"


def test_there_is_none_where_it_is_switched_off_or_cannot_sign_anybody_in() -> None:
    issuer = {"issuer": "https://login.example.com", "audience": ["img-pipeline"]}
    for api in ({"console": False}, {"enabled": False}, issuer):
        recording = run("dev", {"api": api})
        assert recording.outputs["consoleUrl"] == ""
        assert recording.of_type("Distribution") == []
