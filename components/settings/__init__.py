"""The stack's settings: read once from the Pulumi configuration, checked before any resource exists.

`Pulumi.yaml` documents every key and holds its default; this module holds the types, the bounds and the rules
between keys, and refuses a mistake with a line that names the key, the value and what is accepted.
"""

import difflib
import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import pulumi
import yaml
from pulumi.runtime.config import CONFIG
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

from components.blocks.watermark_text import UndrawableTextError, picture_of
from components.settings.aws_limits import (
    MAX_SUBNETS,
    MAX_TAG_VALUE_CHARACTERS,
    MAX_URL_CHARACTERS,
    refused_bucket_name,
    refused_repetitions,
    refused_tags,
    refused_variables,
)
from contract.memory import DECODED_BYTES_PER_PIXEL, WATERMARKED_BYTES_PER_PIXEL, needed_mb
from contract.messages import Outcome
from contract.names import PROJECT

PROJECT_DIRECTORY = Path(__file__).resolve().parents[2]

# AWS keeps this much of the account's concurrency for functions that reserve none ("Lambda quotas").
UNRESERVED_CONCURRENCY = 100
# What the workflow does besides running functions: rows, messages and notifications, each well under a second.
BOOKKEEPING_SECONDS = 15
# What AWS asks of a queue whose consumer may be throttled ("Using Lambda with Amazon SQS"); a pipe's target may be too.
VISIBILITY_FACTOR = 6
# How long a queue with a dead-letter queue keeps its messages. A moved message's age counts from its first queue, so
# time spent here shortens its stay in the dead-letter queue.
SOURCE_RETENTION_SECONDS = 4 * 24 * 3600


