"""img-pipeline, the whole system on one screen: settings, layers, outputs."""

import pulumi

from components.alarms import Watched
from components.alerting import Alerting, AlertingArgs
from components.audit import Audit, AuditArgs
from components.backfill import Backfill, BackfillArgs
from components.deployment import Deployment
from components.encryption import Encryption, EncryptionArgs
from components.ingest import Ingest, IngestArgs
from components.network import Network, NetworkArgs
from components.persist import Persist, PersistArgs
from components.pipe import WorkflowPipe, WorkflowPipeArgs
from components.settings import load_settings
from components.transform import Transform, TransformArgs

settings = load_settings()
deployment = Deployment.current(settings)

key_arn = None
if settings.encryption == "kms":
    encryption = EncryptionArgs(deployment=deployment, budget=settings.monthly_budget_usd > 0)
    key_arn = settings.kms_key_arn or Encryption("encryption", encryption).key_arn
network = Network("network", NetworkArgs(deployment=deployment, vpc=settings.vpc)) if settings.vpc else None

ingest = Ingest(
    "ingest",
    IngestArgs(
        deployment=deployment,
        bucket_name=settings.ingest_bucket_name or deployment.bucket_name("ingest"),
        lifecycle=settings.lifecycle,
        key_arn=key_arn,
        visibility_timeout_seconds=settings.visibility_timeout_seconds,
        max_receive_count=settings.max_receive_count,
        malware_scan=settings.malware_scan,
    ),
)
persist = Persist(
    "persist",
    PersistArgs(
        deployment=deployment,
        denylist_table_name=settings.denylist_table_name or deployment.name("denylist"),
        subscribers=settings.result_subscribers,
        key_arn=key_arn,
    ),
)
transform = Transform(
    "transform",
    TransformArgs(
        deployment=deployment,
        settings=settings,
        ingest_bucket=ingest.bucket,
        processed_bucket_name=settings.processed_bucket_name or deployment.bucket_name("processed"),
        persist=persist,
        network=network,
        key_arn=key_arn,
    ),
)
pipe = WorkflowPipe(
    "pipe",
    WorkflowPipeArgs(
        deployment=deployment,
        queue=ingest.queue,
        state_machine_arn=transform.state_machine.arn,
        log_retention_days=settings.log_retention_days,
        key_arn=key_arn,
    ),
)
watched = Watched(
    deployment=deployment, settings=settings, ingest=ingest, transform=transform, pipe=pipe, persist=persist
)
alerting = Alerting("alerting", AlertingArgs(watched=watched, key_arn=key_arn))
audit = Audit("audit", AuditArgs(deployment=deployment, key_arn=key_arn))
backfill = None
if settings.backfill.enabled:
    backfill = Backfill(
        "backfill",
        BackfillArgs(
            deployment=deployment,
            settings=settings.backfill,
            ingest=ingest,
            persist=persist,
            results_bucket=transform.bucket,
            key_arn=key_arn,
        ),
    )

functions, subscribers = transform.functions, persist.subscriber_queues
for output, value in {
    "region": deployment.region,
    "ingestBucket": ingest.bucket.name,
    "processedBucket": transform.bucket.name,
    "transformQueueUrl": ingest.queue.url,
    "transformDlqUrl": ingest.queue.dead_letter.url,
    "validateDlqUrl": transform.validate_dlq.url,
    "deliveryDlqUrl": ingest.delivery_dlq.url,
    "pipeName": pipe.pipe_name,
    "stateMachineArn": transform.state_machine.arn,
    "malwareProtectionPlan": ingest.malware_scan.plan_id if ingest.malware_scan else "",
    "backfillArn": backfill.arn if backfill else "",
    "assetsTable": persist.assets.name,
    "jobsTable": persist.jobs.name,
    "denylistTable": persist.denylist.name,
    "resultsTopicArn": persist.results_topic_arn,
    "resultsQueueUrls": {name: queue.url for name, queue in subscribers.items()},
    "resultsDlqUrls": {name: queue.dead_letter.url for name, queue in subscribers.items()},
    "alertTopicArn": alerting.topic_arn,
    "alarmNames": alerting.alarm_names,
    "pagingAlarmName": alerting.paging_alarm_name,
    "budgetName": alerting.budget_name,
    "dashboardUrl": alerting.dashboard_url,
    "functionNames": {name: function.function_name for name, function in functions.items()},
    "logGroups": {
        **{name: function.log_group_name for name, function in functions.items()},
        "workflow": transform.state_machine.log_group_name,
        "pipe": pipe.log_group_name,
        "audit": audit.log_group_name,
    },
    "roleArns": {
        **{name: function.role_arn for name, function in functions.items()},
        "workflow": transform.state_machine.role_arn,
        "pipe": pipe.role_arn,
        **({"backfill": backfill.role_arn} if backfill else {}),
        **({"malware-scan": ingest.malware_scan.role_arn} if ingest.malware_scan else {}),
    },
}.items():
    pulumi.export(output, value)
