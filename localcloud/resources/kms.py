"""KMS: keys and their aliases."""

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


@handles("aws:kms/key:Key")
class Key(TaggedResource):
    fixed: ClassVar = ("customer_master_key_spec", "key_usage", "multi_region")
    tag_api: ClassVar = tag_apis.KMS

    customer_master_key_spec: str = "SYMMETRIC_DEFAULT"
    deletion_window_in_days: int = 30
    description: str = ""
    enable_key_rotation: bool = False
    key_usage: str = "ENCRYPT_DECRYPT"
    multi_region: bool = False
    policy: str | None = None
    rotation_period_in_days: int | None = None

    def create(self, cloud: Cloud) -> Created:
        kms = cloud.client("kms")
        key = kms.create_key(
            Description=self.description,
            KeySpec=self.customer_master_key_spec,
            KeyUsage=self.key_usage,
            MultiRegion=self.multi_region,
            Tags=tag_list(self.tags, "TagKey", "TagValue"),
            **given(Policy=self.policy),
        )["KeyMetadata"]
        if self.enable_key_rotation:
            kms.enable_key_rotation(KeyId=key["KeyId"], **given(RotationPeriodInDays=self.rotation_period_in_days))
        return Created(key["KeyId"], {"arn": key["Arn"], "keyId": key["KeyId"]})

    def update(self, cloud: Cloud, resource_id: str) -> Created:
        kms = cloud.client("kms")
        kms.update_key_description(KeyId=resource_id, Description=self.description)
        if self.policy:
            kms.put_key_policy(KeyId=resource_id, PolicyName="default", Policy=self.policy)
        if self.enable_key_rotation:
            kms.enable_key_rotation(KeyId=resource_id, **given(RotationPeriodInDays=self.rotation_period_in_days))
        else:
            kms.disable_key_rotation(KeyId=resource_id)
        arn = kms.describe_key(KeyId=resource_id)["KeyMetadata"]["Arn"]
        return Created(resource_id, {"arn": arn, "keyId": resource_id})

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        kms = cloud.client("kms")
        key = kms.describe_key(KeyId=resource_id)["KeyMetadata"]
        if key["KeyState"] == "PendingDeletion":
            raise ResourceNotFound(resource_id)
        return self.with_actual_values(
            description=key.get("Description"),
            enable_key_rotation=kms.get_key_rotation_status(KeyId=resource_id)["KeyRotationEnabled"],
            policy=kms.get_key_policy(KeyId=resource_id, PolicyName="default")["Policy"],
        )

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        cloud.client("kms").schedule_key_deletion(KeyId=resource_id, PendingWindowInDays=self.deletion_window_in_days)


@handles("aws:kms/alias:Alias")
class Alias(Resource):
    identity: ClassVar = ("name",)

    name: str
    target_key_id: str

    def create(self, cloud: Cloud) -> Created:
        kms = cloud.client("kms")
        try:
            kms.create_alias(AliasName=self.name, TargetKeyId=self.target_key_id)
        except kms.exceptions.AlreadyExistsException:
            kms.update_alias(AliasName=self.name, TargetKeyId=self.target_key_id)
        return Created(
            self.name,
            {
                "arn": f"arn:aws:kms:{cloud.region}:{cloud.account_id}:{self.name}",
                "targetKeyArn": kms.describe_key(KeyId=self.target_key_id)["KeyMetadata"]["Arn"],
            },
        )

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        for page in cloud.client("kms").get_paginator("list_aliases").paginate():
            for alias in page["Aliases"]:
                if alias["AliasName"] == resource_id:
                    return self.with_actual_values(target_key_id=alias["TargetKeyId"])
        raise ResourceNotFound(resource_id)

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        cloud.client("kms").delete_alias(AliasName=resource_id)
