"""GuardDuty: malware protection plans, which localcloud/malware_scanner.py executes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from localcloud.resources import tags as tag_apis
from localcloud.resources.base import Cloud, Created, Properties, TaggedResource, camel_case, handles, pascal_case


class ProtectedBucket(Properties):
    bucket_name: str
    object_prefixes: Sequence[str] = ()


class ProtectedResource(Properties):
    s3_bucket: ProtectedBucket


class Tagging(Properties):
    status: str


class Action(Properties):
    taggings: Sequence[Tagging]


@handles("aws:guardduty/malwareProtectionPlan:MalwareProtectionPlan")
class MalwareProtectionPlan(TaggedResource):
    identity: ClassVar = ("protected_resource",)
    tag_api: ClassVar = tag_apis.GUARDDUTY

    role: str
    protected_resource: ProtectedResource
    actions: Sequence[Action] = ()

    def create(self, cloud: Cloud) -> Created:
        """Create the plan, or update the existing one: a bucket has at most one."""
        guardduty = cloud.client("guardduty")
        bucket = self.protected_resource.s3_bucket
        listed = guardduty.list_malware_protection_plans()["MalwareProtectionPlans"]
        for plan_id in (plan["MalwareProtectionPlanId"] for plan in listed):
            found = guardduty.get_malware_protection_plan(MalwareProtectionPlanId=plan_id)
            if found["ProtectedResource"]["S3Bucket"]["BucketName"] == bucket.bucket_name:
                return self.update(cloud, plan_id)
        plan_id = guardduty.create_malware_protection_plan(
            Role=self.role,
            ProtectedResource=pascal_case(self.protected_resource.model_dump(by_alias=True)),
            Actions=self._actions(),
            Tags=dict(self.tags),
        )["MalwareProtectionPlanId"]
        return self._created(cloud, plan_id)

    def update(self, cloud: Cloud, resource_id: str) -> Created:
        cloud.client("guardduty").update_malware_protection_plan(
            MalwareProtectionPlanId=resource_id,
            Role=self.role,
            ProtectedResource={"S3Bucket": {"ObjectPrefixes": list(self.protected_resource.s3_bucket.object_prefixes)}},
            Actions=self._actions(),
        )
        return self._created(cloud, resource_id)

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        found = cloud.client("guardduty").get_malware_protection_plan(MalwareProtectionPlanId=resource_id)
        return self.with_actual_values(
            role=found["Role"],
            protected_resource=camel_case(found["ProtectedResource"]),
            actions=[{"taggings": [{"status": found["Actions"]["Tagging"]["Status"]}]}],
        )

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        cloud.client("guardduty").delete_malware_protection_plan(MalwareProtectionPlanId=resource_id)

    def _actions(self) -> Mapping[str, Any]:
        statuses = [tagging.status for action in self.actions for tagging in action.taggings]
        return {"Tagging": {"Status": statuses[0] if statuses else "DISABLED"}}

    def _created(self, cloud: Cloud, plan_id: str) -> Created:
        found = cloud.client("guardduty").get_malware_protection_plan(MalwareProtectionPlanId=plan_id)
        return Created(plan_id, {"arn": found["Arn"], "status": found["Status"]})
