"""Processing: the functions, the workflow that runs them, the processed bucket and the validate DLQ."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.audit import Audit
from components.blocks.bucket import Bucket, BucketArgs
from components.blocks.function import Function, FunctionArgs, Platform
from components.blocks.iam import Statement, allow, use_key
from components.blocks.inventory import Inventory
from components.blocks.monitoring import Alarm, Metric, Monitoring, Row
from components.blocks.network import Network
from components.blocks.packaging import LayerTarget, code_archive, dependency_layer
from components.blocks.queue import DeadLetterQueue, DeadLetterQueueArgs
from components.blocks.saved_queries import saved_queries
from components.blocks.state_machine import StateMachine
from components.blocks.web_site import read_by_distribution
from components.file_machine import FileMachineArgs, file_machine
from components.persist import Persist
from components.settings import SMALL_MEMORY_MB, Settings, TransformFunction
from components.settings.declared import transform_settings
from components.settings.storage import snap_started, transform_storage_mb, validate_storage_mb
from components.stack_context import StackContext
from components.workflow.deletion import ERASE_TIMEOUT_SECONDS
from contract.jobs import FILE_KEY_INDEX
from contract.keys import PROCESSED, UPLOADS
from contract.media import media_type_of
from contract.names import VALIDATE, dead_letter_queue

VALIDATE_DLQ = dead_letter_queue(VALIDATE)


@dataclass(frozen=True, kw_only=True)
class TransformArgs:
    """`distribution_arn` is of the CloudFront distribution that sends renditions, where one does.

    `page_origins` are the origins of web pages that read renditions, such as a table's preview.
    """

    context: StackContext
    settings: Settings
    ingest_bucket: Bucket
    persist: Persist
    audit: Audit
    network: Network | None
    distribution_arn: pulumi.Input[str] | None
    page_origins: Sequence[pulumi.Input[str]]


class Transform(pulumi.ComponentResource):
    """From a message about an upload to its renditions, its record and its notification.

    `stored_files` are the keys in the processed bucket of files that a transform's settings refer to, by the name of
    the transform and of the setting.
    """

    bucket: Bucket
    validate_dlq: DeadLetterQueue
    platform: Platform
    functions: Mapping[str, Function]
    stored_files: Mapping[str, Mapping[str, str]]
    state_machine: StateMachine

    def __init__(self, name: str, args: TransformArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("img-pipeline:index:Transform", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self._prefix, self._args = name, args
        settings = args.settings

        self.bucket = self._processed_bucket()
        self.validate_dlq = DeadLetterQueue(
            f"{name}-{VALIDATE_DLQ}",
            DeadLetterQueueArgs(context=args.context, queue_name=args.context.name(VALIDATE_DLQ)),
            child,
        )
        self.platform = platform = self._platform()
        validate = self._validate(platform)
        self.stored_files = {name: self._stored_files(name, each) for name, each in settings.transforms.items()}
        transforms = {
            name: self._transform(platform, name, transform) for name, transform in settings.transforms.items()
        }
        erase = self._erase(platform)
        self.functions = {"validate": validate, "erase": erase, **transforms}
        self.state_machine = file_machine(
            f"{name}-workflow",
            FileMachineArgs(
                context=args.context,
                settings=settings,
                validate=validate,
                erase=erase,
                transforms=transforms,
                ingest_bucket=args.ingest_bucket,
                validate_dlq=self.validate_dlq,
                assets=args.persist.assets,
                jobs=args.persist.jobs,
                results_topic_arn=args.persist.results_topic_arn,
            ),
            child,
        )
        self.register_outputs({"bucket": self.bucket.name, "state_machine": self.state_machine.arn})

    def inventory(self) -> Inventory:
        """The bucket of renditions, the workflow and its functions, and the queue of rejected files."""
        return Inventory(
            outputs={
                "processed_bucket": self.bucket.name,
                "state_machine_arn": self.state_machine.arn,
                "validate_dlq_url": self.validate_dlq.url,
            },
            functions=self.functions,
            workflows={"workflow": self.state_machine},
        )

    def _processed_bucket(self) -> Bucket:
        args, lifecycle = self._args, self._args.settings.lifecycle
        name = args.settings.processed_bucket_name or args.context.bucket_name("processed")
        statements = []
        if args.distribution_arn is not None:
            statements.append(read_by_distribution(args.context, name, PROCESSED, args.distribution_arn))
        return Bucket(
            f"{self._prefix}-processed",
            BucketArgs(
                context=args.context,
                bucket_name=name,
                expiration_days=lifecycle.rendition_days,
                old_version_days=lifecycle.old_version_days,
                incomplete_upload_days=lifecycle.incomplete_upload_days,
                cors_origins=args.page_origins,
                cors_methods=["GET"],
                statements=statements,
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def monitoring(self) -> Monitoring:
        """Alarms on the workflow, its functions and rejected files; saved queries over their logs."""
        settings = self._args.settings
        rejected = self.validate_dlq.alarm(
            VALIDATE_DLQ,
            f"Uploads were rejected and are kept in {self.validate_dlq.queue_name} with reason code, reason and hint.",
            threshold=settings.alarms.dead_letter_messages,
            # The owner of a rejected file receives the result.
            pages=False,
            essential=False,
        )
        function_alarms = [alarm for function in self.functions.values() for alarm in function.alarms(settings.alarms)]
        return Monitoring(
            alarms=[
                rejected,
                *self._workflow_alarms(),
                *function_alarms,
                _account_concurrency(settings),
            ],
            rows=[self._executions(), self._times(), self._calls()],
            queries=saved_queries(self.functions, self.state_machine),
        )

    def _workflow_alarms(self) -> list[Alarm]:
        settings = self._args.settings
        return [
            *self.state_machine.alarms(
                settings.alarms,
                timeout_seconds=settings.workflow_timeout_seconds,
                when_failed="their messages return to the queue, are received again, and are finally moved to the "
                "dead-letter queue",
                when_throttled="their messages stay on the queue",
                pages=True,
            ),
            self.state_machine.slow_alarm(settings.alarms.workflow_p99_seconds),
        ]

    def _executions(self) -> Row:
        ends = {"succeeded": "ExecutionsSucceeded", "failed": "ExecutionsFailed", "timed out": "ExecutionsTimedOut"}
        return {
            "Executions": {
                **{label: self.state_machine.metric(name) for label, name in ends.items()},
                "throttled": self.state_machine.metric("ExecutionThrottled"),
            },
            "Rejected": {VALIDATE_DLQ: self.validate_dlq.depth},
        }

    def _times(self) -> Row:
        return {
            "Workflow, milliseconds": {
                percentile: self.state_machine.metric("ExecutionTime", percentile)
                for percentile in ("p50", "p90", "p99")
            },
            "Functions, milliseconds p99": self._of_functions("Duration", "p99"),
        }

    def _calls(self) -> Row:
        return {
            "Functions, concurrent": self._of_functions("ConcurrentExecutions", "Maximum"),
            "Functions, errors": self._of_functions("Errors"),
            "Functions, throttles": self._of_functions("Throttles"),
        }

    def _of_functions(self, name: str, statistic: str = "Sum") -> dict[str, Metric]:
        return {short_name: function.metric(name, statistic) for short_name, function in self.functions.items()}

    def _layer(self, name: str) -> aws.lambda_.LayerVersion:
        settings = self._args.settings
        target = (
            LayerTarget.host()
            if settings.is_embedded
            else LayerTarget.aws(settings.python_runtime, settings.architecture)
        )
        return aws.lambda_.LayerVersion(
            f"{self._prefix}-{name}-dependencies",
            layer_name=self._args.context.name(f"{name}-dependencies"),
            description=f"What functions import, from functions/layers/{name}.txt",
            code=pulumi.FileArchive(str(dependency_layer(name, target))),
            compatible_runtimes=[settings.python_runtime],
            compatible_architectures=[settings.architecture],
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _platform(self) -> Platform:
        args, settings = self._args, self._args.settings
        return Platform(
            context=args.context,
            code=pulumi.FileArchive(str(code_archive())),
            layer_arns={name: self._layer(name).arn for name in sorted(set(settings.function_layers.values()))},
            runtime=settings.python_runtime,
            architecture=settings.architecture,
            log_level=settings.function_log_level,
            log_retention_days=settings.log_retention_days,
            snap_started=snap_started(settings),
            tracing=settings.tracing,
            publishes_metrics=settings.has_full_monitoring,
            network=args.network,
        )

    def settings_of(self, transform: str) -> dict[str, Any]:
        """A transform's own settings as its function gets them: with the key of a stored file in place of its path."""
        stored = {setting: {"key": key} for setting, key in self.stored_files[transform].items()}
        return self._args.settings.transforms[transform].settings | stored

    def _stored_files(self, name: str, transform: TransformFunction) -> dict[str, str]:
        """Store the files that a transform's settings refer to.

        Returns:
            Their keys in the processed bucket, by the name of the setting. A key changes with the content.
        """
        keys = {}
        for setting, path in transform_settings(name).files(transform.settings).items():
            key = f"{name}/{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}{path.suffix.lower()}"
            aws.s3.BucketObject(
                f"{self._prefix}-{name}-{setting}",
                bucket=self.bucket.name,
                key=key,
                source=pulumi.FileAsset(str(path)),
                content_type=media_type_of(path.name),
                tags=self._args.context.tags,
                opts=pulumi.ResourceOptions(parent=self),
            )
            keys[setting] = key
        return keys

    def _validate(self, platform: Platform) -> Function:
        args, settings = self._args, self._args.settings
        return Function(
            f"{self._prefix}-validate",
            FunctionArgs(
                platform=platform,
                short_name="validate",
                layer=settings.validate_.layer,
                description="Validates a file and measures it",
                memory_mb=settings.validate_.memory_mb,
                storage_mb=validate_storage_mb(settings),
                timeout_seconds=settings.validate_.timeout_seconds,
                reserved_concurrency=settings.validate_.reserved_concurrency,
                provisioned_concurrency=settings.validate_.provisioned_concurrency,
                environment={
                    "MAX_BYTES": str(settings.max_bytes),
                    "MEDIA": settings.media_variable,
                    "DENYLIST_TABLE": args.persist.denylist.name,
                },
                statements=[
                    self._read_uploads(),
                    *([self._order_versions()] if settings.malware_scan else []),
                    allow(
                        "ReadDenylist",
                        ["dynamodb:GetItem"],
                        [args.persist.denylist.arn],
                        why="Looks up whether the file's hash is on the deny-list",
                    ),
                    *use_key(args.context, ["kms:Decrypt"], ["s3", "dynamodb"]),
                ],
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _transform(self, platform: Platform, name: str, transform: TransformFunction) -> Function:
        args = self._args
        statements = [self._read_uploads()]
        key_actions = ["kms:Decrypt"]
        keys = self.stored_files[name]
        environment: dict[str, pulumi.Input[str]] = {"SETTINGS": json.dumps(self.settings_of(name))}
        if transform.writes_renditions or keys:
            environment["PROCESSED_BUCKET"] = self.bucket.name
        if transform.writes_renditions:
            written = pulumi.Output.concat(self.bucket.arn, f"/{PROCESSED}{UPLOADS}*")
            why = "Stores renditions, under the folder of uploads"
            statements.append(allow("WriteRenditions", ["s3:PutObject"], [written], why=why))
            key_actions.append("kms:GenerateDataKey")
        if keys:
            files = [pulumi.Output.concat(self.bucket.arn, f"/{key}") for key in keys.values()]
            why = "Reads the files that its settings name"
            statements.append(allow("ReadFiles", ["s3:GetObject"], files, why=why))
        return Function(
            f"{self._prefix}-{name}",
            FunctionArgs(
                platform=platform,
                short_name=name,
                layer=transform.layer,
                description=f"The transform {name} of an accepted file",
                memory_mb=transform.memory_mb,
                storage_mb=transform_storage_mb(args.settings, name),
                timeout_seconds=transform.timeout_seconds,
                reserved_concurrency=transform.reserved_concurrency,
                environment=environment,
                statements=[*statements, *use_key(args.context, key_actions, ["s3"])],
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _erase(self, platform: Platform) -> Function:
        args, settings = self._args, self._args.settings
        return Function(
            f"{self._prefix}-erase",
            FunctionArgs(
                platform=platform,
                short_name="erase",
                layer=settings.function_layers["erase"],
                description="Removes what was made from a deleted file, and what is recorded of it",
                memory_mb=SMALL_MEMORY_MB,
                timeout_seconds=ERASE_TIMEOUT_SECONDS,
                # The pipe limits how many run at a time.
                reserved_concurrency=0,
                environment={
                    "ASSETS_TABLE": args.persist.assets.name,
                    "JOBS_TABLE": args.persist.jobs.name,
                    "PROCESSED_BUCKET": self.bucket.name,
                    "AUDIT_LOG_GROUP": args.audit.log_group_name,
                },
                statements=self._erase_statements(),
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _erase_statements(self) -> list[Statement]:
        args = self._args
        persist, context = args.persist, args.context
        renditions = pulumi.Output.concat(self.bucket.arn, f"/{PROCESSED}{UPLOADS}*")
        of_uploads = {"StringLike": {"s3:prefix": [f"{PROCESSED}{UPLOADS}*"]}}
        jobs_of_file = pulumi.Output.concat(persist.jobs.arn, f"/index/{FILE_KEY_INDEX}")
        audit = context.arn("logs", f"log-group:{args.audit.log_group_name}:*")
        return [
            allow(
                "FindRenditions",
                ["s3:ListBucketVersions"],
                [self.bucket.arn],
                of_uploads,
                why="Finds what was made from a deleted file",
            ),
            allow("RemoveRenditions", ["s3:DeleteObjectVersion"], [renditions], why="Removes it, every version of it"),
            allow("MarkRecord", ["dynamodb:UpdateItem"], [persist.assets.arn], why="Records that the file is deleted"),
            allow("FindJobs", ["dynamodb:Query"], [jobs_of_file], why="Finds the jobs of the deleted file"),
            allow(
                "MarkJobs",
                ["dynamodb:GetItem", "dynamodb:UpdateItem"],
                [persist.jobs.arn],
                why="Removes from the jobs what the uploader said of the file",
            ),
            allow(
                "WriteAudit", ["logs:CreateLogStream", "logs:PutLogEvents"], [audit], why="Writes what was removed down"
            ),
            *use_key(context, ["kms:Decrypt"], ["dynamodb"]),
        ]

    def _order_versions(self) -> Statement:
        # The event of a scan does not contain the order of a file's versions.
        only_uploads = {"StringLike": {"s3:prefix": [f"{UPLOADS}*"]}}
        why = "Determines the order of a file's versions"
        bucket = self._args.ingest_bucket.arn
        return allow("OrderVersions", ["s3:ListBucketVersions"], [bucket], only_uploads, why=why)

    def _read_uploads(self) -> Statement:
        # Only the version that the event names is read.
        uploads = pulumi.Output.concat(self._args.ingest_bucket.arn, f"/{UPLOADS}*")
        why = "Reads the version of the upload that the event names"
        return allow("ReadUploads", ["s3:GetObjectVersion"], [uploads], why=why)


def _account_concurrency(settings: Settings) -> Alarm:
    percent, limit = settings.alarms.account_concurrency_percent, settings.account_concurrency
    return Alarm(
        name="account-concurrency",
        meaning=f"At least {percent:g} % of the account's {limit} concurrent Lambda executions are in use.",
        command="aws lambda get-account-settings --query '[AccountLimit,AccountUsage]'",
        metrics={
            # Includes reserved concurrency, unlike ConcurrentExecutions ("Monitoring concurrency").
            "claimed": Metric(namespace="AWS/Lambda", name="ClaimedAccountConcurrency", statistic="Maximum")
        },
        expression=f"100*claimed/{limit}",
        comparison="GreaterThanOrEqualToThreshold",
        threshold=percent,
        periods=3,
    )
