"""DynamoDB: tables and single items."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any, ClassVar, Self

from localcloud.resources import tags as tag_apis
from localcloud.resources.base import (
    Cloud,
    Created,
    Properties,
    TaggedResource,
    given,
    handles,
    tag_list,
)


class Attribute(Properties):
    name: str
    type: str


class KeySchema(Properties):
    attribute_name: str
    key_type: str


class GlobalSecondaryIndex(Properties):
    name: str
    key_schemas: list[KeySchema]
    projection_type: str
    non_key_attributes: list[str] | None = None
    read_capacity: int | None = None
    write_capacity: int | None = None

    def request(self) -> dict[str, Any]:
        return given(
            IndexName=self.name,
            KeySchema=[{"AttributeName": key.attribute_name, "KeyType": key.key_type} for key in self.key_schemas],
            Projection=given(ProjectionType=self.projection_type, NonKeyAttributes=self.non_key_attributes),
            ProvisionedThroughput=_throughput(self.read_capacity, self.write_capacity),
        )


class PointInTimeRecovery(Properties):
    enabled: bool
    recovery_period_in_days: int | None = None


class ServerSideEncryption(Properties):
    enabled: bool
    kms_key_arn: str | None = None


class TimeToLive(Properties):
    attribute_name: str
    enabled: bool = False


@handles("aws:dynamodb/table:Table")
class Table(TaggedResource):
    generated_name: ClassVar = "name"
    identity: ClassVar = ("name",)
    fixed: ClassVar = ("hash_key", "range_key")
    tag_api: ClassVar = tag_apis.DYNAMODB

    name: str
    attributes: list[Attribute]
    hash_key: str
    range_key: str | None = None
    billing_mode: str = "PROVISIONED"
    read_capacity: int | None = None
    write_capacity: int | None = None
    global_secondary_indexes: Sequence[GlobalSecondaryIndex] = ()
    deletion_protection_enabled: bool = False
    point_in_time_recovery: PointInTimeRecovery | None = None
    server_side_encryption: ServerSideEncryption | None = None
    stream_enabled: bool = False
    stream_view_type: str | None = None
    table_class: str = "STANDARD"
    ttl: TimeToLive | None = None

    def create(self, cloud: Cloud) -> Created:
        dynamodb = cloud.client("dynamodb")
        # An existing table keeps its items, keys and indexes.
        with contextlib.suppress(dynamodb.exceptions.ResourceInUseException):
            self._create(dynamodb)
        self._set_mutable_properties(dynamodb)
        table = dynamodb.describe_table(TableName=self.name)["Table"]
        outputs = {
            "arn": table["TableArn"],
            "streamArn": table.get("LatestStreamArn"),
            "streamLabel": table.get("LatestStreamLabel"),
        }
        return Created(self.name, given(**outputs))

    def _create(self, dynamodb: Any) -> None:
        dynamodb.create_table(
            TableName=self.name,
            AttributeDefinitions=[
                {"AttributeName": attribute.name, "AttributeType": attribute.type} for attribute in self.attributes
            ],
            KeySchema=[
                {"AttributeName": key, "KeyType": kind}
                for key, kind in ((self.hash_key, "HASH"), (self.range_key, "RANGE"))
                if key
            ],
            BillingMode=self.billing_mode,
            TableClass=self.table_class,
            Tags=tag_list(self.tags),
            **given(
                GlobalSecondaryIndexes=[index.request() for index in self.global_secondary_indexes] or None,
                ProvisionedThroughput=_throughput(self.read_capacity, self.write_capacity),
                SSESpecification=self._encryption(),
                StreamSpecification=self._stream(),
            ),
        )
        dynamodb.get_waiter("table_exists").wait(TableName=self.name, WaiterConfig={"Delay": 1})

    def _encryption(self) -> dict[str, Any] | None:
        wanted = self.server_side_encryption
        if wanted is None or not wanted.enabled:
            return None
        return given(Enabled=True, SSEType="KMS", KMSMasterKeyId=wanted.kms_key_arn)

    def _stream(self) -> dict[str, Any] | None:
        return {"StreamEnabled": True, "StreamViewType": self.stream_view_type} if self.stream_enabled else None

    def _set_mutable_properties(self, dynamodb: Any) -> None:
        dynamodb.update_table(
            TableName=self.name,
            BillingMode=self.billing_mode,
            DeletionProtectionEnabled=self.deletion_protection_enabled,
            TableClass=self.table_class,
            **given(ProvisionedThroughput=self._changed_throughput(dynamodb)),
        )
        if self.ttl:
            dynamodb.update_time_to_live(
                TableName=self.name,
                TimeToLiveSpecification={"AttributeName": self.ttl.attribute_name, "Enabled": self.ttl.enabled},
            )
        if self.point_in_time_recovery:
            dynamodb.update_continuous_backups(
                TableName=self.name,
                PointInTimeRecoverySpecification=given(
                    PointInTimeRecoveryEnabled=self.point_in_time_recovery.enabled,
                    RecoveryPeriodInDays=self.point_in_time_recovery.recovery_period_in_days,
                ),
            )

    def _changed_throughput(self, dynamodb: Any) -> dict[str, int] | None:
        """Return the desired capacity if it differs: UpdateTable refuses an unchanged one."""
        wanted = _throughput(self.read_capacity, self.write_capacity)
        present = dynamodb.describe_table(TableName=self.name)["Table"]["ProvisionedThroughput"]
        return wanted if wanted and wanted.items() - present.items() else None

    def update(self, cloud: Cloud, resource_id: str) -> Created:
        dynamodb = cloud.client("dynamodb")
        present = dynamodb.describe_table(TableName=resource_id)["Table"].get("GlobalSecondaryIndexes", [])
        names = {index["IndexName"] for index in present}
        wanted = {index.name: index for index in self.global_secondary_indexes}
        changes: list[dict[str, Any]] = [{"Delete": {"IndexName": name}} for name in names - wanted.keys()]
        changes += [{"Create": wanted[name].request()} for name in wanted.keys() - names]
        # UpdateTable accepts one change of an index per call.
        for change in changes:
            dynamodb.update_table(
                TableName=resource_id,
                AttributeDefinitions=[
                    {"AttributeName": attribute.name, "AttributeType": attribute.type} for attribute in self.attributes
                ],
                GlobalSecondaryIndexUpdates=[change],
            )
            dynamodb.get_waiter("table_exists").wait(TableName=resource_id, WaiterConfig={"Delay": 1})
        return self.create(cloud)

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        dynamodb = cloud.client("dynamodb")
        table = dynamodb.describe_table(TableName=resource_id)["Table"]
        ttl = dynamodb.describe_time_to_live(TableName=resource_id)["TimeToLiveDescription"]
        backups = dynamodb.describe_continuous_backups(TableName=resource_id)["ContinuousBackupsDescription"]
        recovery = backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")
        return self.with_actual_values(
            billing_mode=table.get("BillingModeSummary", {}).get("BillingMode"),
            deletion_protection_enabled=table.get("DeletionProtectionEnabled"),
            point_in_time_recovery=self.point_in_time_recovery
            and self.point_in_time_recovery.model_copy(update={"enabled": recovery == "ENABLED"}),
            stream_enabled=table.get("StreamSpecification", {}).get("StreamEnabled"),
            ttl=self.ttl
            and {
                "attributeName": ttl.get("AttributeName", self.ttl.attribute_name),
                "enabled": ttl["TimeToLiveStatus"] in ("ENABLED", "ENABLING"),
            },
        )

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        dynamodb = cloud.client("dynamodb")
        dynamodb.delete_table(TableName=resource_id)
        dynamodb.get_waiter("table_not_exists").wait(TableName=resource_id, WaiterConfig={"Delay": 1})


def _throughput(read: int | None, write: int | None) -> dict[str, int] | None:
    return {"ReadCapacityUnits": read, "WriteCapacityUnits": write} if read and write else None
