"""The receivers that docs/webhooks.md shows accept what the function signs, and nothing else."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contract.webhooks import SigningKeys, delivery_of, payload_of
from docs.generated import ROOT
from functions.webhook.signing import signed_headers

KEYS = SigningKeys(current="new", previous="old")
PAYLOAD = payload_of(delivery_of({"type": "AssetReady", "fileKey": "uploads/é.jpg"}, "catalogue", "2026-01-01"))
CALL = """
import { readFileSync } from "node:fs";
const { secret, headers, body } = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(receive(secret, headers, body)));
"""

Receive = Callable[[str, dict[str, str], str], Any]


def shown(language: str) -> str:
    """The page's one block of code in a language."""
    text = (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")
    (code,) = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    return code


def python_receiver(_folder: Path) -> Receive:
    namespace: dict[str, Any] = {}
    exec(shown("python"), namespace)  # noqa: S102 (our own documentation)
    return lambda secret, headers, body: namespace["receive"](secret, headers, body.encode())


def javascript_receiver(folder: Path) -> Receive:
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node here")
    module = folder / "receiver.mjs"
    module.write_text(shown("javascript") + CALL, encoding="utf-8")

    def receive(secret: str, headers: dict[str, str], body: str) -> Any:
        given = json.dumps({"secret": secret, "headers": headers, "body": body})
        answer = subprocess.run([node, module], input=given, capture_output=True, text=True, check=True)  # noqa: S603
        return json.loads(answer.stdout)

    return receive


@pytest.fixture(params=[python_receiver, javascript_receiver], ids=["python", "javascript"])
def receive(request: pytest.FixtureRequest, tmp_path: Path) -> Receive:
    return request.param(tmp_path)


def headers(**changed: str) -> dict[str, str]:
    signed = signed_headers(KEYS.secrets_of("catalogue"), "msg_1", PAYLOAD)
    return signed | {name.replace("_", "-"): value for name, value in changed.items()}


@pytest.mark.parametrize("secret", KEYS.secrets_of("catalogue"), ids=["current", "previous"])
def test_receiver_accepts_a_delivery_with_either_secret(receive: Receive, secret: str) -> None:
    assert receive(secret, headers(), PAYLOAD) == json.loads(PAYLOAD)


def test_receiver_refuses_what_is_forged_changed_or_old(receive: Receive) -> None:
    secret, *_ = KEYS.secrets_of("catalogue")
    (others,) = SigningKeys(current="new").secrets_of("others")
    for given in (
        (others, headers(), PAYLOAD),
        (secret, headers(), f"{PAYLOAD} "),
        (secret, headers(webhook_id="msg_2"), PAYLOAD),
        (secret, headers(webhook_timestamp="1700000000"), PAYLOAD),
    ):
        with pytest.raises(Exception):  # noqa: B017, PT011 (each library has its own)
            receive(*given)
