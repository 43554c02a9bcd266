"""Rules between settings, and between settings and the project's folder."""

import json
import math
import re
from collections.abc import Iterator

from components.blocks.packaging import layer_names
from components.settings.aws_limits import (
    refused_bucket_name,
    refused_repetitions,
    refused_tags,
    refused_variables,
)
from components.settings.declared import family_limits, transform_settings, transforms
from components.settings.mistakes import Mistake
from components.settings.model import (
    API_TIMEOUT_SECONDS,
    SOURCE_RETENTION_SECONDS,
    ApiSettings,
    Settings,
    TransformFunction,
    ValidateFunction,
    WebhookSettings,
)
from contract.media import MEDIA_TYPES
from contract.memory import needed_mb

# AWS requires this much unreserved concurrency in the account ("Lambda quotas").
UNRESERVED_CONCURRENCY = 100
# Time for the workflow's other tasks: rows, messages and notifications, each well under a second.
BOOKKEEPING_SECONDS = 15
# As browsers write it in the header Origin (RFC 6454), without a port that is the scheme's own.
ORIGIN = re.compile(r"https://[a-z0-9.-]+(:\d{1,5})?|http://(localhost|127\.0\.0\.1)(:\d{1,5})?")

# An endpoint's URL on the public Internet.
PUBLIC_URL = re.compile(r"https://[A-Za-z0-9.-]+(:443)?([/?][^\s#]*)?")


def contradictions(settings: Settings) -> Iterator[Mistake]:
    """Rules between settings, and between settings and the project's folder."""
    yield from _workflow_time(settings)
    yield from _receives(settings)
    yield from _concurrency(settings)
    yield from _memory(settings)
    yield from _media_types(settings)
    yield from _buckets(settings)
    yield from _folders(settings)
    yield from _layers(settings)
    yield from _aws_limits(settings)
    yield from _alarms(settings)
    yield from _api(settings.api)
    yield from _webhooks(settings.webhooks)
    yield from _orders(settings)
    if settings.kms_key_arn and settings.encryption != "kms":
        yield Mistake("kmsKeyArn", settings.kms_key_arn, "empty unless encryption is kms")


def _alarms(settings: Settings) -> Iterator[Mistake]:
    alarms = settings.alarms
    if alarms.workflow_p99_seconds >= settings.workflow_timeout_seconds:
        yield Mistake(
            "alarms.workflowP99Seconds",
            alarms.workflow_p99_seconds,
            f"less than workflowTimeoutSeconds ({settings.workflow_timeout_seconds}), or the alarm is never in ALARM",
        )
    if alarms.oldest_message_seconds <= settings.visibility_timeout_seconds:
        yield Mistake(
            "alarms.oldestMessageSeconds",
            alarms.oldest_message_seconds,
            f"more than {settings.visibility_timeout_seconds}, the visibility timeout (six times "
            "workflowTimeoutSeconds), or a single retry raises the alarm",
        )
    if alarms.oldest_message_seconds >= SOURCE_RETENTION_SECONDS:
        yield Mistake(
            "alarms.oldestMessageSeconds",
            alarms.oldest_message_seconds,
            f"less than {SOURCE_RETENTION_SECONDS}, after which the queue deletes a message, or the alarm is never in "
            "ALARM",
        )


def _workflow_time(settings: Settings) -> Iterator[Mistake]:
    waves, slowest = max(
        (_waves_and_slowest(settings, media_type) for media_type in settings.accepted_types), key=math.prod
    )
    needed = settings.validate_.timeout_seconds + waves * slowest + BOOKKEEPING_SECONDS
    if settings.workflow_timeout_seconds < needed:
        yield Mistake(
            "workflowTimeoutSeconds",
            settings.workflow_timeout_seconds,
            f"at least {needed}: validate's timeout, {waves} x the slowest transform's timeout, "
            f"and {BOOKKEEPING_SECONDS} for the rest; at most 300, the limit of an Express workflow",
        )


def _waves_and_slowest(settings: Settings, media_type: str) -> tuple[int, int]:
    """How many rounds of transforms the Map runs for a file, and the longest timeout of one, in seconds."""
    timeouts = [transform.timeout_seconds for transform in settings.transforms_of(media_type).values()]
    return math.ceil(len(timeouts) / settings.map_concurrency), max(timeouts, default=0)


