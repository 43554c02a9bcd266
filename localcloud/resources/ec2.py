"""EC2: security groups and VPC endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from localcloud.resources import tags as tag_apis
from localcloud.resources.base import Cloud, Created, ResourceNotFound, TaggedResource, given, handles, tag_list


@handles("aws:ec2/securityGroup:SecurityGroup")
class SecurityGroup(TaggedResource):
    """A security group without rules, which are separate resources, as in the AWS provider."""

    generated_name: ClassVar = "name"
    identity: ClassVar = ("name", "vpc_id")
    fixed: ClassVar = ("description",)
    tag_api: ClassVar = tag_apis.EC2

    name: str
    vpc_id: str
    description: str = "Managed by Pulumi"
    revoke_rules_on_delete: bool = False

    def create(self, cloud: Cloud) -> Created:
        ec2 = cloud.client("ec2")
        group_id = ec2.create_security_group(
            GroupName=self.name,
            VpcId=self.vpc_id,
            Description=self.description,
            **_tagged("security-group", self.tags),
        )["GroupId"]
        # The provider deletes the rule that EC2 adds to every new group, which allows all outbound traffic.
        group = ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"][0]
        if group["IpPermissionsEgress"]:
            ec2.revoke_security_group_egress(GroupId=group_id, IpPermissions=group["IpPermissionsEgress"])
        return self._created(cloud, group_id)

    def update(self, cloud: Cloud, resource_id: str) -> Created:
        """Only the tags can be updated."""
        return self._created(cloud, resource_id)

    def _created(self, cloud: Cloud, group_id: str) -> Created:
        arn = f"arn:aws:ec2:{cloud.region}:{cloud.account_id}:security-group/{group_id}"
        return Created(group_id, {"arn": arn, "ownerId": cloud.account_id})

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        cloud.client("ec2").describe_security_groups(GroupIds=[resource_id])
        return self

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        ec2 = cloud.client("ec2")
        if self.revoke_rules_on_delete:
            group = ec2.describe_security_groups(GroupIds=[resource_id])["SecurityGroups"][0]
            if group["IpPermissions"]:
                ec2.revoke_security_group_ingress(GroupId=resource_id, IpPermissions=group["IpPermissions"])
            if group["IpPermissionsEgress"]:
                ec2.revoke_security_group_egress(GroupId=resource_id, IpPermissions=group["IpPermissionsEgress"])
        ec2.delete_security_group(GroupId=resource_id)


class SecurityGroupRule(TaggedResource):
    """Common properties of ingress and egress rules: one peer, one protocol, one port range."""

    tag_api: ClassVar = tag_apis.EC2
    fixed: ClassVar = (
        "security_group_id",
        "ip_protocol",
        "cidr_ipv4",
        "cidr_ipv6",
        "description",
        "from_port",
        "prefix_list_id",
        "referenced_security_group_id",
        "to_port",
    )

    security_group_id: str
    ip_protocol: str
    cidr_ipv4: str | None = None
    cidr_ipv6: str | None = None
    description: str | None = None
    from_port: int | None = None
    prefix_list_id: str | None = None
    referenced_security_group_id: str | None = None
    to_port: int | None = None

    def permission(self) -> dict[str, Any]:
        def peers(key: str, value: str | None) -> list[dict[str, Any]] | None:
            return [given(**{key: value}, Description=self.description)] if value else None

        return given(
            IpProtocol=self.ip_protocol,
            FromPort=self.from_port,
            ToPort=self.to_port,
            IpRanges=peers("CidrIp", self.cidr_ipv4),
            Ipv6Ranges=peers("CidrIpv6", self.cidr_ipv6),
            PrefixListIds=peers("PrefixListId", self.prefix_list_id),
            UserIdGroupPairs=peers("GroupId", self.referenced_security_group_id),
        )

    def created(self, cloud: Cloud, answer: dict[str, Any]) -> Created:
        return self._created(cloud, answer["SecurityGroupRules"][0]["SecurityGroupRuleId"])

    def update(self, cloud: Cloud, resource_id: str) -> Created:
        """Only the tags can be updated."""
        return self._created(cloud, resource_id)

    def _created(self, cloud: Cloud, rule_id: str) -> Created:
        arn = f"arn:aws:ec2:{cloud.region}:{cloud.account_id}:security-group-rule/{rule_id}"
        return Created(rule_id, {"arn": arn, "securityGroupRuleId": rule_id})

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        rules = cloud.client("ec2").describe_security_group_rules(SecurityGroupRuleIds=[resource_id])
        if not rules["SecurityGroupRules"]:
            raise ResourceNotFound(resource_id)
        return self


@handles("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
class SecurityGroupIngressRule(SecurityGroupRule):
    def create(self, cloud: Cloud) -> Created:
        answer = cloud.client("ec2").authorize_security_group_ingress(
            GroupId=self.security_group_id,
            IpPermissions=[self.permission()],
            **_tagged("security-group-rule", self.tags),
        )
        return self.created(cloud, answer)

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        cloud.client("ec2").revoke_security_group_ingress(
            GroupId=self.security_group_id, SecurityGroupRuleIds=[resource_id]
        )


@handles("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule")
class SecurityGroupEgressRule(SecurityGroupRule):
    def create(self, cloud: Cloud) -> Created:
        answer = cloud.client("ec2").authorize_security_group_egress(
            GroupId=self.security_group_id,
            IpPermissions=[self.permission()],
            **_tagged("security-group-rule", self.tags),
        )
        return self.created(cloud, answer)

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        cloud.client("ec2").revoke_security_group_egress(
            GroupId=self.security_group_id, SecurityGroupRuleIds=[resource_id]
        )


@handles("aws:ec2/vpcEndpoint:VpcEndpoint")
class VpcEndpoint(TaggedResource):
    identity: ClassVar = ("vpc_id", "service_name")
    fixed: ClassVar = ("vpc_endpoint_type",)
    tag_api: ClassVar = tag_apis.EC2

    vpc_id: str
    service_name: str
    policy: str | None = None
    private_dns_enabled: bool | None = None
    route_table_ids: list[str] | None = None
    security_group_ids: list[str] | None = None
    subnet_ids: list[str] | None = None
    vpc_endpoint_type: str = "Gateway"

    def create(self, cloud: Cloud) -> Created:
        endpoint = cloud.client("ec2").create_vpc_endpoint(
            VpcId=self.vpc_id,
            ServiceName=self.service_name,
            VpcEndpointType=self.vpc_endpoint_type,
            **given(
                PolicyDocument=self.policy,
                PrivateDnsEnabled=self.private_dns_enabled,
                RouteTableIds=self.route_table_ids,
                SecurityGroupIds=self.security_group_ids,
                SubnetIds=self.subnet_ids,
            ),
            **_tagged("vpc-endpoint", self.tags),
        )["VpcEndpoint"]
        return self._created(cloud, endpoint)

    def _created(self, cloud: Cloud, endpoint: dict[str, Any]) -> Created:
        endpoint_id = endpoint["VpcEndpointId"]
        arn = f"arn:aws:ec2:{cloud.region}:{cloud.account_id}:vpc-endpoint/{endpoint_id}"
        return Created(endpoint_id, {"arn": arn, "state": endpoint["State"]})

    def update(self, cloud: Cloud, resource_id: str) -> Created:
        ec2 = cloud.client("ec2")
        endpoint = self._found(ec2, resource_id)
        changes = {}
        for kind, wanted, present in (
            ("RouteTableIds", self.route_table_ids, endpoint.get("RouteTableIds", [])),
            ("SubnetIds", self.subnet_ids, endpoint.get("SubnetIds", [])),
            ("SecurityGroupIds", self.security_group_ids, [group["GroupId"] for group in endpoint.get("Groups", [])]),
        ):
            changes[f"Add{kind}"] = sorted(set(wanted or ()) - set(present)) or None
            changes[f"Remove{kind}"] = sorted(set(present) - set(wanted or ())) or None
        ec2.modify_vpc_endpoint(
            VpcEndpointId=resource_id,
            **given(PolicyDocument=self.policy, PrivateDnsEnabled=self.private_dns_enabled, **changes),
        )
        return self._created(cloud, self._found(ec2, resource_id))

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        """Return its VPC, subnets and route tables; the emulator does not return its policy and security groups."""
        endpoint = self._found(cloud.client("ec2"), resource_id)
        return self.with_actual_values(
            route_table_ids=_as_given(self.route_table_ids, endpoint.get("RouteTableIds", [])),
            subnet_ids=_as_given(self.subnet_ids, endpoint.get("SubnetIds", [])),
        )

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        cloud.client("ec2").delete_vpc_endpoints(VpcEndpointIds=[resource_id])

    def _found(self, ec2: Any, resource_id: str) -> dict[str, Any]:
        endpoints = ec2.describe_vpc_endpoints(VpcEndpointIds=[resource_id])["VpcEndpoints"]
        if not endpoints or endpoints[0]["State"] in ("deleting", "deleted"):
            raise ResourceNotFound(resource_id)
        return endpoints[0]


def _tagged(kind: str, tags: Mapping[str, str]) -> dict[str, Any]:
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": tag_list(tags)}]} if tags else {}


def _as_given(given_ids: list[str] | None, real_ids: list[str]) -> list[str]:
    """Return the ids in the program's order, which EC2 does not keep."""
    return given_ids if given_ids and set(given_ids) == set(real_ids) else real_ids
