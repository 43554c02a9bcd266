"""The schemas of requests and responses: JSON in camelCase. The OpenAPI document is generated from them."""

from __future__ import annotations

import base64
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StringConstraints,
    model_validator,
)
from pydantic.alias_generators import to_camel

from contract.api import MAX_BATCH
from contract.orders import MAX_REFERENCE_CHARACTERS, MAX_RENDITIONS
from contract.renditions import POINT_PATTERN, Fit, RenditionFormat, RenditionSpec
from functions.http_api.models import Model, ProblemDocument

MAX_NAME_CHARACTERS = 255
MAX_URL_CHARACTERS = 2048
# Parts of a multipart upload ("Amazon S3 multipart upload limits").
MAX_PARTS = 10_000

Status = Literal["PENDING", "PROCESSING", "COMPLETED", "REJECTED", "SUPERSEDED", "FAILED", "EXPIRED"]
"""The status of a job as the API reports it."""


def _hex_digest(text: str) -> str:
    """A SHA-256 in hexadecimal digits."""
    digest = base64.b64decode(text) if len(text) < 64 else bytes.fromhex(text)
    return digest.hex()


class UploadRequest(Model):
    """A request to upload a file."""

    model_config = ConfigDict(extra="forbid")

    filename: Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME_CHARACTERS)] = Field(
        description="The file's name; the file's key is derived from it.", examples=["test-image.jpg"]
    )
    content_type: (
        Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+$", max_length=127)]
        | None
    ) = Field(default=None, description="The upload's MIME type. Default: the extension's MIME type.")
    size: Annotated[StrictInt, Field(ge=1, le=2**53)] | None = Field(
        default=None, description="The file's size in bytes. If set, the upload must have exactly this size."
    )
    sha256: (
        Annotated[
            str,
            StringConstraints(pattern=r"^([0-9a-fA-F]{64}|[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)$"),
            AfterValidator(_hex_digest),
        ]
        | None
    ) = Field(
        default=None,
        description="The file's SHA-256, hexadecimal or Base64. S3 verifies it for uploads in a single request.",
    )
    callback_url: Annotated[str, StringConstraints(max_length=MAX_URL_CHARACTERS)] | None = Field(
        default=None, description="An https URL that receives the job's result; see the setting api.callbackHosts."
    )
    focal_point: Annotated[str, StringConstraints(pattern=POINT_PATTERN)] | None = Field(
        default=None,
        description="What cropped renditions keep in view, such as 0.3,0.7: shares of the image's width and height "
        "from its top left.",
    )
    multipart: StrictBool = Field(
        default=False, description="Use a multipart upload whatever the size. Files above 64 MiB always use one."
    )
    method: Literal["PUT", "POST"] = Field(
        default="PUT", description="POST returns the fields of an HTML form, which accepts a file of any accepted size."
    )


class BatchRequest(Model):
    """A request to upload several files."""

    model_config = ConfigDict(extra="forbid")

    uploads: Annotated[list[UploadRequest], Field(min_length=1, max_length=MAX_BATCH)]


class Parts(Model):
    """The parts of a multipart upload; each but the last has `part_size` bytes."""

    part_size: int
    parts: int | None = Field(default=None, description="The number of parts; absent if the size is not known.")


class Upload(Model):
    """A job, and the signed request that uploads its file."""

    job_id: str
    file_key: str
    upload_url: str
    method: Literal["PUT", "POST"]
    headers: dict[str, str] = Field(description="Headers to send with the file, in addition to Content-Length.")
    fields: dict[str, str] | None = Field(
        default=None, description="Form fields to send before the file, as multipart/form-data."
    )
    expires_in: int = Field(description="Seconds until the signed request expires.")
    multipart: Parts | None = Field(
        default=None,
        description="Present if uploadUrl creates a multipart upload. POST /uploads/{jobId}/sign signs the rest.",
    )


class ArrivedUpload(Model):
    """The job of a repeated Idempotency-Key whose file was already uploaded."""

    job_id: str
    file_key: str
    status: Status


class UploadProblem(Model):
    """An entry of a batch that was refused."""

    problem: ProblemDocument


class BatchAnswer(Model):
    """An upload or a problem for each entry, in the order of the request."""

    uploads: list[Upload | ArrivedUpload | UploadProblem]


