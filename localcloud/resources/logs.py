"""CloudWatch Logs: groups, saved queries and resource policies."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Sequence
from typing import ClassVar, Self

from localcloud.resources import tags as tag_apis
from localcloud.resources.base import (
    Cloud,
    Created,
    Properties,
    Resource,
    ResourceNotFound,
    TaggedResource,
    given,
    handles,
)


@handles("aws:cloudwatch/logGroup:LogGroup")
class LogGroup(TaggedResource):
    generated_name: ClassVar = "name"
    identity: ClassVar = ("name",)
    fixed: ClassVar = ("log_group_class",)
    tag_api: ClassVar = tag_apis.LOGS

    name: str
    kms_key_id: str | None = None
    log_group_class: str | None = None
    retention_in_days: int = 0
    skip_destroy: bool = False

    def create(self, cloud: Cloud) -> Created:
        logs = cloud.client("logs")
        with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_group(
                logGroupName=self.name,
                **given(kmsKeyId=self.kms_key_id, logGroupClass=self.log_group_class, tags=self.tags or None),
            )
        # 0 is the provider's value for no expiration.
        if self.retention_in_days:
            logs.put_retention_policy(logGroupName=self.name, retentionInDays=self.retention_in_days)
        else:
            logs.delete_retention_policy(logGroupName=self.name)
        return Created(self.name, {"arn": f"arn:aws:logs:{cloud.region}:{cloud.account_id}:log-group:{self.name}"})

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        groups = cloud.client("logs").describe_log_groups(logGroupNamePrefix=resource_id)["logGroups"]
        for group in groups:
            if group["logGroupName"] == resource_id:
                return self.with_actual_values(
                    kms_key_id=group.get("kmsKeyId"),
                    log_group_class=group.get("logGroupClass"),
                    retention_in_days=group.get("retentionInDays"),
                )
        raise ResourceNotFound(resource_id)

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        if not self.skip_destroy:
            cloud.client("logs").delete_log_group(logGroupName=resource_id)


class MetricTransformation(Properties):
    name: str
    namespace: str
    value: str


@handles("aws:cloudwatch/logMetricFilter:LogMetricFilter")
class LogMetricFilter(Resource):
    generated_name: ClassVar = "name"
    identity: ClassVar = ("name", "log_group_name")

    name: str
    log_group_name: str
    pattern: str
    metric_transformation: MetricTransformation

    def create(self, cloud: Cloud) -> Created:
        metric = self.metric_transformation
        transformation = {"metricName": metric.name, "metricNamespace": metric.namespace, "metricValue": metric.value}
        cloud.client("logs").put_metric_filter(
            logGroupName=self.log_group_name,
            filterName=self.name,
            filterPattern=self.pattern,
            metricTransformations=[transformation],
        )
        return Created(self.name, {})

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        filters = cloud.client("logs").describe_metric_filters(
            logGroupName=self.log_group_name, filterNamePrefix=resource_id
        )["metricFilters"]
        for found in filters:
            if found["filterName"] == resource_id:
                (metric,) = found["metricTransformations"]
                return self.with_actual_values(
                    pattern=found["filterPattern"],
                    metric_transformation={
                        "name": metric["metricName"],
                        "namespace": metric["metricNamespace"],
                        "value": metric["metricValue"],
                    },
                )
        raise ResourceNotFound(resource_id)

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        cloud.client("logs").delete_metric_filter(logGroupName=self.log_group_name, filterName=resource_id)


@handles("aws:cloudwatch/queryDefinition:QueryDefinition")
class QueryDefinition(Resource):
    """A saved query: it only gets an id, as the emulator does not support PutQueryDefinition."""

    identity: ClassVar = ("name",)

    name: str
    query_string: str
    log_group_names: Sequence[str] = ()

    def create(self, cloud: Cloud) -> Created:  # noqa: ARG002 (nothing to create it in)
        query_id = str(uuid.uuid5(uuid.NAMESPACE_URL, self.name))
        return Created(query_id, {"queryDefinitionId": query_id})

    def read(self, cloud: Cloud, resource_id: str) -> Self:  # noqa: ARG002 (nothing to read it from)
        return self

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        """Do nothing: the query is not stored."""
