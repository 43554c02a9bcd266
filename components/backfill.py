"""Backfill: a state machine that sends stored files, up to tens of millions, through the workflow again."""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.blocks.bucket import Bucket
from components.blocks.iam import ServiceRole, ServiceRoleArgs, Statement, allow, use_key
from components.blocks.inventory import Inventory
from components.blocks.state_machine import trace_executions
from components.ingest import Ingest
from components.persist import Persist
from components.settings import Settings
from components.stack_context import StackContext
from components.workflow.backfill_definition import BackfillSpec, backfill_definition
from contract.keys import UPLOADS

RESULTS_PREFIX = "backfill"


@dataclass(frozen=True, kw_only=True)
class BackfillArgs:
    context: StackContext
    settings: Settings
    ingest: Ingest
    persist: Persist
    results_bucket: Bucket


class Backfill(pulumi.ComponentResource):
    """Lists the ingest bucket and sends messages to the transform queue, at the rate in the settings."""

    arn: pulumi.Output[str]
    role_arn: pulumi.Output[str]

    def __init__(self, name: str, args: BackfillArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("img-pipeline:index:Backfill", name, None, opts)
        context = args.context
        machine_name = context.name("backfill")
        role = ServiceRole(
            name,
            ServiceRoleArgs(
                context=context,
                role_name=machine_name,
                description="Lists stored files and sends them to the transform queue",
                service="states.amazonaws.com",
                # The child executions of a Distributed Map may have another source ARN than their parent ("IAM policies
                # for using Distributed Map states").
                source_arn=context.arn("states", "stateMachine:*"),
                statements=_statements(args, machine_name),
            ),
            pulumi.ResourceOptions(parent=self),
        )
        machine = aws.sfn.StateMachine(
            name,
            name=machine_name,
            type="STANDARD",
            role_arn=role.arn,
            definition=_definition(args),
            tracing_configuration={"enabled": args.settings.tracing},
            tags=context.tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[role]),
        )
        self.arn = machine.arn
        self.role_arn = role.arn
        self.register_outputs({"arn": self.arn, "role_arn": self.role_arn})

    def inventory(self) -> Inventory:
        """The state machine and its role."""
        return Inventory(outputs={"backfill_arn": self.arn}, role_arns={"backfill": self.role_arn})


def _definition(args: BackfillArgs) -> pulumi.Output[str]:
    def build(resolved: dict) -> str:
        return json.dumps(
            backfill_definition(
                BackfillSpec(
                    **resolved,
                    results_prefix=RESULTS_PREFIX,
                    messages_per_second=args.settings.backfill.messages_per_second,
                    tolerated_failure_percent=args.settings.backfill.tolerated_failure_percent,
                    malware_scan=args.ingest.malware_scan is not None,
                )
            )
        )

    return pulumi.Output.all(
        ingest_bucket=args.ingest.bucket.name,
        assets_table=args.persist.assets.name,
        queue_url=args.ingest.queue.url,
        results_bucket=args.results_bucket.name,
    ).apply(build)


def _statements(args: BackfillArgs, machine_name: str) -> list[Statement]:
    context = args.context
    uploads = pulumi.Output.concat(args.ingest.bucket.arn, f"/{UPLOADS}*")
    results = pulumi.Output.concat(args.results_bucket.arn, f"/{RESULTS_PREFIX}/*")
    only_uploads = {"StringLike": {"s3:prefix": [f"{UPLOADS}*"]}}
    return [
        allow(
            "ListUploads",
            ["s3:ListBucket"],
            [args.ingest.bucket.arn],
            only_uploads,
            why="Lists the files to send again",
        ),
        # With malware scanning, HeadObject is denied for files that are not clean; GetObjectTagging also returns the
        # version.
        allow(
            "FindVersions",
            ["s3:GetObjectTagging"],
            [uploads],
            why="Reads each file's current version and scan result",
        )
        if args.ingest.malware_scan
        else allow(
            "FindVersions",
            ["s3:GetObject"],
            [uploads],
            why="Reads each file's current version with HeadObject, which s3:GetObject allows",
        ),
        allow("FindRecords", ["dynamodb:GetItem"], [args.persist.assets.arn], why="Skips files that are finished"),
        allow("FillQueue", ["sqs:SendMessage"], [args.ingest.queue.arn], why="Sends each file's event to the queue"),
        # "IAM policies for using Distributed Map states".
        allow(
            "RunChildren",
            ["states:StartExecution"],
            [context.arn("states", f"stateMachine:{machine_name}")],
            why="Starts the child executions of the Distributed Map",
        ),
        allow(
            "FollowChildren",
            ["states:DescribeExecution", "states:StopExecution"],
            [context.arn("states", f"execution:{machine_name}:*")],
            why="Waits for the child executions, and stops them when it is stopped",
        ),
        allow(
            "WriteResults",
            ["s3:PutObject", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload"],
            [results],
            why="Writes the Distributed Map's results: what was sent and what failed",
        ),
        *trace_executions(args.settings),
        *use_key(context, ["kms:Decrypt", "kms:GenerateDataKey"], ["s3", "dynamodb", "sqs"]),
    ]
