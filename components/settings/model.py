"""The model of the settings, with types and bounds.

`Pulumi.yaml` documents every key and holds its default.
"""

import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from components.settings.aws_limits import (
    MAX_SUBNETS,
    MAX_TAG_VALUE_CHARACTERS,
    MAX_URL_CHARACTERS,
)
from contract.api import ApiConfiguration
from contract.media import MEDIA_TYPES
from contract.messages import Outcome
from contract.orders import FulfilConfiguration
from contract.webhooks import Endpoint, WebhookConfiguration

PROJECT_DIRECTORY = Path(__file__).resolve().parents[2]

# The factor that AWS recommends for a consumer that may be throttled ("Using Lambda with Amazon SQS").
VISIBILITY_FACTOR = 6
# Retention of a queue with a dead-letter queue. The age of a moved message counts from its first queue, so time spent
# here reduces the time in the dead-letter queue.
SOURCE_RETENTION_SECONDS = 4 * 24 * 3600
# How long the API's function may take; the API itself times out after 30 s ("Quotas for HTTP API").
API_TIMEOUT_SECONDS = 15
# More memory is more processor, and importing the resolver is what takes time in a cold start.
API_MEMORY_MB = 1024
WEBHOOK_MEMORY_MB = 512
# For functions that only exchange rows and messages.
SMALL_MEMORY_MB = 256


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", alias_generator=to_camel)


def _none_if_empty(value: object) -> object:
    return None if value == {} else value


MemoryMb = Annotated[int, Field(ge=128, le=10240)]
Seconds = Annotated[int, Field(ge=1, le=300)]
Concurrency = Annotated[int, Field(ge=0, le=100_000)]
Count = Annotated[int, Field(ge=0)]
Days = Annotated[int, Field(ge=1, le=3650)]
# The default quota of an account in a region is 10,000 requests a second ("Amazon API Gateway quotas").
RequestRate = Annotated[int, Field(ge=1, le=10_000)]
DaysOrNever = Annotated[int, Field(ge=0, le=3650)]
Percent = Annotated[float, Field(ge=0, le=100)]
_NAMES = "|".join(map(re.escape, MEDIA_TYPES))
_FAMILIES = "|".join(sorted({media.family for media in MEDIA_TYPES.values()}))
MediaTypeName = Annotated[str, StringConstraints(pattern=f"^({_NAMES})$")]
# A media type, or image/* for a family.
MediaTypePattern = Annotated[str, StringConstraints(pattern=f"^({_NAMES}|({_FAMILIES})/[*])$")]
# sync-states is for StartSyncExecution alone ("Creating Amazon VPC endpoints for Step Functions").
InterfaceEndpoint = Literal[
    "logs",
    "monitoring",
    "sqs",
    "sns",
    "states",
    "sync-states",
    "pipes",
    "xray",
    "kms",
    "sts",
    "events",
    "secretsmanager",
]
# The values that CloudWatch Logs accepts ("PutRetentionPolicy").
LogRetentionDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]  # fmt: skip
# The longest names with which AWS accepts the physical names that contain them.
ShortName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,23}$")]
FunctionName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,21}$")]
BucketName = Annotated[str, StringConstraints(pattern=r"^([a-z0-9][a-z0-9-]{1,61}[a-z0-9])?$")]
HttpsUrl = Annotated[str, StringConstraints(pattern=r"^https://\S+$", max_length=MAX_URL_CHARACTERS)]
# Empty, or the exact `iss` of the issuer's tokens, with which it is compared.
Issuer = Annotated[str, StringConstraints(pattern=r"^(https://[^\s?#]+)?$", max_length=MAX_URL_CHARACTERS)]
WebhookUrl = Annotated[str, StringConstraints(pattern=r"^https?://\S+$", max_length=MAX_URL_CHARACTERS)]
HostName = Annotated[str, StringConstraints(pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$")]
TableName = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9_.-]{3,255})?$")]


class MediaFamily(_Model):
    """A family of media types, such as images: the accepted types, and the limits that its schema declares."""

    model_config = ConfigDict(extra="allow")

    accepted: Annotated[tuple[MediaTypeName, ...], Field(min_length=1)]
    identical_content: Literal["skip", "reprocess"] = "reprocess"

    @property
    def variable(self) -> dict[str, Any]:
        """The family's entry in the functions' environment: the accepted types and the limits."""
        return {"accepted": list(self.accepted), **self.limits}

    @property
    def limits(self) -> dict[str, Any]:
        """The family's own limits, by camelCase name."""
        return dict(self.model_extra or {})


