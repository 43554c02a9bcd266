"""img-pipeline, the whole system on one screen: settings, layers, outputs."""

import pulumi

from components.alerting import Alerting, AlertingArgs
from components.api import Api, ApiArgs
from components.audit import Audit, AuditArgs
from components.backfill import Backfill, BackfillArgs
from components.blocks.encryption import Encryption, EncryptionArgs
from components.blocks.handler_check import check_handlers
from components.blocks.inventory import Layer, Listed, gathered
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
layers: list[Layer] = [ingest, pipe, transform, persist]
if settings.has_webhooks:
    layers.append(
        Webhooks(
            "webhooks", WebhooksArgs(context=context, settings=settings, platform=transform.platform, persist=persist)
        )
    )
orders = None
if settings.has_orders:
    orders = Orders(
        "orders", OrdersArgs(context=context, settings=settings, ingest=ingest, transform=transform, persist=persist)
    )
    layers.append(orders)
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
            queues=QueueOutputs.gathered(gathered(layers).outputs),
            pipe_name=pipe.pipe_name,
            orders=orders,
            page_origins=page_origins,
            console_urls=[console.url] if console else ["http://localhost/"],
        ),
    )
    layers.append(api)
    if console:
        console.connect(api)
alerting = Alerting(
    "alerting",
    AlertingArgs(context=context, settings=settings, layers=layers, ingest_bucket_name=ingest.bucket.name),
)
listed: list[Listed] = [*layers, audit, alerting]
if console:
    listed.append(console)
if settings.backfill.enabled:
    listed.append(
        Backfill(
            "backfill",
            BackfillArgs(
                context=context, settings=settings, ingest=ingest, persist=persist, results_bucket=transform.bucket
            ),
        )
    )

outputs = StackOutputs.gathered({"region": context.region, **gathered(listed).exported})
for output, value in outputs.exports().items():
    pulumi.export(output, value)
