"""AWS WAF: web ACLs and what they stand before. They are kept and shown; here they block nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from localcloud.resources import tags as tag_apis
from localcloud.resources.base import Cloud, Created, Properties, Resource, TaggedResource, handles, tag_list


class VisibilityConfig(Properties):
    cloudwatch_metrics_enabled: bool
    metric_name: str
    sampled_requests_enabled: bool

    def request(self) -> dict[str, Any]:
        return {
            "CloudWatchMetricsEnabled": self.cloudwatch_metrics_enabled,
            "MetricName": self.metric_name,
            "SampledRequestsEnabled": self.sampled_requests_enabled,
        }


class ManagedRuleGroup(Properties):
    name: str
    vendor_name: str


class RateBased(Properties):
    aggregate_key_type: str
    limit: int


class Statement(Properties):
    managed_rule_group_statement: ManagedRuleGroup | None = None
    rate_based_statement: RateBased | None = None

    def request(self) -> dict[str, Any]:
        managed, rate = self.managed_rule_group_statement, self.rate_based_statement
        if managed:
            return {"ManagedRuleGroupStatement": {"Name": managed.name, "VendorName": managed.vendor_name}}
        return (
            {"RateBasedStatement": {"AggregateKeyType": rate.aggregate_key_type, "Limit": rate.limit}} if rate else {}
        )


class Rule(Properties):
    name: str
    priority: int
    statement: Statement
    visibility_config: VisibilityConfig
    action: Mapping[str, Mapping[str, Any]] | None = None
    override_action: Mapping[str, Mapping[str, Any]] | None = None

    def request(self) -> dict[str, Any]:
        return {
            "Name": self.name,
            "Priority": self.priority,
            "Statement": self.statement.request(),
            "VisibilityConfig": self.visibility_config.request(),
            **({"Action": _named(self.action)} if self.action else {}),
            **({"OverrideAction": _named(self.override_action)} if self.override_action else {}),
        }


@handles("aws:wafv2/webAcl:WebAcl")
class WebAcl(TaggedResource):
    generated_name: ClassVar = "name"
    identity: ClassVar = ("name", "scope")
    # UpdateWebACL drops it in the emulator.
    fixed: ClassVar = ("description",)
    tag_api: ClassVar = tag_apis.WAF

    name: str
    scope: str
    default_action: Mapping[str, Mapping[str, Any]]
    visibility_config: VisibilityConfig
    description: str = ""
    rules: Sequence[Rule] = ()

    def create(self, cloud: Cloud) -> Created:
        waf = cloud.client("wafv2")
        for acl in waf.list_web_acls(Scope=self.scope)["WebACLs"]:
            if acl["Name"] == self.name:
                return self.update(cloud, acl["Id"])
        tags = {"Tags": tag_list(self.tags)} if self.tags else {}
        acl = waf.create_web_acl(**self._key(), **self._changeable(), **tags)["Summary"]
        return Created(acl["Id"], {"arn": acl["ARN"]})

    def update(self, cloud: Cloud, resource_id: str) -> Created:
        waf, key = cloud.client("wafv2"), {"Name": self.name, "Scope": self.scope, "Id": resource_id}
        found = waf.get_web_acl(**key)
        waf.update_web_acl(**key, **self._changeable(), LockToken=found["LockToken"])
        return Created(resource_id, {"arn": found["WebACL"]["ARN"]})

    def _key(self) -> dict[str, Any]:
        return {
            "Name": self.name,
            "Scope": self.scope,
            **({"Description": self.description} if self.description else {}),
        }

    def _changeable(self) -> dict[str, Any]:
        return {
            "DefaultAction": _named(self.default_action),
            "Rules": [rule.request() for rule in self.rules],
            "VisibilityConfig": self.visibility_config.request(),
        }

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        """Only whether rules of other names have come or gone."""
        found = cloud.client("wafv2").get_web_acl(Name=self.name, Scope=self.scope, Id=resource_id)["WebACL"]
        present = {rule["Name"] for rule in found["Rules"]}
        return self.with_actual_values(
            rules=[rule.model_dump(by_alias=True, exclude_none=True) for rule in self.rules if rule.name in present]
        )

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        waf, key = cloud.client("wafv2"), {"Name": self.name, "Scope": self.scope, "Id": resource_id}
        waf.delete_web_acl(**key, LockToken=waf.get_web_acl(**key)["LockToken"])


@handles("aws:wafv2/webAclAssociation:WebAclAssociation")
class WebAclAssociation(Resource):
    identity: ClassVar = ("resource_arn", "web_acl_arn")

    resource_arn: str
    web_acl_arn: str

    def create(self, cloud: Cloud) -> Created:
        cloud.client("wafv2").associate_web_acl(WebACLArn=self.web_acl_arn, ResourceArn=self.resource_arn)
        return Created(f"{self.web_acl_arn},{self.resource_arn}", {})

    def read(self, cloud: Cloud, resource_id: str) -> Self:  # noqa: ARG002 (the API asks for what it is before)
        acl = cloud.client("wafv2").get_web_acl_for_resource(ResourceArn=self.resource_arn)["WebACL"]
        return self.with_actual_values(web_acl_arn=acl["ARN"])

    def delete(self, cloud: Cloud, resource_id: str) -> None:  # noqa: ARG002 (the API asks for what it is before)
        cloud.client("wafv2").disassociate_web_acl(ResourceArn=self.resource_arn)


def _named(action: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """An action as the API spells it: {block: {}} becomes {Block: {}}."""
    return {name.capitalize(): {} for name in action}
