"""Cognito: user pools with their sign-in domain, groups, scopes and clients."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any, ClassVar, Self

from localcloud.resources import tags as tag_apis
from localcloud.resources.base import (
    Cloud,
    Created,
    Properties,
    Resource,
    ResourceNotFound,
    TaggedResource,
    camel_case,
    given,
    handles,
    pascal_case,
)

# The most that a listing returns at once.
PAGE = 60


class AdminCreateUserConfig(Properties):
    allow_admin_create_user_only: bool


class RecoveryMechanism(Properties):
    name: str
    priority: int


class AccountRecoverySetting(Properties):
    recovery_mechanisms: Sequence[RecoveryMechanism]


class PasswordPolicy(Properties):
    minimum_length: int = 8
    require_lowercase: bool = False
    require_numbers: bool = False
    require_symbols: bool = False
    require_uppercase: bool = False
    temporary_password_validity_days: int = 7


class SoftwareToken(Properties):
    enabled: bool


class UpdateSettings(Properties):
    attributes_require_verification_before_updates: Sequence[str]


class UsernameConfiguration(Properties):
    case_sensitive: bool


@handles("aws:cognito/userPool:UserPool")
class UserPool(TaggedResource):
    generated_name: ClassVar = "name"
    # Cognito does not ask that names be unique; here one name is one pool, so that a second deployment finds it.
    identity: ClassVar = ("name", "username_attributes", "username_configuration")
    tag_api: ClassVar = tag_apis.COGNITO

    name: str
    account_recovery_setting: AccountRecoverySetting | None = None
    admin_create_user_config: AdminCreateUserConfig | None = None
    auto_verified_attributes: Sequence[str] = ()
    deletion_protection: str = "INACTIVE"
    mfa_configuration: str = "OFF"
    password_policy: PasswordPolicy | None = None
    software_token_mfa_configuration: SoftwareToken | None = None
    user_attribute_update_settings: UpdateSettings | None = None
    username_attributes: Sequence[str] = ()
    username_configuration: UsernameConfiguration | None = None

    def create(self, cloud: Cloud) -> Created:
        cognito = cloud.client("cognito-idp")
        for page in cognito.get_paginator("list_user_pools").paginate(MaxResults=PAGE):
            for pool in page["UserPools"]:
                if pool["Name"] == self.name:
                    return self.update(cloud, pool["Id"])
        pool = cognito.create_user_pool(
            PoolName=self.name,
            UsernameAttributes=list(self.username_attributes),
            UserPoolTags=dict(self.tags),
            **given(UsernameConfiguration=_pascal(self.username_configuration)),
            **self._changeable(),
        )["UserPool"]
        self._set_mfa(cognito, pool["Id"])
        return _pool_created(cloud, pool["Id"], pool["Arn"])

    def update(self, cloud: Cloud, resource_id: str) -> Created:
        cognito = cloud.client("cognito-idp")
        cognito.update_user_pool(UserPoolId=resource_id, UserPoolTags=dict(self.tags), **self._changeable())
        self._set_mfa(cognito, resource_id)
        arn = cognito.describe_user_pool(UserPoolId=resource_id)["UserPool"]["Arn"]
        return _pool_created(cloud, resource_id, arn)

    def _changeable(self) -> dict[str, Any]:
        return given(
            AccountRecoverySetting=_pascal(self.account_recovery_setting),
            AdminCreateUserConfig=_pascal(self.admin_create_user_config),
            AutoVerifiedAttributes=list(self.auto_verified_attributes),
            DeletionProtection=self.deletion_protection,
            Policies=self.password_policy and {"PasswordPolicy": _pascal(self.password_policy)},
            UserAttributeUpdateSettings=self.user_attribute_update_settings
            and {
                # The API's name is in the singular.
                "AttributesRequireVerificationBeforeUpdate": list(
                    self.user_attribute_update_settings.attributes_require_verification_before_updates
                )
            },
        )

    def _set_mfa(self, cognito: Any, pool_id: str) -> None:
        cognito.set_user_pool_mfa_config(
            UserPoolId=pool_id,
            MfaConfiguration=self.mfa_configuration,
            **given(SoftwareTokenMfaConfiguration=_pascal(self.software_token_mfa_configuration)),
        )

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        found = cloud.client("cognito-idp").describe_user_pool(UserPoolId=resource_id)["UserPool"]
        return self.with_actual_values(
            admin_create_user_config=self.admin_create_user_config
            and {"allowAdminCreateUserOnly": found["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"]},
            auto_verified_attributes=found.get("AutoVerifiedAttributes"),
            deletion_protection=found.get("DeletionProtection"),
            mfa_configuration=found.get("MfaConfiguration"),
            password_policy=camel_case(found["Policies"]["PasswordPolicy"]),
        )

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        cloud.client("cognito-idp").delete_user_pool(UserPoolId=resource_id)


def _pool_created(cloud: Cloud, pool_id: str, arn: str) -> Created:
    return Created(pool_id, {"arn": arn, "endpoint": f"cognito-idp.{cloud.region}.amazonaws.com/{pool_id}"})


@handles("aws:cognito/userPoolDomain:UserPoolDomain")
class UserPoolDomain(Resource):
    identity: ClassVar = ("domain", "user_pool_id")

    domain: str
    user_pool_id: str

    def create(self, cloud: Cloud) -> Created:
        cognito = cloud.client("cognito-idp")
        found = cognito.describe_user_pool_domain(Domain=self.domain)["DomainDescription"]
        if found.get("UserPoolId") != self.user_pool_id:
            cognito.create_user_pool_domain(Domain=self.domain, UserPoolId=self.user_pool_id)
        return Created(self.domain, {})

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        found = cloud.client("cognito-idp").describe_user_pool_domain(Domain=resource_id)["DomainDescription"]
        if not found:
            raise ResourceNotFound(resource_id)
        return self.with_actual_values(user_pool_id=found["UserPoolId"])

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        cloud.client("cognito-idp").delete_user_pool_domain(Domain=resource_id, UserPoolId=self.user_pool_id)


@handles("aws:cognito/userGroup:UserGroup")
class UserGroup(Resource):
    generated_name: ClassVar = "name"
    identity: ClassVar = ("name", "user_pool_id")
    # The emulator does not know UpdateGroup.
    fixed: ClassVar = ("description",)

    name: str
    user_pool_id: str
    description: str = ""

    def create(self, cloud: Cloud) -> Created:
        cognito = cloud.client("cognito-idp")
        with contextlib.suppress(cognito.exceptions.GroupExistsException):
            cognito.create_group(GroupName=self.name, UserPoolId=self.user_pool_id, Description=self.description)
        return Created(f"{self.user_pool_id}/{self.name}", {})

    def read(self, cloud: Cloud, resource_id: str) -> Self:  # noqa: ARG002 (the API asks for both names)
        found = cloud.client("cognito-idp").get_group(GroupName=self.name, UserPoolId=self.user_pool_id)["Group"]
        return self.with_actual_values(description=found.get("Description"))

    def delete(self, cloud: Cloud, resource_id: str) -> None:  # noqa: ARG002 (the API asks for both names)
        cloud.client("cognito-idp").delete_group(GroupName=self.name, UserPoolId=self.user_pool_id)


class Scope(Properties):
    scope_name: str
    scope_description: str


@handles("aws:cognito/resourceServer:ResourceServer")
class ResourceServer(Resource):
    identity: ClassVar = ("identifier", "user_pool_id")

    identifier: str
    name: str
    user_pool_id: str
    scopes: Sequence[Scope] = ()

    def create(self, cloud: Cloud) -> Created:
        cognito = cloud.client("cognito-idp")
        server = {
            "UserPoolId": self.user_pool_id,
            "Identifier": self.identifier,
            "Name": self.name,
            "Scopes": [_pascal(scope) for scope in self.scopes],
        }
        try:
            cognito.update_resource_server(**server)
        except cognito.exceptions.ResourceNotFoundException:
            cognito.create_resource_server(**server)
        identifiers = [f"{self.identifier}/{scope.scope_name}" for scope in self.scopes]
        return Created(f"{self.user_pool_id}|{self.identifier}", {"scopeIdentifiers": identifiers})

    def read(self, cloud: Cloud, resource_id: str) -> Self:  # noqa: ARG002 (the API asks for both names)
        cognito = cloud.client("cognito-idp")
        found = cognito.describe_resource_server(UserPoolId=self.user_pool_id, Identifier=self.identifier)
        return self.with_actual_values(
            name=found["ResourceServer"]["Name"],
            scopes=[camel_case(each) for each in found["ResourceServer"]["Scopes"]],
        )

    def delete(self, cloud: Cloud, resource_id: str) -> None:  # noqa: ARG002 (the API asks for both names)
        cloud.client("cognito-idp").delete_resource_server(UserPoolId=self.user_pool_id, Identifier=self.identifier)


class TokenValidityUnits(Properties):
    access_token: str | None = None
    id_token: str | None = None
    refresh_token: str | None = None


@handles("aws:cognito/userPoolClient:UserPoolClient")
class UserPoolClient(Resource):
    generated_name: ClassVar = "name"
    identity: ClassVar = ("name", "user_pool_id", "generate_secret")

    name: str
    user_pool_id: str
    access_token_validity: int | None = None
    allowed_oauth_flows: Sequence[str] = ()
    allowed_oauth_flows_user_pool_client: bool = False
    allowed_oauth_scopes: Sequence[str] = ()
    callback_urls: Sequence[str] = ()
    enable_token_revocation: bool = True
    explicit_auth_flows: Sequence[str] = ()
    generate_secret: bool = False
    id_token_validity: int | None = None
    logout_urls: Sequence[str] = ()
    prevent_user_existence_errors: str = "LEGACY"
    refresh_token_validity: int = 30
    supported_identity_providers: Sequence[str] = ()
    token_validity_units: TokenValidityUnits | None = None

    def create(self, cloud: Cloud) -> Created:
        cognito = cloud.client("cognito-idp")
        for page in cognito.get_paginator("list_user_pool_clients").paginate(UserPoolId=self.user_pool_id):
            for client in page["UserPoolClients"]:
                if client["ClientName"] == self.name:
                    return self.update(cloud, client["ClientId"])
        client = cognito.create_user_pool_client(
            UserPoolId=self.user_pool_id, GenerateSecret=self.generate_secret, **self._changeable()
        )["UserPoolClient"]
        return _client_created(client)

    def update(self, cloud: Cloud, resource_id: str) -> Created:
        client = cloud.client("cognito-idp").update_user_pool_client(
            UserPoolId=self.user_pool_id, ClientId=resource_id, **self._changeable()
        )["UserPoolClient"]
        return _client_created(client)

    def _changeable(self) -> dict[str, Any]:
        return given(
            ClientName=self.name,
            AccessTokenValidity=self.access_token_validity,
            AllowedOAuthFlows=list(self.allowed_oauth_flows),
            AllowedOAuthFlowsUserPoolClient=self.allowed_oauth_flows_user_pool_client,
            AllowedOAuthScopes=list(self.allowed_oauth_scopes),
            CallbackURLs=list(self.callback_urls),
            EnableTokenRevocation=self.enable_token_revocation,
            ExplicitAuthFlows=list(self.explicit_auth_flows),
            IdTokenValidity=self.id_token_validity,
            LogoutURLs=list(self.logout_urls),
            PreventUserExistenceErrors=self.prevent_user_existence_errors,
            RefreshTokenValidity=self.refresh_token_validity,
            SupportedIdentityProviders=list(self.supported_identity_providers),
            TokenValidityUnits=_pascal(self.token_validity_units),
        )

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        found = cloud.client("cognito-idp").describe_user_pool_client(
            UserPoolId=self.user_pool_id, ClientId=resource_id
        )["UserPoolClient"]
        return self.with_actual_values(
            access_token_validity=found.get("AccessTokenValidity"),
            allowed_oauth_flows=found.get("AllowedOAuthFlows"),
            allowed_oauth_flows_user_pool_client=found.get("AllowedOAuthFlowsUserPoolClient"),
            allowed_oauth_scopes=found.get("AllowedOAuthScopes"),
            callback_urls=found.get("CallbackURLs"),
            enable_token_revocation=found.get("EnableTokenRevocation"),
            explicit_auth_flows=found.get("ExplicitAuthFlows"),
            id_token_validity=found.get("IdTokenValidity"),
            logout_urls=found.get("LogoutURLs"),
            prevent_user_existence_errors=found.get("PreventUserExistenceErrors"),
            refresh_token_validity=found.get("RefreshTokenValidity"),
            supported_identity_providers=found.get("SupportedIdentityProviders"),
            token_validity_units=camel_case(found.get("TokenValidityUnits")),
        )

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        cloud.client("cognito-idp").delete_user_pool_client(UserPoolId=self.user_pool_id, ClientId=resource_id)


def _client_created(client: dict[str, Any]) -> Created:
    return Created(client["ClientId"], given(clientSecret=client.get("ClientSecret")))


def _pascal(properties: Properties | None) -> Any:
    """A group of properties as the API spells it."""
    return None if properties is None else pascal_case(properties.model_dump(by_alias=True, exclude_none=True))
