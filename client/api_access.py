"""Where a stack's HTTP API is, and how a caller gets a token for it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from urllib.parse import urlsplit

from client.errors import InvalidRequestError
from client.pipeline import Pipeline

NO_TOKEN, USER_POOL, ISSUER = "none", "user pool", "issuer"
"""What `ApiAccess.auth` may be: no token is needed; the stack's Cognito user pool; another issuer."""


@dataclass(frozen=True, kw_only=True)
class ApiAccess:
    """An API and its tokens.

    Attributes:
        url: the API's address, without a slash at the end.
        auth: one of `NO_TOKEN`, `USER_POOL` and `ISSUER`.
        issuer: the `iss` of tokens; where its keys are, too. Empty without tokens.
        token_url: where a machine gets a token of the user pool; empty otherwise.
        client_id: the machines' client; empty without a user pool.
        secret_command: prints the client's secret; empty without a user pool.
    """

    url: str
    auth: str
    issuer: str = ""
    token_url: str = ""
    client_id: str = ""
    secret_command: str = ""

    @property
    def token_commands(self) -> tuple[str, ...]:
        """Shell commands that set TOKEN; none where the stack does not give the tokens."""
        if self.auth != USER_POOL:
            return ()
        read = """python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])'"""
        grant = f'curl -s {self.token_url} -u "{self.client_id}:$SECRET" -d grant_type=client_credentials'
        return (f"SECRET=$({self.secret_command})", f"TOKEN=$({grant} | {read})")

    @property
    def curl_commands(self) -> tuple[str, ...]:
        """The four requests from a file to its processed picture."""
        token = "" if self.auth == NO_TOKEN else ' -H "Authorization: Bearer $TOKEN"'
        return (
            f"curl -X POST {self.url}/uploads{token} -H 'Content-Type: application/json' "
            """-d '{"filename": "test-image.jpg"}'""",
            """curl -X PUT "$uploadUrl" -H 'Content-Type: image/jpeg' --data-binary @test-image.jpg""",
            f"curl {self.url}/jobs/$jobId{token}",
            'curl -o processed.jpg "$downloadUrl"',
        )


def api_access(pipeline: Pipeline) -> ApiAccess:
    """Find a stack's API and what its authorizer asks for.

    Raises:
        InvalidRequestError: the stack has no API.
    """
    url, pool = pipeline.outputs.api_url, pipeline.outputs.user_pool_id
    if not url:
        raise InvalidRequestError(
            f"stack {pipeline.stack} has no API: set `enabled: true` in its setting api, then deploy it again"
        )
    authorizers = pipeline.client("apigatewayv2").get_authorizers(ApiId=api_id(url))["Items"]
    if not authorizers:
        return ApiAccess(url=url, auth=NO_TOKEN)
    issuer = authorizers[0]["JwtConfiguration"]["Issuer"]
    if not pool:
        return ApiAccess(url=url, auth=ISSUER, issuer=issuer)
    client_id = pipeline.outputs.machine_client_id
    return ApiAccess(
        url=url,
        auth=USER_POOL,
        # In an embedded cloud the keys are where everything is, whatever the issuer is called.
        issuer=f"{pipeline.endpoint_url}/{pool}" if pipeline.local else issuer,
        token_url=_token_url(pipeline, pool),
        client_id=client_id,
        secret_command=_secret_command(pipeline, pool, client_id),
    )


def api_id(url: str) -> str:
    """The id of the API with this address: a part of the host on AWS, of the path in an embedded cloud."""
    parts = urlsplit(url)
    _, local, after = parts.path.partition("/execute-api/")
    return after.split("/")[0] if local else str(parts.hostname).split(".")[0]


def _token_url(pipeline: Pipeline, pool: str) -> str:
    if pipeline.local:
        return f"{pipeline.endpoint_url}/oauth2/token"
    domain = pipeline.client("cognito-idp").describe_user_pool(UserPoolId=pool)["UserPool"]["Domain"]
    return f"https://{domain}.auth.{pipeline.region}.amazoncognito.com/oauth2/token"


def _secret_command(pipeline: Pipeline, pool: str, client_id: str) -> str:
    endpoint = ("--endpoint-url", str(pipeline.endpoint_url)) if pipeline.local else ()
    words = ("--region", pipeline.region, "--user-pool-id", pool, "--client-id", client_id)
    query = ("--query", "UserPoolClient.ClientSecret", "--output", "text")
    return shlex.join(["aws", *endpoint, "cognito-idp", "describe-user-pool-client", *words, *query])