class ValidateFunction(_Model):
    memory_mb: MemoryMb
    timeout_seconds: Seconds
    reserved_concurrency: Concurrency
    provisioned_concurrency: Concurrency
    layer: ShortName


class TransformFunction(_Model):
    """A transform; `settings` are those that its own schema declares."""

    media_types: Annotated[tuple[MediaTypePattern, ...], Field(min_length=1)]
    memory_mb: MemoryMb
    timeout_seconds: Seconds
    reserved_concurrency: Concurrency
    writes_renditions: bool
    layer: ShortName
    settings: dict[str, Any] = {}

    def takes(self, media_type: str) -> bool:
        """Whether it runs on accepted files of a media type."""
        return not {media_type, f"{MEDIA_TYPES[media_type].family}/*"}.isdisjoint(self.media_types)


class ResultSubscriber(_Model):
    outcomes: tuple[Outcome, ...] = ()
    media_types: tuple[MediaTypeName, ...] = ()


class Alarms(_Model):
    dead_letter_messages: Count
    oldest_message_seconds: Annotated[int, Field(ge=60)]
    pipe_failures: Count
    workflow_failures: Count
    workflow_p99_seconds: Annotated[float, Field(gt=0)]
    function_error_percent: Percent
    cold_start_percent: Percent
    minimum_invocations: Count
    account_concurrency_percent: Percent


class Vpc(_Model):
    # A validator first maps {} to None (no VPC); its result contains lists, which strict mode rejects for tuples.
    model_config = ConfigDict(strict=False)

    vpc_id: Annotated[str, StringConstraints(pattern=r"^vpc-[0-9a-f]+$")]
    subnet_ids: Annotated[
        tuple[Annotated[str, StringConstraints(pattern=r"^subnet-[0-9a-f]+$")], ...],
        Field(min_length=1, max_length=MAX_SUBNETS),
    ]
    route_table_ids: tuple[Annotated[str, StringConstraints(pattern=r"^rtb-[0-9a-f]+$")], ...] = ()
    interface_endpoints: tuple[InterfaceEndpoint, ...] = ()


class BackfillSettings(_Model):
    enabled: bool
    messages_per_second: Annotated[int, Field(ge=1, le=1000)]
    tolerated_failure_percent: Percent


class ApiSettings(_Model):
    """The HTTP API: who may call it, from where and how often."""

    enabled: bool
    console: bool
    auth: Literal["jwt", "none"]
    issuer: Issuer
    audience: tuple[Annotated[str, StringConstraints(min_length=1, max_length=256)], ...]
    cors_origins: tuple[str, ...]
    requests_per_second: RequestRate
    burst: RequestRate
    uploads_per_second: RequestRate
    daily_uploads_per_caller: Annotated[int, Field(ge=1)]
    waf: bool
    callback_hosts: tuple[HostName, ...]
    p99_milliseconds: Annotated[int, Field(ge=1)]
    renditions: Literal["presigned", "signed"]

    @property
    def makes_user_pool(self) -> bool:
        """Whether callers are known by a user pool of the stack's own."""
        return self.enabled and self.auth == "jwt" and not self.issuer

    @property
    def has_console(self) -> bool:
        """Whether there is a web console: it knows the sign-in page of the stack's own user pool, and no other."""
        return self.enabled and self.console and not self.issuer

    @property
    def signs_renditions(self) -> bool:
        """Whether renditions have URLs of the console's distribution, signed with a key of the stack's own."""
        return self.enabled and self.renditions == "signed"


class WebhookEndpoint(_Model):
    url: WebhookUrl
    outcomes: tuple[Outcome, ...] = ()


class WebhookSettings(_Model):
    endpoints: Annotated[dict[ShortName, WebhookEndpoint], Field(max_length=20)]
    allow_private_addresses: bool