class SignRequest(Model):
    """A request of a multipart upload to sign; other fields are ignored."""

    method: Literal["PUT", "POST", "GET", "DELETE"] = Field(
        description="With uploadId: PUT uploads a part, POST completes, GET lists the parts, DELETE aborts. Without: "
        "PUT uploads the whole file, POST creates a multipart upload."
    )
    upload_id: Annotated[str, StringConstraints(min_length=1, max_length=1024, pattern=r"^[\x21-\x7e]+$")] | None = (
        Field(default=None, description="The upload ID that S3 returned when the multipart upload was created.")
    )
    part_number: Annotated[StrictInt, Field(ge=1, le=MAX_PARTS)] | None = None


class Signed(Model):
    """A signed request, as Uppy's `signRequest` returns it."""

    url: str
    key: str
    method: Literal["PUT", "POST", "GET", "DELETE"]
    headers: dict[str, str]
    fields: dict[str, str] | None = None
    expires_in: int


class Rendition(Model):
    """What was made from the file."""

    name: str
    url: str
    media_type: str
    bytes: int


class Picture(Rendition):
    """A rendition that is an image."""

    width: int
    height: int
    animated: bool = False


class StageReached(Model):
    """A stage that an attempt reached."""

    attempt: int
    stage: str
    at: str


class Job(Model):
    """The processing of one version of an uploaded file."""

    job_id: str
    status: Status
    stage: str | None = Field(default=None, description="The latest attempt's stage.")
    attempt: int | None = None
    file_key: str
    file_name: str | None = Field(default=None, description="The file's original name.")
    media_type: str | None = Field(default=None, description="The media type detected from the file's bytes.")
    created_at: str
    updated_at: str
    finished_at: str | None = None
    deleted_at: str | None = None
    upload_expires_at: str | None = None
    error_code: str | None = Field(default=None, description="Why the job is REJECTED, FAILED or EXPIRED.")
    error_message: str | None = None
    hint: str | None = Field(default=None, description="What to do.")
    will_retry: bool | None = Field(default=None, description="Whether a FAILED job is retried automatically.")
    stages: list[StageReached] | None = None
    download_url: str | None = Field(
        default=None, description="The watermarked image, or else the largest rendition; valid for an hour."
    )
    renditions: list[Picture | Rendition] | None = None
    trace_id: str | None = None


class JobPage(Model):
    """Jobs, newest first. A page may hold fewer jobs than the limit; the last page has no cursor."""

    jobs: list[Job]
    cursor: str | None = None


class Thumbnail(Model):
    """A small rendition."""

    url: str
    width: int
    height: int


class AssetSummary(Model):
    """An accepted file."""

    file_key: str
    file_name: str | None = None
    job_id: str
    media_type: str
    bytes: int
    measures: dict[str, Any]
    persisted_at: str
    thumb_hash: str | None = Field(default=None, description="Base64; see https://evanw.github.io/thumbhash.")
    thumbnail: Thumbnail | None = None
    srcset: str | None = Field(default=None, description="Value for the srcset attribute of an img element.")


class AssetPage(Model):
    """Assets, newest first. A page may hold fewer assets than the limit; the last page has no cursor."""

    assets: list[AssetSummary]
    cursor: str | None = None


class Version(Model):
    """A version of a file."""

    job_id: str
    version_id: str | None = None
    status: Status
    created_at: str


class Asset(AssetSummary):
    """An accepted file with its renditions, metadata and versions."""

    version_id: str
    sha256: str
    download_url: str | None = None
    original_url: str
    renditions: list[Picture | Rendition]
    metadata: dict[str, Any]
    record: dict[str, Any] = Field(description="What its transforms recorded of it, such as a table's rowCount.")
    versions: list[Version]
    trace_id: str | None = None