class SettingsError(pulumi.RunError):
    """A stack's configuration cannot be used: one line per mistake, which Pulumi prints without a traceback."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", alias_generator=to_camel)


def _none_if_empty(value: object) -> object:
    return None if value == {} else value


MemoryMb = Annotated[int, Field(ge=128, le=10240)]
Seconds = Annotated[int, Field(ge=1, le=300)]
Concurrency = Annotated[int, Field(ge=0, le=100_000)]
Count = Annotated[int, Field(ge=0)]
Days = Annotated[int, Field(ge=1, le=3650)]
DaysOrNever = Annotated[int, Field(ge=0, le=3650)]
Percent = Annotated[float, Field(ge=0, le=100)]
# Formats that the functions can decode (functions/shared/formats.py).
ImageType = Literal["image/jpeg", "image/png", "image/webp", "image/gif", "image/tiff", "image/avif", "image/heic"]
InterfaceEndpoint = Literal["logs", "monitoring", "sqs", "sns", "states", "xray", "kms", "sts", "events"]
# What CloudWatch Logs offers ("PutRetentionPolicy").
LogRetentionDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]  # fmt: skip
# As long as names may be for AWS to take the physical names that they become part of.
ShortName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,23}$")]
FunctionName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,21}$")]
BucketName = Annotated[str, StringConstraints(pattern=r"^([a-z0-9][a-z0-9-]{1,61}[a-z0-9])?$")]
HttpsUrl = Annotated[str, StringConstraints(pattern=r"^https://\S+$", max_length=MAX_URL_CHARACTERS)]
TableName = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9_.-]{3,255})?$")]


class RenditionPreset(_Model):
    name: ShortName
    width: Annotated[int, Field(ge=16, le=8192)]
    formats: Annotated[tuple[Literal["jpeg", "webp"], ...], Field(min_length=1)]
    quality: Annotated[int, Field(ge=1, le=95)]


class Watermark(_Model):
    text: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    opacity: Annotated[float, Field(gt=0, le=1)]
    position: Literal["bottom-right", "bottom-left", "top-right", "top-left", "center"]
    logo_path: str


class ValidateFunction(_Model):
    memory_mb: MemoryMb
    timeout_seconds: Seconds
    reserved_concurrency: Concurrency
    provisioned_concurrency: Concurrency


class TransformFunction(_Model):
    name: FunctionName
    memory_mb: MemoryMb
    timeout_seconds: Seconds
    reserved_concurrency: Concurrency
    writes_renditions: bool


class ResultSubscriber(_Model):
    outcomes: tuple[Outcome, ...] = ()
    media_types: tuple[ImageType, ...] = ()


class Alarms(_Model):
    dead_letter_messages: Count
    oldest_message_seconds: Annotated[int, Field(ge=60, le=1_209_600)]
    pipe_failures: Count
    workflow_failures: Count
    workflow_p99_seconds: Annotated[float, Field(gt=0)]
    function_error_percent: Percent
    cold_start_percent: Percent
    minimum_invocations: Count
    account_concurrency_percent: Percent


class Vpc(_Model):
    # A validator sees empty, for no VPC, first; and what comes out of a validator is a list, which strict mode refuses.
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


class Lifecycle(_Model):
    incomplete_upload_days: Days
    old_version_days: Days
    upload_days: DaysOrNever
    rendition_days: DaysOrNever


class Settings(_Model):
    """Every setting of the program. Keys are described, with their defaults, in `Pulumi.yaml`."""

    max_bytes: Annotated[int, Field(ge=1, le=256 * 1024 * 1024)]
    max_pixels: Annotated[int, Field(ge=1, le=500_000_000)]
    max_frames: Annotated[int, Field(ge=1, le=10_000)]
    allowed_types: Annotated[tuple[ImageType, ...], Field(min_length=1)]
    rendition_presets: Annotated[tuple[RenditionPreset, ...], Field(min_length=1)]
    watermark: Watermark
    validate_: Annotated[ValidateFunction, Field(alias="validate")]
    transforms: Annotated[tuple[TransformFunction, ...], Field(min_length=1, max_length=40)]
    map_concurrency: Annotated[int, Field(ge=1, le=40)]
    workflow_timeout_seconds: Seconds
    max_receive_count: Annotated[int, Field(ge=1, le=1000)]
    architecture: Literal["arm64", "x86_64"]
    python_runtime: Literal["python3.12", "python3.13", "python3.14"]
    layer_target: Literal["lambda", "host"]
    account_concurrency: Annotated[int, Field(ge=10)]
    function_log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"]
    workflow_log_level: Literal["ALL", "ERROR", "FATAL", "OFF"]
    workflow_log_data: bool
    tracing: bool
    log_retention_days: LogRetentionDays
    job_retention_days: Days
    result_subscribers: dict[ShortName, ResultSubscriber]
    alert_emails: tuple[Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")], ...]
    alert_https_endpoints: tuple[HttpsUrl, ...]
    alarms: Alarms
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
    tags: dict[str, Annotated[str, StringConstraints(max_length=MAX_TAG_VALUE_CHARACTERS)]]

    @property
    def visibility_timeout_seconds(self) -> int:
        """Seconds a message stays hidden while its file is worked on."""
        return VISIBILITY_FACTOR * self.workflow_timeout_seconds


class _Mistake(NamedTuple):
    key: str
    value: object
    accepted: str


def load_settings() -> Settings:
    """Read and check the running stack's configuration.

    Raises
    ------
    SettingsError
        A key is unknown or a value is impossible; one line for each, naming the key, the value and what is accepted.
    """
    schema = config_schema()
    # The engine hands over the whole configuration, but pulumi.Config can only ask for keys it knows: a misspelt key
    # shows only when the keys themselves are listed.
    given = {**pulumi.runtime.get_config_env(), **CONFIG.get()}
    prefix = f"{PROJECT}:"
    return parse_settings({key.removeprefix(prefix): given[key] for key in given if key.startswith(prefix)}, schema)


def config_schema() -> dict[str, dict[str, Any]]:
    """The `config` section of `Pulumi.yaml`: {key: {type, default, description, …}}."""
    return yaml.safe_load((PROJECT_DIRECTORY / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]


def parse_settings(given: Mapping[str, str], schema: Mapping[str, Mapping[str, Any]]) -> Settings:
    """Lay `given` over the schema's defaults and check the result.

    Parameters
    ----------
    given
        Values as the engine passes them: strings, with arrays and objects as JSON.
    schema
        The `config` section of `Pulumi.yaml`.

    Raises
    ------
    SettingsError
        See `load_settings`.
    """
    unknown = [key for key in given if key not in schema]
    if unknown:
        raise SettingsError("\n".join(_unknown_key(key, schema) for key in unknown))
    values = {key: _value(key, declared, given) for key, declared in schema.items()}
    try:
        settings = Settings.model_validate_json(json.dumps(values))
    except ValidationError as error:
        raise SettingsError("\n".join(_line(mistake) for mistake in _mistakes(error))) from None
    contradictions = [_line(mistake) for mistake in _contradictions(settings)]
    if contradictions:
        raise SettingsError("\n".join(contradictions))
    return settings


def _value(key: str, declared: Mapping[str, Any], given: Mapping[str, str]) -> Any:
    """The value of `key` as JSON knows it; text that does not parse is left for the model to refuse by name."""
    if key not in given:
        return declared["default"]
    text = given[key]
    if declared["type"] == "string":
        return text
    try:
        value = json.loads(text)
    except ValueError:
        return text
    if declared["type"] == "object" and isinstance(value, dict):
        return {**declared["default"], **value}
    return value


def _mistakes(error: ValidationError) -> Iterator[_Mistake]:
    for found in error.errors():
        if found["type"] == "too_short" and found["input"]:
            continue  # the list is only short of the items that are refused one by one
        key, *inner = found["loc"]
        path = str(key) + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in inner)
        message = {"extra_forbidden": "there is no such key", "missing": "this key has to be given"}.get(
            found["type"], found["msg"][0].lower() + found["msg"][1:]
        )
        yield _Mistake(path, found["input"], message)


def _contradictions(settings: Settings) -> Iterator[_Mistake]:
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
        yield _Mistake(
            "alarms.workflowP99Seconds",
            alarms.workflow_p99_seconds,
            f"less than workflowTimeoutSeconds ({settings.workflow_timeout_seconds}), or the alarm can never go off",
        )
    if alarms.oldest_message_seconds <= settings.visibility_timeout_seconds:
        yield _Mistake(
            "alarms.oldestMessageSeconds",
            alarms.oldest_message_seconds,
            f"more than {settings.visibility_timeout_seconds}, the visibility timeout (six times "
            "workflowTimeoutSeconds), or a single retry sets off the alarm",
        )
    if settings.kms_key_arn and settings.encryption != "kms":
        yield _Mistake("kmsKeyArn", settings.kms_key_arn, "empty unless encryption is kms")


def _workflow_time(settings: Settings) -> Iterator[_Mistake]:
    waves = math.ceil(len(settings.transforms) / settings.map_concurrency)
    slowest = max(transform.timeout_seconds for transform in settings.transforms)
    needed = settings.validate_.timeout_seconds + waves * slowest + BOOKKEEPING_SECONDS
    if settings.workflow_timeout_seconds < needed:
        yield _Mistake(
            "workflowTimeoutSeconds",
            settings.workflow_timeout_seconds,
            f"at least {needed}: validate's timeout, {waves} x the slowest transform's timeout, "
            f"and {BOOKKEEPING_SECONDS} for the rest; at most 300, the limit of an Express workflow",
        )


def _receives(settings: Settings) -> Iterator[_Mistake]:
    most = SOURCE_RETENTION_SECONDS // settings.visibility_timeout_seconds
    if settings.max_receive_count > most:
        yield _Mistake(
            "maxReceiveCount",
            settings.max_receive_count,
            f"at most {most}: a try takes up to {settings.visibility_timeout_seconds} s, the visibility timeout (six "
            f"times workflowTimeoutSeconds), and the queue deletes a message after {SOURCE_RETENTION_SECONDS} s",
        )


def _concurrency(settings: Settings) -> Iterator[_Mistake]:
    validate = settings.validate_
    if validate.reserved_concurrency and validate.provisioned_concurrency > validate.reserved_concurrency:
        yield _Mistake(
            "validate.provisionedConcurrency",
            validate.provisioned_concurrency,
            f"at most validate.reservedConcurrency ({validate.reserved_concurrency})",
        )
    reserved = validate.reserved_concurrency + sum(transform.reserved_concurrency for transform in settings.transforms)
    if reserved and reserved > settings.account_concurrency - UNRESERVED_CONCURRENCY:
        yield _Mistake(
            "accountConcurrency",
            settings.account_concurrency,
            f"at least {reserved + UNRESERVED_CONCURRENCY}: the functions reserve {reserved} and AWS keeps "
            f"{UNRESERVED_CONCURRENCY} unreserved; lower reservedConcurrency (0 reserves none) or raise the limit",
        )


def _memory(settings: Settings) -> Iterator[_Mistake]:
    functions = {"validate": settings.validate_}
    functions |= {f"transforms[{index}]": transform for index, transform in enumerate(settings.transforms)}
    for key, function in functions.items():
        watermarks = isinstance(function, TransformFunction) and function.name == "watermark"
        bytes_per_pixel = WATERMARKED_BYTES_PER_PIXEL if watermarks else DECODED_BYTES_PER_PIXEL
        least = needed_mb(max_bytes=settings.max_bytes, max_pixels=settings.max_pixels, bytes_per_pixel=bytes_per_pixel)
        if function.memory_mb < least:
            yield _Mistake(
                f"{key}.memoryMb",
                function.memory_mb,
                f"at least {least}, to hold an image of maxPixels ({settings.max_pixels}) and maxBytes "
                f"({settings.max_bytes}); or lower those",
            )


def _names(settings: Settings) -> Iterator[_Mistake]:
    for key, names in (
        ("renditionPresets", [preset.name for preset in settings.rendition_presets]),
        ("transforms", [transform.name for transform in settings.transforms]),
    ):
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield _Mistake(key, name, "each name once")
    if settings.ingest_bucket_name and settings.ingest_bucket_name == settings.processed_bucket_name:
        yield _Mistake(
            "processedBucketName",
            settings.processed_bucket_name,
            "another bucket than ingestBucketName, or renditions would be taken for uploads",
        )


def _aws_limits(settings: Settings) -> Iterator[_Mistake]:
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
        yield _Mistake(*refusal)


def _stores_a_picture(watermark: Watermark) -> bool:
    try:
        return bool(watermark.logo_path or picture_of(watermark.text))
    except UndrawableTextError:
        return False  # refused on its own


def _files(settings: Settings) -> Iterator[_Mistake]:
    functions = PROJECT_DIRECTORY / "functions"
    for index, transform in enumerate(settings.transforms):
        if not (functions / transform.name / "handler.py").is_file():
            existing = sorted(
                path.parent.name for path in functions.glob("*/handler.py") if path.parent.name != "validate"
            )
            yield _Mistake(
                f"transforms[{index}].name",
                transform.name,
                f"a folder under functions/ that holds handler.py: {', '.join(existing)}",
            )
    yield from _watermark(settings.watermark)


def _watermark(watermark: Watermark) -> Iterator[_Mistake]:
    logo, text = watermark.logo_path, watermark.text
    if not logo:
        try:
            picture_of(text)
        except UndrawableTextError as error:
            yield _Mistake("watermark.text", text, f"a text that can be drawn: {error}")
    if logo and not (logo.lower().endswith(".png") and (PROJECT_DIRECTORY / logo).is_file()):
        yield _Mistake(
            "watermark.logoPath", logo, "the path of a PNG file in the project's folder, or empty for the text"
        )


def _unknown_key(key: str, schema: Mapping[str, object]) -> str:
    near = difflib.get_close_matches(key, schema, n=1)
    hint = f"did you mean {near[0]}?" if near else f"accepted are {', '.join(schema)}"
    return f"{PROJECT}:{key} is not a setting; {hint}"


def _line(mistake: _Mistake) -> str:
    top_level = re.split(r"[.\[]", mistake.key, maxsplit=1)[0]
    secret = pulumi.runtime.is_config_secret(f"{PROJECT}:{top_level}")
    value = "[secret]" if secret else json.dumps(mistake.value, ensure_ascii=False, default=str)
    return f"{PROJECT}:{mistake.key} = {value} is not accepted: {mistake.accepted}"
