"""The audit log: the log group that every command that changes something writes to."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.blocks.inventory import Inventory
from components.blocks.log_groups import audit_log_group
from components.stack_context import StackContext

# Longer than the logs of the functions, for questions about who replayed or purged what.
AUDIT_RETENTION_DAYS = 400


@dataclass(frozen=True, kw_only=True)
class AuditArgs:
    context: StackContext


class Audit(pulumi.ComponentResource):
    """The audit log: who did what and when, on which queue, with which counts."""

    log_group_name: str

    def __init__(self, name: str, args: AuditArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("img-pipeline:index:Audit", name, None, opts)
        context = args.context
        self.log_group_name = audit_log_group(context)
        aws.cloudwatch.LogGroup(
            name,
            name=self.log_group_name,
            retention_in_days=AUDIT_RETENTION_DAYS,
            kms_key_id=context.key_arn,
            tags=context.tags,
            opts=context.state_options(self),
        )
        self.register_outputs({"log_group_name": self.log_group_name})

    def inventory(self) -> Inventory:
        """The audit log."""
        return Inventory(log_groups={"audit": self.log_group_name})