class OrderedRendition(Model):
    """A rendition to make: a preset of the stack, or a size."""

    model_config = ConfigDict(extra="forbid")

    preset: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,23}$")] | None = Field(
        default=None, description="A preset of the stack, in place of a size.", examples=["w640"]
    )
    width: StrictInt | None = Field(default=None, description="Pixels; images are never enlarged.")
    height: StrictInt | None = Field(default=None, description="Pixels; required with fit cover.")
    format: RenditionFormat
    fit: Fit | None = Field(
        default=None, description="inside (the default) scales the whole image; cover fills the size and crops."
    )
    focal_point: str | None = Field(
        default=None, description="What cover keeps in view: center, attention, or a point such as 0.3,0.7."
    )
    watermark: StrictBool = Field(default=False, description="Draw the stack's watermark on it.")

    @model_validator(mode="after")
    def _is_one_rendition(self) -> Self:
        sizes = {name: getattr(self, name) for name in ("width", "height", "fit", "focal_point")}
        given = {to_camel(name): value for name, value in sizes.items() if value is not None}
        if (self.preset is None) == (self.width is None):
            raise ValueError("either preset or width is required, not both")
        if self.preset is None:
            RenditionSpec.from_json({"format": self.format, **given})
        elif given:
            raise ValueError(f"{', '.join(given)} cannot be combined with preset")
        return self


class OrderRequest(Model):
    """An order of renditions of a stored image."""

    model_config = ConfigDict(extra="forbid")

    file_key: Annotated[str, StringConstraints(min_length=1, max_length=1024)]
    renditions: Annotated[list[OrderedRendition], Field(min_length=1, max_length=MAX_RENDITIONS)]
    reference: (
        Annotated[str, StringConstraints(min_length=1, max_length=MAX_REFERENCE_CHARACTERS, pattern=r"^[^\x00-\x1f]+$")]
        | None
    ) = Field(default=None, description="The caller's own name for the order.")


class PlacedOrder(Model):
    """An order that was checked and stored. GET /orders/{orderId} returns whether it was refused."""

    order_id: str


class Order(Model):
    """An order of renditions."""

    order_id: str
    status: Literal["PROCESSING", "FULFILLED", "REJECTED", "FAILED"]
    file_key: str
    version_id: str | None = Field(default=None, description="The version that the renditions are made from.")
    ordered: list[dict[str, Any]] = Field(description="The renditions as they were ordered.")
    reference: str | None = None
    attempts: int | None = None
    created_at: str
    updated_at: str
    fulfilled_at: str | None = None
    renditions: list[Picture | Rendition] | None = Field(default=None, description="Signed for an hour.")
    error_code: str | None = Field(default=None, description="Why the order is REJECTED or FAILED.")
    error_message: str | None = None
    hint: str | None = Field(default=None, description="How to fix it.")


class OrderPage(Model):
    """Orders, newest first. A page may be short; the last page has no cursor."""

    orders: list[Order]
    cursor: str | None = None


class Deletion(Model):
    """A deletion in progress: GET returns 404 once it is complete."""

    file_key: str


class Health(Model):
    status: Literal["ok"] = "ok"


class AnyObject(BaseModel):
    """Any JSON object."""

    model_config = ConfigDict(extra="allow")


class AcceptedType(Model):
    """A media type that is accepted."""

    name: str
    extensions: list[str]
    max_bytes: int = Field(description="Size of the largest accepted file of this type.")


class MultipartLimits(Model):
    threshold_bytes: int = Field(description="Larger files use a multipart upload.")
    part_size: int
    max_parts: int


class OrderPreset(Model):
    """A rendition that orders may name."""

    name: str
    width: int
    height: int | None = None
    fit: Fit = "inside"


class OrderLimits(Model):
    """What may be ordered."""

    presets: list[OrderPreset]
    formats: list[RenditionFormat]
    watermark: bool = Field(description="Whether the stack has a watermark.")
    max_renditions: int = Field(description="Renditions of one order.")
    min_side: int = Field(description="Pixels.")
    max_side: int = Field(description="Pixels; a rendition is never larger than the original either.")
    max_reference_characters: int


class Limits(Model):
    """What the API accepts."""

    max_bytes: int = Field(description="Size of the largest accepted file of any type.")
    media_types: list[AcceptedType]
    media: dict[str, dict[str, Any]] = Field(description="Other limits, by media family.")
    multipart: MultipartLimits
    max_batch: int
    max_body_bytes: int
    max_name_characters: int
    daily_uploads: int
    upload_url_seconds: int
    download_url_seconds: int
    orders: OrderLimits | None = Field(default=None, description="Absent where the stack takes no orders.")
