"""The web console: who may read its files, and what its page may load and ask."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

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


@pytest.fixture(scope="module")
def signed() -> Recording:
    """dev, whose renditions are sent by the console's distribution."""
    return run("dev", {"api": {"renditions": "signed"}})


def test_renditions_are_sent_for_urls_signed_with_the_stacks_key_alone(signed: Recording) -> None:
    distribution = signed.one("Distribution").inputs
    (behavior,) = distribution["orderedCacheBehaviors"]
    (group,) = signed.of_type("KeyGroup")
    (key,) = signed.of_type("PublicKey")
    assert behavior["pathPattern"] == "processed/*"
    assert behavior["trustedKeyGroups"] == [group.inputs["name"]]
    assert group.inputs["items"] == [key.name]
    assert "trustedKeyGroups" not in distribution["defaultCacheBehavior"]
    origins = {origin["originId"]: origin for origin in distribution["origins"]}
    processed = origins[behavior["targetOriginId"]]
    assert processed["domainName"] == f"{signed.outputs['processedBucket']}.s3.eu-west-1.amazonaws.com"
    assert processed["originAccessControlId"]


def test_the_distribution_reads_renditions_and_nothing_else_of_their_bucket(signed: Recording, dev: Recording) -> None:
    def allowed(recording: Recording) -> list[object]:
        bucket = recording.outputs["processedBucket"]
        policy = json.loads(recording.one("BucketPolicy", bucket=bucket).inputs["policy"])
        return [statement for statement in policy["Statement"] if statement["Effect"] == "Allow"]

    (statement,) = allowed(signed)
    assert statement == {
        "Sid": "ReadByDistribution",
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": ["s3:GetObject"],
        "Resource": f"arn:aws:s3:::{signed.outputs['processedBucket']}/processed/*",
        "Condition": {"StringEquals": {"aws:SourceArn": DISTRIBUTION}},
    }
    assert allowed(dev) == []


def test_the_api_reads_the_signing_key_and_no_renditions(signed: Recording) -> None:
    role = signed.one("Role", name="img-pipeline-dev-api").inputs["name"]
    policy = json.loads(signed.one("RolePolicy", role=role).inputs["policy"])
    by_action = {action: each["Resource"] for each in policy["Statement"] for action in each["Action"]}
    assert "s3:GetObject" not in by_action
    assert by_action["secretsmanager:GetSecretValue"] == [signed.one("Secret").arn]


def test_the_public_key_is_that_of_the_secret_and_the_private_one_is_secret(signed: Recording) -> None:
    version = signed.one("SecretVersion")
    pem = version.inputs["secretString"]["value"]
    private_key = serialization.load_pem_private_key(pem.encode(), None)
    assert isinstance(private_key, rsa.RSAPrivateKey)
    assert private_key.key_size == 2048
    public_key = serialization.load_pem_public_key(signed.one("PublicKey").inputs["encodedKey"].encode())
    assert public_key == private_key.public_key()
    assert version.ignore_changes == {"secretString"}
