"""EC2: what places functions in a VPC."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from localcloud.resources.base import NEVER_DESTROYED, Cloud, Created, Resource, given, handles, tag_list


@handles("aws:ec2/securityGroup:SecurityGroup")
class SecurityGroup(Resource):
    """A security group without rules: as with the real provider, those are resources of their own."""

    generated_name: ClassVar = "name"
    irrelevant: ClassVar = {"revokeRulesOnDelete": NEVER_DESTROYED}

    name: str
    vpc_id: str
    description: str = "Managed by Pulumi"
    tags: Mapping[str, str] = {}

    def create(self, cloud: Cloud) -> Created:
        ec2 = cloud.client("ec2")
        group_id = ec2.create_security_group(
            GroupName=self.name,
            VpcId=self.vpc_id,
            Description=self.description,
            **_tagged("security-group", self.tags),
        )["GroupId"]
        # The provider takes away the rule "everything may leave" that EC2 puts into every new group.
        group = ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"][0]
        if group["IpPermissionsEgress"]:
            ec2.revoke_security_group_egress(GroupId=group_id, IpPermissions=group["IpPermissionsEgress"])
        arn = f"arn:aws:ec2:{cloud.region}:{cloud.account_id}:security-group/{group_id}"
        return Created(group_id, {"arn": arn, "ownerId": cloud.account_id})


class SecurityGroupRule(Resource):
    """What ingress and egress rules have in common: one peer, one protocol, one range of ports."""

    security_group_id: str
    ip_protocol: str
    cidr_ipv4: str | None = None
    cidr_ipv6: str | None = None
    description: str | None = None
    from_port: int | None = None
    prefix_list_id: str | None = None
    referenced_security_group_id: str | None = None
    to_port: int | None = None
    tags: Mapping[str, str] = {}

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
        rule_id = answer["SecurityGroupRules"][0]["SecurityGroupRuleId"]
        arn = f"arn:aws:ec2:{cloud.region}:{cloud.account_id}:security-group-rule/{rule_id}"
        return Created(rule_id, {"arn": arn, "securityGroupRuleId": rule_id})


@handles("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
class SecurityGroupIngressRule(SecurityGroupRule):
    def create(self, cloud: Cloud) -> Created:
        answer = cloud.client("ec2").authorize_security_group_ingress(
            GroupId=self.security_group_id,
            IpPermissions=[self.permission()],
            **_tagged("security-group-rule", self.tags),
        )
        return self.created(cloud, answer)


@handles("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule")
class SecurityGroupEgressRule(SecurityGroupRule):
    def create(self, cloud: Cloud) -> Created:
        answer = cloud.client("ec2").authorize_security_group_egress(
            GroupId=self.security_group_id,
            IpPermissions=[self.permission()],
            **_tagged("security-group-rule", self.tags),
        )
        return self.created(cloud, answer)


@handles("aws:ec2/vpcEndpoint:VpcEndpoint")
class VpcEndpoint(Resource):
    vpc_id: str
    service_name: str
    policy: str | None = None
    private_dns_enabled: bool | None = None
    route_table_ids: list[str] | None = None
    security_group_ids: list[str] | None = None
    subnet_ids: list[str] | None = None
    vpc_endpoint_type: str = "Gateway"
    tags: Mapping[str, str] = {}

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
        endpoint_id = endpoint["VpcEndpointId"]
        arn = f"arn:aws:ec2:{cloud.region}:{cloud.account_id}:vpc-endpoint/{endpoint_id}"
        return Created(endpoint_id, {"arn": arn, "state": endpoint["State"]})


def _tagged(kind: str, tags: Mapping[str, str]) -> dict[str, Any]:
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": tag_list(tags)}]} if tags else {}
