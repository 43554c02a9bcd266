"""The state machine of uploaded files: its definition from the settings, and what its role may do."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.blocks.bucket import Bucket
from components.blocks.function import Function
from components.blocks.iam import Statement, allow, use_key
from components.blocks.queue import DeadLetterQueue
from components.blocks.state_machine import StateMachine, StateMachineArgs
from components.settings import Settings
from components.stack_context import StackContext
from components.workflow.file_workflow import TransformSpec, WorkflowSpec, workflow_definition
from contract.keys import UPLOADS
from contract.names import STATE_MACHINE


@dataclass(frozen=True, kw_only=True)
class FileMachineArgs:
    """`transforms` are the functions by their name in the settings."""

    context: StackContext
    settings: Settings
    validate: Function
    erase: Function
    transforms: Mapping[str, Function]
    ingest_bucket: Bucket
    validate_dlq: DeadLetterQueue
    assets: aws.dynamodb.Table
    jobs: aws.dynamodb.Table
    results_topic_arn: pulumi.Input[str]


def file_machine(name: str, args: FileMachineArgs, opts: pulumi.ResourceOptions) -> StateMachine:
    """Runs the workflow of `components.workflow.file_workflow`, one execution per file version."""
    return StateMachine(
        name,
        StateMachineArgs(
            context=args.context,
            settings=args.settings,
            machine=STATE_MACHINE,
            role="workflow",
            description="Invokes the functions, writes the records and publishes results",
            definition=_definition(args),
            statements=_statements(args),
        ),
        opts,
    )


def _definition(args: FileMachineArgs) -> pulumi.Output[str]:
    settings = args.settings

    def build(resolved: dict) -> str:
        return json.dumps(
            workflow_definition(
                WorkflowSpec(
                    validate_function_arn=resolved["validate"],
                    validate_timeout_seconds=settings.validate_.timeout_seconds,
                    erase_function_arn=resolved["erase"],
                    transforms=tuple(
                        TransformSpec(
                            name=name,
                            media_types=settings.types_of(name),
                            function_arn=function_arn,
                            timeout_seconds=settings.transforms[name].timeout_seconds,
                        )
                        for name, function_arn in resolved["transforms"].items()
                    ),
                    assets_table=resolved["assets"],
                    jobs_table=resolved["jobs"],
                    validate_dlq_url=resolved["validate_dlq"],
                    results_topic_arn=resolved["results"],
                    map_concurrency=settings.map_concurrency,
                    timeout_seconds=settings.workflow_timeout_seconds,
                    job_retention_days=settings.job_retention_days,
                    malware_scan=settings.malware_scan,
                    skips_identical=settings.skips_identical,
                )
            )
        )

    return pulumi.Output.all(
        validate=args.validate.alias_arn,
        erase=args.erase.alias_arn,
        transforms={name: function.alias_arn for name, function in args.transforms.items()},
        assets=args.assets.name,
        jobs=args.jobs.name,
        validate_dlq=args.validate_dlq.url,
        results=args.results_topic_arn,
    ).apply(build)


def _statements(args: FileMachineArgs) -> list[Statement]:
    functions = [args.validate, args.erase, *args.transforms.values()]
    return [
        allow(
            "RunFunctions",
            ["lambda:InvokeFunction"],
            [function.alias_arn for function in functions],
            why="Invokes the live alias of each function",
        ),
        allow(
            "FindFirstVersions",
            ["s3:ListBucketVersions"],
            [args.ingest_bucket.arn],
            {"StringLike": {"s3:prefix": [f"{UPLOADS}*"]}},
            why="Determines which version the job id in a key belongs to",
        ),
        allow(
            "KeepJobs",
            ["dynamodb:GetItem", "dynamodb:UpdateItem"],
            [args.jobs.arn],
            why="Writes the status and the stage of each job",
        ),
        allow(
            "KeepAssets",
            ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"],
            [args.assets.arn],
            why="Writes a file's record unless a newer one exists, and marks it as published",
        ),
        allow(
            "KeepRejectedFiles",
            ["sqs:SendMessage"],
            [args.validate_dlq.arn],
            why="Sends a rejected file's event with the reason",
        ),
        allow(
            "TellResults",
            ["sns:Publish"],
            [args.results_topic_arn],
            why="Publishes the result of each file",
        ),
        *use_key(args.context, ["kms:Decrypt", "kms:GenerateDataKey"], ["dynamodb", "sqs", "sns"]),
    ]
