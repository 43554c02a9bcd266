"""A stack's account and region, and how its resources are named, tagged, encrypted, logged and protected."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pulumi
import pulumi_aws as aws

from components.settings import Settings, SettingsError
from contract import names

# A bucket name has 63 characters: img-pipeline-{stack}-processed-{account id}.
STACK_NAME = re.compile(r"[a-z][a-z0-9-]{0,26}")
# Words that a prefix domain must not hold ("Configuring a user pool domain").
RESERVED_IN_DOMAIN = re.compile("aws|amazon|cognito")


@dataclass(frozen=True, kw_only=True)
class StackContext:
    """One stack in one account and region.

    `access_log_bucket` receives the access logs of its buckets, empty means none; `key_arn` None means keys that AWS
    manages.
    """

    stack: str
    account_id: str
    region: str
    partition: str
    dns_suffix: str
    tags: Mapping[str, str]
    protect_state: bool
    access_log_bucket: str = ""
    key_arn: pulumi.Input[str] | None = None

    @classmethod
    def current(cls, settings: Settings) -> "StackContext":
        """The running stack, in the account and region of its AWS credentials."""
        stack = pulumi.get_stack()
        if not STACK_NAME.fullmatch(stack):
            raise SettingsError(
                f'the stack\'s name "{stack}" is not accepted: it becomes part of bucket names, so '
                "1 to 27 lower-case letters, digits and hyphens, starting with a letter"
            )
        if settings.api.makes_user_pool and (reserved := RESERVED_IN_DOMAIN.search(stack)):
            raise SettingsError(
                f"the stack's name \"{stack}\" is not accepted: it becomes part of the sign-in page's domain, and "
                f"Cognito refuses {reserved[0]} there; choose another name, or set api.issuer or api.enabled"
            )
        partition = aws.get_partition()
        return cls(
            stack=stack,
            account_id=aws.get_caller_identity().account_id,
            region=aws.get_region().region,
            partition=partition.partition,
            dns_suffix=partition.dns_suffix,
            tags={**settings.tags, names.PROJECT_TAG: names.PROJECT, names.STACK_TAG: stack},
            protect_state=settings.protect_state,
            access_log_bucket=settings.access_log_bucket_name,
        )

    def with_key(self, key_arn: pulumi.Input[str]) -> "StackContext":
        """The same stack, its data encrypted with this customer-managed key."""
        return replace(self, key_arn=key_arn)

    def name(self, role: str) -> str:
        """The physical name of a resource, such as img-pipeline-prod-transform-queue."""
        return names.physical_name(self.stack, role)

    def bucket_name(self, role: str) -> str:
        """Like `name`, with the account's id: bucket names are unique across all of AWS."""
        return names.bucket_name(self.stack, role, self.account_id)

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource in this account and region, for a policy that is created before the resource."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account_id}:{resource}"

    def state_options(self, parent: pulumi.Resource) -> pulumi.ResourceOptions:
        """Options of a stateful resource: protected and retained if the settings say so."""
        return pulumi.ResourceOptions(parent=parent, protect=self.protect_state, retain_on_delete=self.protect_state)
