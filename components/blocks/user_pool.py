"""Who may call the API: a Cognito user pool with its sign-in page, its scopes, and a client for each kind of caller."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.stack_context import StackContext
from contract.api import OPERATORS, RESOURCE_SERVER, Scope

ACCESS_TOKEN_HOURS = 1
# The console keeps no token in the browser's storage, so a longer session would outlive no reload.
REFRESH_TOKEN_HOURS = 12
MEANINGS = {
    Scope.WRITE: "Upload files and delete your own",
    Scope.READ: "Read your own jobs and assets",
    Scope.OPERATE: "Read and delete the jobs and assets of all callers",
}

# With the resource server's prefix, as Cognito requires. No client grants files:operate: membership of the group does.
MACHINE_SCOPES = [f"{RESOURCE_SERVER}/{scope.value}" for scope in (Scope.WRITE, Scope.READ)]
CONSOLE_SCOPES = ["openid", "email", *MACHINE_SCOPES]


@dataclass(frozen=True, kw_only=True)
class UserPoolArgs:
    """`console_urls` are the addresses that the sign-in page may send people back to."""

    context: StackContext
    console_urls: Sequence[pulumi.Input[str]]


class UserPool(pulumi.ComponentResource):
    """People, whom an administrator invites, and machines, which have a secret."""

    id: pulumi.Output[str]
    arn: pulumi.Output[str]
    issuer: pulumi.Output[str]
    sign_in_url: pulumi.Output[str]
    console_client_id: pulumi.Output[str]
    machine_client_id: pulumi.Output[str]

    def __init__(self, name: str, args: UserPoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("img-pipeline:index:UserPool", name, None, opts)
        self._prefix, self._args = name, args
        child = pulumi.ResourceOptions(parent=self)
        pool = self._pool()
        context = args.context
        domain = aws.cognito.UserPoolDomain(
            name,
            # Shared by all of AWS, as a bucket's name is.
            domain=context.bucket_name("sign-in"),
            user_pool_id=pool.id,
            opts=child,
        )
        aws.cognito.UserGroup(
            f"{name}-{OPERATORS}",
            name=OPERATORS,
            user_pool_id=pool.id,
            description=MEANINGS[Scope.OPERATE],
            opts=child,
        )
        scopes = aws.cognito.ResourceServer(
            name,
            identifier=RESOURCE_SERVER,
            name=RESOURCE_SERVER,
            user_pool_id=pool.id,
            scopes=[{"scope_name": scope.value, "scope_description": MEANINGS[scope]} for scope in Scope],
            opts=child,
        )
        self.id, self.arn = pool.id, pool.arn
        self.sign_in_url = pulumi.Output.concat("https://", domain.domain, f".auth.{context.region}.amazoncognito.com")
        self.issuer = pulumi.Output.concat("https://", pool.endpoint)
        self.console_client_id = self._console_client(pool, scopes).id
        self.machine_client_id = self._machine_client(pool, scopes).id
        self.register_outputs({"id": self.id, "issuer": self.issuer})

    def _pool(self) -> aws.cognito.UserPool:
        context = self._args.context
        return aws.cognito.UserPool(
            self._prefix,
            name=context.name("callers"),
            admin_create_user_config={"allow_admin_create_user_only": True},
            username_attributes=["email"],
            username_configuration={"case_sensitive": False},
            auto_verified_attributes=["email"],
            # Cognito verifies an address by a code before it accepts it.
            user_attribute_update_settings={"attributes_require_verification_before_updates": ["email"]},
            account_recovery_setting={"recovery_mechanisms": [{"name": "verified_email", "priority": 1}]},
            password_policy={
                "minimum_length": 14,
                "require_lowercase": True,
                "require_uppercase": True,
                "require_numbers": True,
                "require_symbols": True,
                "temporary_password_validity_days": 3,
            },
            mfa_configuration="OPTIONAL",
            software_token_mfa_configuration={"enabled": True},
            deletion_protection="ACTIVE" if context.protect_state else "INACTIVE",
            tags=context.tags,
            opts=context.state_options(self),
        )

    def _console_client(
        self, pool: aws.cognito.UserPool, scopes: aws.cognito.ResourceServer
    ) -> aws.cognito.UserPoolClient:
        """A page in a browser keeps no secret: it proves with PKCE that the code it was given is its own."""
        return self._client(
            "console",
            pool,
            flow="code",
            scopes=CONSOLE_SCOPES,
            callback_urls=self._args.console_urls,
            depends_on=scopes,
        )

    def _machine_client(
        self, pool: aws.cognito.UserPool, scopes: aws.cognito.ResourceServer
    ) -> aws.cognito.UserPoolClient:
        return self._client(
            "machine",
            pool,
            flow="client_credentials",
            scopes=MACHINE_SCOPES,
            generate_secret=True,
            depends_on=scopes,
        )

    def _client(
        self,
        role: str,
        pool: aws.cognito.UserPool,
        *,
        flow: str,
        scopes: Sequence[str],
        callback_urls: Sequence[pulumi.Input[str]] = (),
        generate_secret: bool = False,
        depends_on: aws.cognito.ResourceServer,
    ) -> aws.cognito.UserPoolClient:
        return aws.cognito.UserPoolClient(
            f"{self._prefix}-{role}",
            name=self._args.context.name(role),
            user_pool_id=pool.id,
            generate_secret=generate_secret,
            allowed_oauth_flows_user_pool_client=True,
            allowed_oauth_flows=[flow],
            allowed_oauth_scopes=list(scopes),
            callback_urls=list(callback_urls) or None,
            logout_urls=list(callback_urls) or None,
            supported_identity_providers=["COGNITO"],
            # Passwords are given to the sign-in page alone.
            explicit_auth_flows=["ALLOW_REFRESH_TOKEN_AUTH"],
            access_token_validity=ACCESS_TOKEN_HOURS,
            id_token_validity=ACCESS_TOKEN_HOURS,
            refresh_token_validity=REFRESH_TOKEN_HOURS,
            token_validity_units={"access_token": "hours", "id_token": "hours", "refresh_token": "hours"},
            enable_token_revocation=True,
            prevent_user_existence_errors="ENABLED",
            # A client names scopes that the resource server has to have.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[depends_on]),
        )