def _receives(settings: Settings) -> Iterator[Mistake]:
    most = SOURCE_RETENTION_SECONDS // settings.visibility_timeout_seconds
    if settings.max_receive_count > most:
        yield Mistake(
            "maxReceiveCount",
            settings.max_receive_count,
            f"at most {most}: an attempt takes up to {settings.visibility_timeout_seconds} s, the visibility timeout "
            f"(six times workflowTimeoutSeconds), and the queue deletes a message after {SOURCE_RETENTION_SECONDS} s",
        )


def _concurrency(settings: Settings) -> Iterator[Mistake]:
    validate = settings.validate_
    if validate.reserved_concurrency and validate.provisioned_concurrency > validate.reserved_concurrency:
        yield Mistake(
            "validate.provisionedConcurrency",
            validate.provisioned_concurrency,
            f"at most validate.reservedConcurrency ({validate.reserved_concurrency})",
        )
    reserved = validate.reserved_concurrency + sum(
        transform.reserved_concurrency for transform in settings.transforms.values()
    )
    if reserved and reserved > settings.account_concurrency - UNRESERVED_CONCURRENCY:
        yield Mistake(
            "accountConcurrency",
            settings.account_concurrency,
            f"at least {reserved + UNRESERVED_CONCURRENCY}: the functions reserve {reserved} and AWS keeps "
            f"{UNRESERVED_CONCURRENCY} unreserved; lower reservedConcurrency (0 reserves none) or raise the limit",
        )


def _memory(settings: Settings) -> Iterator[Mistake]:
    functions: dict[str, ValidateFunction | TransformFunction] = {"validate": settings.validate_}
    functions |= {f"transforms.{name}": transform for name, transform in settings.transforms.items()}
    for family, accepted in settings.media.items():
        for key, function in functions.items():
            measured, own, outputs = family_limits(family), None, 0
            if isinstance(function, TransformFunction):
                if not any(map(function.takes, accepted.accepted)):
                    continue
                declared = transform_settings(key.removeprefix("transforms."))
                own = declared.memory_bytes_per
                outputs = declared.largest_output_bytes(function.settings, accepted.limits)
            bytes_per = own or measured.memory_bytes_per or {}
            held_bytes = 0 if measured.disk_bytes_per_byte else settings.family_max_bytes(family)
            least = needed_mb(
                max_bytes=held_bytes,
                limits=accepted.limits,
                bytes_per=bytes_per,
                largest_output_bytes=outputs,
            )
            if function.memory_mb < least:
                limits = [f"media.{family}.{name} ({accepted.limits[name]})" for name in bytes_per]
                held = [f"maxBytes ({held_bytes})"] if held_bytes else []
                made = f", and the outputs of {key}.settings" if outputs else ""
                yield Mistake(
                    f"{key}.memoryMb",
                    function.memory_mb,
                    f"at least {least}, to hold a file of {' and '.join([*limits, *held])}{made}; or lower those",
                )


def _media_types(settings: Settings) -> Iterator[Mistake]:
    """Every accepted media type belongs to the family that accepts it, and has a transform."""
    for family, each in settings.media.items():
        for media_type in each.accepted:
            if MEDIA_TYPES[media_type].family != family:
                yield Mistake(f"media.{family}.accepted", media_type, f"types of {family}")
            elif not settings.transforms_of(media_type):
                yield Mistake(
                    f"media.{family}.accepted", media_type, "types that the mediaTypes of at least one transform name"
                )


def _buckets(settings: Settings) -> Iterator[Mistake]:
    if settings.ingest_bucket_name and settings.ingest_bucket_name == settings.processed_bucket_name:
        yield Mistake(
            "processedBucketName",
            settings.processed_bucket_name,
            "a different bucket than ingestBucketName, or renditions would be processed as uploads",
        )


