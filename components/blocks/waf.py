"""AWS WAF before a sign-in page: a limit on each address, and Amazon's list of those that attack others."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.stack_context import StackContext

# Requests of one address in five minutes, the window of a rate-based rule: more than a person signing in needs, and a
# machine asks for a token once an hour.
REQUESTS_PER_ADDRESS = 300
BAD_ADDRESSES = "AWSManagedRulesAmazonIpReputationList"


@dataclass(frozen=True, kw_only=True)
class WafArgs:
    """`resource_arn` is what it stands before."""

    context: StackContext
    acl_name: str
    resource_arn: pulumi.Input[str]


class Waf(pulumi.ComponentResource):
    """A web ACL that lets through what no rule blocks."""

    def __init__(self, name: str, args: WafArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("img-pipeline:index:Waf", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        acl = aws.wafv2.WebAcl(
            name,
            name=args.acl_name,
            scope="REGIONAL",
            default_action={"allow": {}},
            rules=[
                {
                    "name": "requests-per-address",
                    "priority": 0,
                    "action": {"block": {}},
                    "statement": {"rate_based_statement": {"aggregate_key_type": "IP", "limit": REQUESTS_PER_ADDRESS}},
                    "visibility_config": _seen_as(f"{args.acl_name}-requests-per-address"),
                },
                {
                    "name": "bad-addresses",
                    "priority": 1,
                    "override_action": {"none": {}},
                    "statement": {"managed_rule_group_statement": {"name": BAD_ADDRESSES, "vendor_name": "AWS"}},
                    "visibility_config": _seen_as(f"{args.acl_name}-bad-addresses"),
                },
            ],
            visibility_config=_seen_as(args.acl_name),
            tags=args.context.tags,
            opts=child,
        )
        aws.wafv2.WebAclAssociation(name, resource_arn=args.resource_arn, web_acl_arn=acl.arn, opts=child)
        self.register_outputs({})


def _seen_as(metric_name: str) -> aws.wafv2.WebAclVisibilityConfigArgsDict:
    return {"cloudwatch_metrics_enabled": True, "metric_name": metric_name, "sampled_requests_enabled": True}
