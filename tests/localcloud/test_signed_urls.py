"""Renditions behind the console's distribution: for URLs that the API signed, and for no others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from testing.callers import Answer, send
from testing.stack import Stack, deployed_stack

FILE_KEY = "uploads/a day at the sea.jpg"
SECRET = "img-pipeline-local-rendition-urls"  # noqa: S105 (its name)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with deployed_stack(api={"enabled": True, "auth": "none", "renditions": "signed"}) as deployed:
        deployed.finish(deployed.upload(FILE_KEY))
        yield deployed


@pytest.fixture(scope="module")
def urls(stack: Stack) -> list[str]:
    """The URLs of the file's renditions."""
    asset = send("GET", f"{stack.outputs['apiUrl']}/assets/{FILE_KEY.replace(' ', '%20')}").json
    return [rendition["url"] for rendition in asset["renditions"]]


def signed(url: str, key: Any, key_id: str, *, expires: float) -> str:
    """The URL, signed as anybody with a key can."""
    sign: Callable[[bytes], bytes] = lambda policy: key.sign(policy, padding.PKCS1v15(), hashes.SHA1())  # noqa: E731, S303
    return CloudFrontSigner(key_id, sign).generate_presigned_url(
        url, date_less_than=datetime.fromtimestamp(expires, UTC)
    )


def key_id_of(url: str) -> str:
    return parse_qs(urlsplit(url).query)["Key-Pair-Id"][0]


def get(url: str) -> Answer:
    return send("GET", url)


def stacks_key(stack: Stack) -> Any:
    pem = stack.cloud.client("secretsmanager").get_secret_value(SecretId=SECRET)["SecretString"]
    return serialization.load_pem_private_key(pem.encode(), None)


def test_every_rendition_has_a_url_of_the_consoles_distribution(stack: Stack, urls: list[str]) -> None:
    assert len(urls) > 2
    for url in urls:
        answer = get(url)
        assert (answer.status, url.startswith(stack.outputs["consoleUrl"])) == (200, True)
        assert answer.headers["content-type"].startswith("image/")


def test_browsers_keep_a_rendition_while_its_url_is_valid(urls: list[str]) -> None:
    assert get(urls[0]).headers["cache-control"] == "max-age=3600"


def test_a_url_without_a_signature_is_refused(urls: list[str]) -> None:
    assert get(urls[0].partition("?")[0]).status == 403


def test_a_signature_of_another_rendition_is_refused(urls: list[str]) -> None:
    path, other = urls[0].partition("?")[0], urls[1].partition("?")[2]
    assert get(f"{path}?{other}").status == 403


def test_an_expired_url_is_refused_and_so_is_one_whose_time_was_changed(stack: Stack, urls: list[str]) -> None:
    path, now = urls[0].partition("?")[0], time.time()
    key, key_id = stacks_key(stack), key_id_of(urls[0])
    assert get(signed(path, key, key_id, expires=now + 600)).status == 200
    expired = signed(path, key, key_id, expires=now - 1)
    assert get(expired).status == 403
    assert get(expired.replace(f"Expires={int(now - 1)}", f"Expires={int(now + 600)}")).status == 403


def test_another_key_is_refused_by_its_own_id_and_by_the_stacks(urls: list[str]) -> None:
    path, later = urls[0].partition("?")[0], time.time() + 600
    key = rsa.generate_private_key(65537, 2048)
    assert get(signed(path, key, key_id_of(urls[0]), expires=later)).status == 403
    assert get(signed(path, key, "K2JCJMDEHXQW5F", expires=later)).status == 403


def test_the_page_itself_needs_no_signature(stack: Stack) -> None:
    assert get(f"{stack.outputs['consoleUrl']}config.json").status == 200


def test_a_url_stays_the_same_for_a_while_so_that_browsers_find_what_they_kept(stack: Stack) -> None:
    """Two requests a moment apart; at the turn of a quarter of an hour, the third is as the second."""
    ask = f"{stack.outputs['apiUrl']}/assets?limit=1"
    first, second, third = (send("GET", ask).json["assets"][0]["srcset"] for _ in range(3))
    assert second in (first, third)
