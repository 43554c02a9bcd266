"""Rules between settings, and between settings and the project's folder."""

import json
import math
from collections.abc import Iterator

from components.blocks.watermark_text import UndrawableTextError, picture_of
from components.settings.aws_limits import (
    refused_bucket_name,
    refused_repetitions,
    refused_tags,
    refused_variables,
)
from components.settings.mistakes import Mistake
from components.settings.model import (
    PROJECT_DIRECTORY,
    SOURCE_RETENTION_SECONDS,
    Settings,
    TransformFunction,
    Watermark,
)
from contract.memory import DECODED_BYTES_PER_PIXEL, WATERMARKED_BYTES_PER_PIXEL, needed_mb

# AWS keeps this much of the account's concurrency for functions that reserve none ("Lambda quotas").
UNRESERVED_CONCURRENCY = 100
# What the workflow does besides running functions: rows, messages and notifications, each well under a second.
BOOKKEEPING_SECONDS = 15


def contradictions(settings: Settings) -> Iterator[Mistake]:
    """Rules between settings, and between settings and the project's folder."""
    yield from _workflow_time(settings)
    yield from _receives(settings)
    yield from _concurrency(settings)
    yield from _memory(settings)
    yield from _names(settings)
    yield from _files(settings)
    yield from _aws_limits(settings)
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
    if settings.kms_key_arn and settings.encryption != "kms":
        yield Mistake("kmsKeyArn", settings.kms_key_arn, "empty unless encryption is kms")


def _workflow_time(settings: Settings) -> Iterator[Mistake]:
    waves = math.ceil(len(settings.transforms) / settings.map_concurrency)
    slowest = max(transform.timeout_seconds for transform in settings.transforms)
    needed = settings.validate_.timeout_seconds + waves * slowest + BOOKKEEPING_SECONDS
    if settings.workflow_timeout_seconds < needed:
        yield Mistake(
            "workflowTimeoutSeconds",
            settings.workflow_timeout_seconds,
            f"at least {needed}: validate's timeout, {waves} x the slowest transform's timeout, "
            f"and {BOOKKEEPING_SECONDS} for the rest; at most 300, the limit of an Express workflow",
        )


def _receives(settings: Settings) -> Iterator[Mistake]:
    most = SOURCE_RETENTION_SECONDS // settings.visibility_timeout_seconds
    if settings.max_receive_count > most:
        yield Mistake(
            "maxReceiveCount",
            settings.max_receive_count,
            f"at most {most}: a try takes up to {settings.visibility_timeout_seconds} s, the visibility timeout (six "
            f"times workflowTimeoutSeconds), and the queue deletes a message after {SOURCE_RETENTION_SECONDS} s",
        )


def _concurrency(settings: Settings) -> Iterator[Mistake]:
    validate = settings.validate_
    if validate.reserved_concurrency and validate.provisioned_concurrency > validate.reserved_concurrency:
        yield Mistake(
            "validate.provisionedConcurrency",
            validate.provisioned_concurrency,
            f"at most validate.reservedConcurrency ({validate.reserved_concurrency})",
        )
    reserved = validate.reserved_concurrency + sum(transform.reserved_concurrency for transform in settings.transforms)
    if reserved and reserved > settings.account_concurrency - UNRESERVED_CONCURRENCY:
        yield Mistake(
            "accountConcurrency",
            settings.account_concurrency,
            f"at least {reserved + UNRESERVED_CONCURRENCY}: the functions reserve {reserved} and AWS keeps "
            f"{UNRESERVED_CONCURRENCY} unreserved; lower reservedConcurrency (0 reserves none) or raise the limit",
        )


def _memory(settings: Settings) -> Iterator[Mistake]:
    functions = {"validate": settings.validate_}
    functions |= {f"transforms[{index}]": transform for index, transform in enumerate(settings.transforms)}
    for key, function in functions.items():
        watermarks = isinstance(function, TransformFunction) and function.name == "watermark"
        bytes_per_pixel = WATERMARKED_BYTES_PER_PIXEL if watermarks else DECODED_BYTES_PER_PIXEL
        least = needed_mb(max_bytes=settings.max_bytes, max_pixels=settings.max_pixels, bytes_per_pixel=bytes_per_pixel)
        if function.memory_mb < least:
            yield Mistake(
                f"{key}.memoryMb",
                function.memory_mb,
                f"at least {least}, to hold an image of maxPixels ({settings.max_pixels}) and maxBytes "
                f"({settings.max_bytes}); or lower those",
            )


def _names(settings: Settings) -> Iterator[Mistake]:
    for key, names in (
        ("renditionPresets", [preset.name for preset in settings.rendition_presets]),
        ("transforms", [transform.name for transform in settings.transforms]),
    ):
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield Mistake(key, name, "each name once")
    if settings.ingest_bucket_name and settings.ingest_bucket_name == settings.processed_bucket_name:
        yield Mistake(
            "processedBucketName",
            settings.processed_bucket_name,
            "another bucket than ingestBucketName, or renditions would be taken for uploads",
        )


def _aws_limits(settings: Settings) -> Iterator[Mistake]:
    presets = [preset.model_dump(mode="json", by_alias=True) for preset in settings.rendition_presets]
    vpc = settings.vpc
    for refusal in (
        *refused_tags(settings.tags, objects_are_tagged=_stores_a_picture(settings.watermark)),
        *refused_variables(
            {
                "renditionPresets": ("RENDITION_PRESETS", json.dumps(presets)),
                "allowedTypes": ("ALLOWED_TYPES", ",".join(settings.allowed_types)),
            }
        ),
        *refused_bucket_name("ingestBucketName", settings.ingest_bucket_name),
        *refused_bucket_name("processedBucketName", settings.processed_bucket_name),
        *(refused_repetitions("vpc.subnetIds", vpc.subnet_ids) if vpc else ()),
        *(refused_repetitions("vpc.routeTableIds", vpc.route_table_ids) if vpc else ()),
    ):
        yield Mistake(*refusal)


def _stores_a_picture(watermark: Watermark) -> bool:
    try:
        return bool(watermark.logo_path or picture_of(watermark.text))
    except UndrawableTextError:
        return False  # refused on its own


def _files(settings: Settings) -> Iterator[Mistake]:
    functions = PROJECT_DIRECTORY / "functions"
    for index, transform in enumerate(settings.transforms):
        if not (functions / transform.name / "handler.py").is_file():
            existing = sorted(
                path.parent.name for path in functions.glob("*/handler.py") if path.parent.name != "validate"
            )
            yield Mistake(
                f"transforms[{index}].name",
                transform.name,
                f"a folder under functions/ that holds handler.py: {', '.join(existing)}",
            )
    yield from _watermark(settings.watermark)


def _watermark(watermark: Watermark) -> Iterator[Mistake]:
    logo, text = watermark.logo_path, watermark.text
    if not logo:
        try:
            picture_of(text)
        except UndrawableTextError as error:
            yield Mistake("watermark.text", text, f"a text that can be drawn: {error}")
    if logo and not (logo.lower().endswith(".png") and (PROJECT_DIRECTORY / logo).is_file()):
        yield Mistake(
            "watermark.logoPath", logo, "the path of a PNG file in the project's folder, or empty for the text"
        )
