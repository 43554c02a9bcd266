"""Callers of a stack's API: tokens as its user pool gives them, calls, and the requests to S3 that it signs."""

from __future__ import annotations

import base64
import json
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from client.api import Answer, ApiClient
from testing.stack import Stack

READ, WRITE, OPERATE = (f"img-pipeline/files:{name}" for name in ("read", "write", "operate"))

Claims = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Callers:
    """Those who call the API of a stack that asks for tokens."""

    stack: Stack

    @property
    def pool_id(self) -> str:
        """The stack's user pool."""
        return self.stack.outputs["userPoolId"]

    def call(self, method: str, path: str, token: str | None = None, body: object = None, **headers: str) -> Answer:
        """Call the API; an underscore in a header's name stands for a hyphen."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        if body is not None:
            sent["content-type"] = "application/json"
        content = None if body is None else json.dumps(body).encode()
        return send(method, self.stack.outputs["apiUrl"] + path, content, sent)

    def token(self, *scopes: str, pool_id: str = "", client_id: str = "") -> str:
        """A machine's token, as the sign-in domain gives it for the client's id and secret."""
        pool_id, client_id = pool_id or self.pool_id, client_id or self.stack.outputs["machineClientId"]
        cognito = self.stack.cloud.client("cognito-idp")
        client = cognito.describe_user_pool_client(UserPoolId=pool_id, ClientId=client_id)["UserPoolClient"]
        credentials = base64.b64encode(f"{client_id}:{client['ClientSecret']}".encode()).decode()
        form = {"grant_type": "client_credentials", **({"scope": " ".join(scopes)} if scopes else {})}
        answer = send(
            "POST",
            f"{self.stack.cloud.endpoint_url}/oauth2/token",
            urllib.parse.urlencode(form).encode(),
            {"authorization": f"Basic {credentials}", "content-type": "application/x-www-form-urlencoded"},
        )
        if answer.status != 200:
            raise PermissionError(answer.body.decode())
        return answer.json["access_token"]

    def operator(self) -> str:
        """An operator's token."""
        return self.signed_again(self.token(READ), lambda claims: {**claims, "scope": f"{READ} {OPERATE}"})

    def somebody_else(self) -> str:
        """The token of another caller, who may read and write."""
        return self.signed_again(self.token(), lambda claims: {**claims, "sub": "somebody-else"})

    def signed_again(self, token: str, change: Callable[[Claims], Claims]) -> str:
        """The token with other claims, signed with the pool's own key."""
        pem = self.stack.cloud.data_directory / "state" / "cognito-pool-keys" / f"{self.pool_id}-access.pem"
        key = serialization.load_pem_private_key(pem.read_bytes(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        signed = with_claims(token, change).rpartition(".")[0]
        return f"{signed}.{encoded(key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def with_claims(token: str, change: Callable[[Claims], Claims]) -> str:
    """The token with other claims and the signature that it had."""
    header, claims, signature = token.split(".")
    changed = change(json.loads(base64.urlsafe_b64decode(claims + "==")))
    return ".".join((header, encoded(json.dumps(changed).encode()), signature))


def encoded(part: bytes) -> str:
    """A part of a token."""
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def send(method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Answer:
    """Send a request and return the answer, whatever its status."""
    return ApiClient("").exchange(method, url, body, headers or {})
