"""The functions in a VPC: one security group, and VPC endpoints for AWS services."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.settings import Vpc
from components.stack_context import StackContext


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    context: StackContext
    vpc: Vpc


class Network(pulumi.ComponentResource):
    """The security group and the endpoints of the functions, in the VPC of the settings."""

    subnet_ids: tuple[str, ...]
    security_group_id: pulumi.Output[str]

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("img-pipeline:index:Network", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        context, vpc = args.context, args.vpc
        functions = aws.ec2.SecurityGroup(
            f"{name}-functions",
            name=context.name("functions"),
            description="Functions of img-pipeline: no ingress, HTTPS egress",
            vpc_id=vpc.vpc_id,
            tags=context.tags,
            opts=child,
        )
        aws.vpc.SecurityGroupEgressRule(
            f"{name}-functions-https",
            security_group_id=functions.id,
            description="AWS services",
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            cidr_ipv4="0.0.0.0/0",
            tags=context.tags,
            opts=child,
        )
        if vpc.route_table_ids:
            for service in ("s3", "dynamodb"):
                aws.ec2.VpcEndpoint(
                    f"{name}-{service}",
                    vpc_id=vpc.vpc_id,
                    service_name=_service_name(context, service),
                    vpc_endpoint_type="Gateway",
                    route_table_ids=list(vpc.route_table_ids),
                    tags=context.tags,
                    opts=child,
                )
        if vpc.interface_endpoints:
            self._interface_endpoints(name, args, functions.id)
        self.subnet_ids = vpc.subnet_ids
        self.security_group_id = functions.id
        self.register_outputs({"security_group_id": self.security_group_id})

    def _interface_endpoints(self, name: str, args: NetworkArgs, functions_id: pulumi.Output[str]) -> None:
        child = pulumi.ResourceOptions(parent=self)
        context, vpc = args.context, args.vpc
        endpoints = aws.ec2.SecurityGroup(
            f"{name}-endpoints",
            name=context.name("endpoints"),
            description="Interface endpoints of img-pipeline: HTTPS from its functions",
            vpc_id=vpc.vpc_id,
            tags=context.tags,
            opts=child,
        )
        aws.vpc.SecurityGroupIngressRule(
            f"{name}-endpoints-https",
            security_group_id=endpoints.id,
            description="Functions of img-pipeline",
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            referenced_security_group_id=functions_id,
            tags=context.tags,
            opts=child,
        )
        for service in vpc.interface_endpoints:
            aws.ec2.VpcEndpoint(
                f"{name}-{service}",
                vpc_id=vpc.vpc_id,
                service_name=_service_name(context, service),
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                subnet_ids=list(vpc.subnet_ids),
                security_group_ids=[endpoints.id],
                tags=context.tags,
                opts=child,
            )


def _service_name(context: StackContext, service: str) -> str:
    return f"com.amazonaws.{context.region}.{service}"