def _api(api: ApiSettings) -> Iterator[Mistake]:
    if api.auth == "none" and (api.issuer or api.audience):
        yield Mistake("api.auth", api.auth, "jwt where issuer or audience is set: auth none does not use them")
    elif api.issuer and not api.audience:
        yield Mistake(
            "api.audience",
            api.audience,
            "the audience of the issuer's tokens; without one, every token of the issuer would be accepted",
        )
    elif api.audience and not api.issuer:
        yield Mistake("api.audience", api.audience, "empty without an issuer: the user pool's own clients are accepted")
    for index, origin in enumerate(api.cors_origins):
        if not ORIGIN.fullmatch(origin):
            yield Mistake(
                f"api.corsOrigins[{index}]",
                origin,
                "an origin such as https://app.example.com: lower case, no path and no *; http only for this machine",
            )
    for refusal in refused_repetitions("api.corsOrigins", api.cors_origins):
        yield Mistake(*refusal)
    if api.uploads_per_second > api.requests_per_second:
        yield Mistake(
            "api.uploadsPerSecond", api.uploads_per_second, f"at most api.requestsPerSecond ({api.requests_per_second})"
        )
    if api.p99_milliseconds >= 1000 * API_TIMEOUT_SECONDS:
        yield Mistake(
            "api.p99Milliseconds",
            api.p99_milliseconds,
            f"less than {1000 * API_TIMEOUT_SECONDS}, the function's timeout, or the alarm is never in ALARM",
        )
    if api.signs_renditions and not api.has_console:
        yield Mistake(
            "api.renditions", api.renditions, "presigned where there is no console, whose distribution would send them"
        )
    if api.waf and not api.makes_user_pool:
        yield Mistake("api.waf", api.waf, "false where the stack has no user pool: AWS attaches WAF to no HTTP API")


def _webhooks(webhooks: WebhookSettings) -> Iterator[Mistake]:
    if webhooks.allow_private_addresses:
        return
    for name, endpoint in webhooks.endpoints.items():
        if not PUBLIC_URL.fullmatch(endpoint.url):
            yield Mistake(
                f"webhooks.endpoints.{name}.url",
                endpoint.url,
                "an https address on port 443 without credentials, such as https://hooks.example.com/img; others only "
                "with webhooks.allowPrivateAddresses",
            )


def _orders(settings: Settings) -> Iterator[Mistake]:
    orders = settings.orders
    if settings.has_orders and "thumbnail" not in settings.transforms:
        yield Mistake(
            "orders.enabled", orders.enabled, "false without the transform thumbnail, whose presets are ordered"
        )
    if orders.success_rate < 1 and settings.protect_state:
        yield Mistake(
            "orders.successRate",
            orders.success_rate,
            "1 where protectState is on: anything less makes attempts fail on purpose, which is for trying things out",
        )


def _aws_limits(settings: Settings) -> Iterator[Mistake]:
    vpc = settings.vpc
    stores_files = any(transform_settings(name).files(each.settings) for name, each in settings.transforms.items())
    for refusal in (
        *refused_tags(settings.tags, objects_are_tagged=stores_files),
        *refused_variables(
            {
                "media": ("MEDIA", settings.media_variable),
                "webhooks": ("WEBHOOK_SETTINGS", settings.webhooks_variable),
                **_variables_of_the_api(settings),
                **{
                    f"transforms.{name}.settings": ("SETTINGS", json.dumps(transform.settings))
                    for name, transform in settings.transforms.items()
                },
            }
        ),
        *refused_bucket_name("ingestBucketName", settings.ingest_bucket_name),
        *refused_bucket_name("processedBucketName", settings.processed_bucket_name),
        *(refused_repetitions("vpc.subnetIds", vpc.subnet_ids) if vpc else ()),
        *(refused_repetitions("vpc.routeTableIds", vpc.route_table_ids) if vpc else ()),
    ):
        yield Mistake(*refusal)


def _variables_of_the_api(settings: Settings) -> dict[str, tuple[str, str]]:
    """(variable, text) by the setting that makes it long."""
    variables = {"api": ("API_SETTINGS", settings.api_variable)} if settings.api.enabled else {}
    if settings.has_orders:
        watermark = settings.transforms.get("watermark")
        text = settings.orders_variable(watermark.settings if watermark else None)
        variables["transforms.thumbnail.settings.presets"] = ("ORDER_SETTINGS", text)
    return variables


def _layers(settings: Settings) -> Iterator[Mistake]:
    for name, layer in settings.function_layers.items():
        if layer not in layer_names():
            key = "validate.layer" if name == "validate" else f"transforms.{name}.layer"
            yield Mistake(key, layer, f"names of layers in functions/layers: {', '.join(layer_names())}")


def _folders(settings: Settings) -> Iterator[Mistake]:
    for name in settings.transforms:
        if name not in transforms():
            yield Mistake(
                "transforms", name, f"names of folders under functions/ that hold handler.py: {', '.join(transforms())}"
            )
