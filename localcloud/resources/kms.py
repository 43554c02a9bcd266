"""KMS: keys and their aliases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from localcloud.resources.base import NEVER_DESTROYED, Cloud, Created, Resource, given, handles, tag_list


@handles("aws:kms/key:Key")
class Key(Resource):
    irrelevant: ClassVar = {"deletionWindowInDays": NEVER_DESTROYED}

    customer_master_key_spec: str = "SYMMETRIC_DEFAULT"
    description: str = ""
    enable_key_rotation: bool = False
    key_usage: str = "ENCRYPT_DECRYPT"
    multi_region: bool = False
    policy: str | None = None
    rotation_period_in_days: int | None = None
    tags: Mapping[str, str] = {}

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


@handles("aws:kms/alias:Alias")
class Alias(Resource):
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
