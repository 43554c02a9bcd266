"""CloudWatch Logs: groups, saved queries and resource policies."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Mapping, Sequence
from typing import ClassVar

from localcloud.resources.base import NEVER_DESTROYED, Cloud, Created, Resource, given, handles


@handles("aws:cloudwatch/logGroup:LogGroup")
class LogGroup(Resource):
    generated_name: ClassVar = "name"
    irrelevant: ClassVar = {"skipDestroy": NEVER_DESTROYED}

    name: str
    kms_key_id: str | None = None
    log_group_class: str | None = None
    retention_in_days: int = 0
    tags: Mapping[str, str] = {}

    def create(self, cloud: Cloud) -> Created:
        logs = cloud.client("logs")
        with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_group(
                logGroupName=self.name,
                **given(kmsKeyId=self.kms_key_id, logGroupClass=self.log_group_class, tags=self.tags or None),
            )
        # 0 is the provider's word for "keep for ever".
        if self.retention_in_days:
            logs.put_retention_policy(logGroupName=self.name, retentionInDays=self.retention_in_days)
        return Created(self.name, {"arn": f"arn:aws:logs:{cloud.region}:{cloud.account_id}:log-group:{self.name}"})


@handles("aws:cloudwatch/queryDefinition:QueryDefinition")
class QueryDefinition(Resource):
    """A saved query: it only gets an id, as the emulator has no saved queries (it does not know PutQueryDefinition)."""

    name: str
    query_string: str
    log_group_names: Sequence[str] = ()

    def create(self, cloud: Cloud) -> Created:  # noqa: ARG002 (nothing to create it in)
        query_id = str(uuid.uuid5(uuid.NAMESPACE_URL, self.name))
        return Created(query_id, {"queryDefinitionId": query_id})


@handles("aws:cloudwatch/logResourcePolicy:LogResourcePolicy")
class LogResourcePolicy(Resource):
    policy_name: str
    policy_document: str

    def create(self, cloud: Cloud) -> Created:
        cloud.client("logs").put_resource_policy(policyName=self.policy_name, policyDocument=self.policy_document)
        return Created(self.policy_name, {})
