"""img-pipeline, the whole system on one screen: settings, layers, outputs."""

import pulumi

from components.alerting import Alerting, AlertingArgs
from components.api import Api, ApiArgs
from components.audit import Audit, AuditArgs
from components.backfill import Backfill, BackfillArgs
from components.blocks.encryption import Encryption, EncryptionArgs
from components.blocks.handler_check import check_handlers
from components.blocks.network import Network, NetworkArgs
from components.blocks.pipe import WorkflowPipe, WorkflowPipeArgs
from components.console import Console, ConsoleArgs
from components.ingest import Ingest, IngestArgs
from components.orders import Orders, OrdersArgs
from components.persist import Persist, PersistArgs
from components.settings import load_settings
from components.stack_context import StackContext
from components.transform import Transform, TransformArgs
from components.webhooks import Webhooks, WebhooksArgs
from contract.outputs import QueueOutputs, StackOutputs

settings = load_settings()
check_handlers(settings.function_layers)
context = StackContext.current(settings)

if settings.encryption == "kms":
    encryption = EncryptionArgs(
        context=context,
        functions=settings.function_layers,
        budget=settings.monthly_budget_usd > 0,
        distribution=settings.api.has_console,
    )
    context = context.with_key(settings.kms_key_arn or Encryption("encryption", encryption).key_arn)
network = Network("network", NetworkArgs(context=context, vpc=settings.vpc)) if settings.vpc else None

console = Console("console", ConsoleArgs(context=context, settings=settings)) if settings.api.has_console else None
signed_renditions = console.signed_renditions if console else None
page_origins = [*settings.api.cors_origins, *([console.origin] if console else [])] if settings.api.enabled else []
ingest = Ingest("ingest", IngestArgs(context=context, settings=settings, page_origins=page_origins))
persist = Persist("persist", PersistArgs(context=context, settings=settings))
audit = Audit("audit", AuditArgs(context=context))
transform = Transform(
    "transform",
    TransformArgs(
        context=context,
        settings=settings,
        ingest_bucket=ingest.bucket,
        persist=persist,
        audit=audit,
        network=network,
        distribution_arn=signed_renditions.distribution_arn if signed_renditions else None,
        page_origins=page_origins,
    ),
)
pipe = WorkflowPipe(
    "pipe",
    WorkflowPipeArgs(
        context=context, settings=settings, queue=ingest.queue, state_machine_arn=transform.state_machine.arn
    ),
)
webhooks = None
if settings.has_webhooks:
    webhooks = Webhooks(
        "webhooks", WebhooksArgs(context=context, settings=settings, platform=transform.platform, persist=persist)
    )
orders = None
if settings.has_orders:
    orders = Orders(
        "orders", OrdersArgs(context=context, settings=settings, ingest=ingest, transform=transform, persist=persist)
    )
subscribers = persist.subscriber_queues
queues: QueueOutputs[pulumi.Input[str]] = QueueOutputs(
    transform_queue_url=ingest.queue.url,
    transform_dlq_url=ingest.queue.dead_letter.url,
    validate_dlq_url=transform.validate_dlq.url,
    delivery_dlq_url=ingest.delivery_dlq.url,
    results_queue_urls={name: queue.url for name, queue in subscribers.items()},
    results_dlq_urls={name: queue.dead_letter.url for name, queue in subscribers.items()},
    webhooks_queue_url=webhooks.queue.url if webhooks else "",
    webhooks_dlq_url=webhooks.queue.dead_letter.url if webhooks else "",
    order_queue_url=orders.queue.url if orders else "",
    order_dlq_url=orders.queue.dead_letter.url if orders else "",
)
api = None
if settings.api.enabled:
    api = Api(
        "api",
        ApiArgs(
            context=context,
            settings=settings,
            platform=transform.platform,
            ingest_bucket=ingest.bucket,
            processed_bucket=transform.bucket,
            persist=persist,
            signed_renditions=signed_renditions,
            audit=audit,
            queues=queues,
            pipe_name=pipe.pipe_name,
            orders=orders,
            page_origins=page_origins,
            console_urls=[console.url] if console else ["http://localhost/"],
        ),
    )
    if console:
        console.connect(api)
alerting = Alerting(
    "alerting",
    AlertingArgs(
        context=context,
        settings=settings,
        layers=[ingest, pipe, transform, persist, *(layer for layer in (api, webhooks, orders) if layer)],
        ingest_bucket_name=ingest.bucket.name,
    ),
)
backfill = None
if settings.backfill.enabled:
    backfill = Backfill(
        "backfill",
        BackfillArgs(
            context=context, settings=settings, ingest=ingest, persist=persist, results_bucket=transform.bucket
        ),
    )

functions = {
    **transform.functions,
    **(api.functions if api else {}),
    **({"webhook": webhooks.function} if webhooks else {}),
    **(orders.functions if orders else {}),
}
user_pool = api.user_pool if api else None
outputs: StackOutputs[pulumi.Input[str]] = StackOutputs(
    **vars(queues),
    region=context.region,
    api_url=api.url if api else "",
    console_url=console.url if console else "",
    user_pool_id=user_pool.id if user_pool else "",
    console_client_id=user_pool.console_client_id if user_pool else "",
    machine_client_id=user_pool.machine_client_id if user_pool else "",
    ingest_bucket=ingest.bucket.name,
    processed_bucket=transform.bucket.name,
    pipe_name=pipe.pipe_name,
    state_machine_arn=transform.state_machine.arn,
    malware_protection_plan=ingest.malware_scan.plan_id if ingest.malware_scan else "",
    backfill_arn=backfill.arn if backfill else "",
    assets_table=persist.assets.name,
    jobs_table=persist.jobs.name,
    denylist_table=persist.denylist.name,
    results_topic_arn=persist.results_topic_arn,
    webhooks_secret_arn=webhooks.secret_arn if webhooks else "",
    webhook_urls={name: endpoint.url for name, endpoint in settings.webhooks.endpoints.items()},
    callback_hosts=settings.callback_hosts,
    order_state_machine_arn=orders.state_machine.arn if orders else "",
    orders_table=orders.orders.name if orders else "",
    failed_orders_table=orders.failed_orders.name if orders else "",
    alert_topic_arn=alerting.topic_arn,
    alarm_names=alerting.alarm_names,
    paging_alarm_name=alerting.paging_alarm_name,
    budget_name=alerting.budget_name,
    dashboard_url=alerting.dashboard_url,
    function_names={name: function.function_name for name, function in functions.items()},
    log_groups={
        **{name: function.log_group_name for name, function in functions.items()},
        "workflow": transform.state_machine.log_group_name,
        "pipe": pipe.log_group_name,
        "audit": audit.log_group_name,
        **({"api-access": api.access_log_group_name} if api else {}),
        **({"order-workflow": orders.state_machine.log_group_name} if orders else {}),
    },
    role_arns={
        **{name: function.role_arn for name, function in functions.items()},
        "workflow": transform.state_machine.role_arn,
        "pipe": pipe.role_arn,
        **({"order-workflow": orders.state_machine.role_arn} if orders else {}),
        **({"backfill": backfill.role_arn} if backfill else {}),
        **({"malware-scan": ingest.malware_scan.role_arn} if ingest.malware_scan else {}),
    },
)
for output, value in outputs.exports().items():
    pulumi.export(output, value)