class OrderSettings(_Model):
    """Orders of renditions, which the HTTP API takes."""

    enabled: bool
    success_rate: Annotated[float, Field(ge=0, le=1)]
    max_receive_count: Annotated[int, Field(ge=1, le=100)]
    # Of an event source mapping ("Configuring maximum concurrency for Amazon SQS event sources").
    concurrency: Annotated[int, Field(ge=2, le=1000)]
    daily_orders_per_caller: Annotated[int, Field(ge=1)]


class Lifecycle(_Model):
    incomplete_upload_days: Days
    old_version_days: Days
    upload_days: DaysOrNever
    rendition_days: DaysOrNever


class Settings(_Model):
    """Every setting of the program. Keys are described, with their defaults, in `Pulumi.yaml`."""

    max_bytes: Annotated[int, Field(ge=1, le=256 * 1024 * 1024)]
    media: Annotated[dict[str, MediaFamily], Field(min_length=1)]
    validate_: Annotated[ValidateFunction, Field(alias="validate")]
    transforms: Annotated[dict[FunctionName, TransformFunction], Field(min_length=1, max_length=40)]
    map_concurrency: Annotated[int, Field(ge=1, le=40)]
    workflow_timeout_seconds: Seconds
    max_receive_count: Annotated[int, Field(ge=1, le=1000)]
    architecture: Literal["arm64", "x86_64"]
    python_runtime: Literal["python3.12", "python3.13", "python3.14"]
    layer_target: Literal["lambda", "host"]
    snap_start: bool
    account_concurrency: Annotated[int, Field(ge=10)]
    function_log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"]
    workflow_log_level: Literal["ALL", "ERROR", "FATAL", "OFF"]
    workflow_log_data: bool
    tracing: bool
    log_retention_days: LogRetentionDays
    job_retention_days: Days
    result_subscribers: dict[ShortName, ResultSubscriber]
    api: ApiSettings
    webhooks: WebhookSettings
    orders: OrderSettings
    alert_emails: tuple[Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")], ...]
    alert_https_endpoints: tuple[HttpsUrl, ...]
    alarms: Alarms
    monitoring: Literal["full", "essential"]
    monthly_budget_usd: Count
    encryption: Literal["managed", "kms"]
    kms_key_arn: Annotated[str, StringConstraints(pattern=r"^(arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+)?$")]
    vpc: Annotated[Vpc | None, BeforeValidator(_none_if_empty)]
    lifecycle: Lifecycle
    backfill: BackfillSettings
    malware_scan: bool
    protect_state: bool
    ingest_bucket_name: BucketName
    processed_bucket_name: BucketName
    denylist_table_name: TableName
    access_log_bucket_name: BucketName
    tags: dict[str, Annotated[str, StringConstraints(max_length=MAX_TAG_VALUE_CHARACTERS)]]

    @property
    def accepted_types(self) -> tuple[str, ...]:
        """Every media type that validate accepts."""
        return tuple(media_type for family in self.media.values() for media_type in family.accepted)

    @property
    def skips_identical(self) -> tuple[str, ...]:
        """The media types of which a file is not processed again if its content is that of the recorded version."""
        skipping = [family for family in self.media.values() if family.identical_content == "skip"]
        return tuple(media_type for family in skipping for media_type in family.accepted)

    def family_max_bytes(self, family: str) -> int:
        """Size of the largest accepted file of a family."""
        return self.media[family].limits.get("maxBytes", self.max_bytes)

    @property
    def largest_bytes(self) -> int:
        """Size of the largest accepted file."""
        return max(map(self.family_max_bytes, self.media))

    def types_of(self, transform: str) -> tuple[str, ...]:
        """The accepted media types that a transform runs on."""
        return tuple(each for each in self.accepted_types if self.transforms[transform].takes(each))

    def transforms_of(self, media_type: str) -> dict[str, TransformFunction]:
        """The transforms that run on a media type, by name."""
        return {name: transform for name, transform in self.transforms.items() if transform.takes(media_type)}

    @property
    def function_layers(self) -> dict[str, str]:
        """The dependency layer of each function, by the function's name."""
        of_transforms = {name: each.layer for name, each in self.transforms.items()}
        of_api = dict.fromkeys(("api", "operator", "replay"), "api") if self.api.enabled else {}
        of_webhooks = {"webhook": "webhook"} if self.has_webhooks else {}
        of_orders = {"fulfil": "images", "failed_order": "base"} if self.has_orders else {}
        own = {"validate": self.validate_.layer, "erase": "base"}
        return own | of_transforms | of_api | of_webhooks | of_orders

    @property
    def has_full_monitoring(self) -> bool:
        """Whether the stack has every alarm, the functions' own metrics and the dashboard."""
        return self.monitoring == "full"

    @property
    def function_memory_mb(self) -> dict[str, int]:
        """The memory of each function, by the function's name."""
        own = {"validate": self.validate_.memory_mb, "erase": SMALL_MEMORY_MB, "failed_order": SMALL_MEMORY_MB}
        own |= dict.fromkeys(("api", "operator", "replay"), API_MEMORY_MB)
        own |= {"webhook": WEBHOOK_MEMORY_MB, "fulfil": self.fulfil_memory_mb}
        own |= {name: each.memory_mb for name, each in self.transforms.items()}
        return {name: own[name] for name in self.function_layers}

    @property
    def has_orders(self) -> bool:
        """Whether renditions can be ordered: of images, from the API."""
        return self.orders.enabled and self.api.enabled and "image" in self.media

    @property
    def order_presets(self) -> dict[str, Any]:
        """The presets that orders may name: those that every image is made in."""
        thumbnail = self.transforms.get("thumbnail")
        return thumbnail.settings["presets"] if thumbnail and self.has_orders else {}

    def orders_variable(self, watermark: dict[str, Any] | None) -> str:
        """The settings of the function that fulfils orders, for its environment.

        Args:
            watermark: the settings of the transform watermark as functions get them; None without it.
        """
        return FulfilConfiguration(
            success_rate=self.orders.success_rate, presets=self.order_presets, watermark=watermark
        ).to_json()

    @property
    def api_variable(self) -> str:
        """The API's settings, for its function's environment."""
        media = {
            family: {**each.variable, "maxBytes": self.family_max_bytes(family)} for family, each in self.media.items()
        }
        return ApiConfiguration(
            auth=self.api.auth,
            max_bytes=self.largest_bytes,
            media=media,
            daily_uploads_per_caller=self.api.daily_uploads_per_caller,
            callback_hosts=self.api.callback_hosts,
            order_presets=self.order_presets if self.has_orders else None,
            orders_watermarks="watermark" in self.transforms,
            max_receive_count=self.max_receive_count,
        ).to_json()

    @property
    def fulfil_memory_mb(self) -> int:
        """The memory of the function that fulfils orders: it does what these transforms do, on the same files."""
        makers = [each.memory_mb for name, each in self.transforms.items() if name in ("thumbnail", "watermark")]
        return max(makers, default=self.validate_.memory_mb)

    @property
    def has_webhooks(self) -> bool:
        """Whether the stack delivers results to webhooks."""
        return bool(self.webhooks.endpoints or self.callback_hosts)

    @property
    def callback_hosts(self) -> tuple[str, ...]:
        """Hosts that a job's `callbackUrl` may name; none without the API, which takes it."""
        return self.api.callback_hosts if self.api.enabled else ()

    @property
    def webhooks_variable(self) -> str:
        """The webhook function's settings, for its environment."""
        endpoints = {
            name: Endpoint(url=each.url, outcomes=tuple(each.outcomes))
            for name, each in self.webhooks.endpoints.items()
        }
        return WebhookConfiguration(
            endpoints=endpoints,
            callback_hosts=self.callback_hosts,
            allow_private_addresses=self.webhooks.allow_private_addresses,
        ).to_json()

    @property
    def is_embedded(self) -> bool:
        """Whether the stack runs in the embedded cloud, which runs functions with this machine's interpreter."""
        return self.layer_target == "host"

    @property
    def url_scheme(self) -> str:
        """The scheme of the stack's own addresses: the embedded cloud has no TLS."""
        return "http" if self.is_embedded else "https"

    @property
    def media_variable(self) -> str:
        """The accepted types and limits, as JSON for the environment of validate: {family: {accepted, …limits}}."""
        return json.dumps({family: each.variable for family, each in self.media.items()})

    @property
    def visibility_timeout_seconds(self) -> int:
        """The visibility timeout of the transform queue, in seconds."""
        return VISIBILITY_FACTOR * self.workflow_timeout_seconds
