"""Secrets Manager: secrets, and the values that the program itself gives them."""

from __future__ import annotations

from typing import ClassVar, Self

from localcloud.resources import tags as tag_apis
from localcloud.resources.base import (
    Cloud,
    Created,
    Resource,
    ResourceNotFound,
    TaggedResource,
    given,
    handles,
    tag_list,
)


@handles("aws:secretsmanager/secret:Secret")
class Secret(TaggedResource):
    generated_name: ClassVar = "name"
    identity: ClassVar = ("name",)
    tag_api: ClassVar = tag_apis.SECRETS_MANAGER

    name: str
    description: str = ""
    kms_key_id: str | None = None
    recovery_window_in_days: int = 30

    def create(self, cloud: Cloud) -> Created:
        secrets = cloud.client("secretsmanager")
        about = {"Description": self.description} | given(KmsKeyId=self.kms_key_id)
        try:
            arn = secrets.create_secret(Name=self.name, Tags=tag_list(self.tags), **about)["ARN"]
        except secrets.exceptions.ResourceExistsException:
            arn = secrets.update_secret(SecretId=self.name, **about)["ARN"]
        return Created(arn, {"arn": arn})

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        found = cloud.client("secretsmanager").describe_secret(SecretId=resource_id)
        if "DeletedDate" in found:
            raise ResourceNotFound(resource_id)
        return self.with_actual_values(description=found.get("Description"), kms_key_id=found.get("KmsKeyId"))

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        days = self.recovery_window_in_days
        recovery = {"RecoveryWindowInDays": days} if days else {"ForceDeleteWithoutRecovery": True}
        cloud.client("secretsmanager").delete_secret(SecretId=resource_id, **recovery)


@handles("aws:secretsmanager/secretVersion:SecretVersion")
class SecretVersion(Resource):
    identity: ClassVar = ("secret_id", "secret_string")

    secret_id: str
    secret_string: str

    def create(self, cloud: Cloud) -> Created:
        version = cloud.client("secretsmanager").put_secret_value(
            SecretId=self.secret_id, SecretString=self.secret_string
        )
        outputs = {"arn": version["ARN"], "versionId": version["VersionId"]}
        return Created(f"{self.secret_id}|{version['VersionId']}", outputs)

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        secret_id, _, version_id = resource_id.rpartition("|")
        found = cloud.client("secretsmanager").get_secret_value(SecretId=secret_id, VersionId=version_id)
        return self.with_actual_values(secret_string=found["SecretString"])

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        """The version goes with its secret: Secrets Manager deletes no version that is the current one."""
