"""What the functions return to the workflow."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from contract.api import DOWNLOAD_URL_SECONDS
from contract.keys import renditions_folder
from contract.messages import Outcome
from functions.shared.aws import failures_named
from functions.shared.reasons import Rejection
from functions.shared.source import FileVersion

_PARALLEL_WRITES = 4
# Browsers and CloudFront keep a rendition as long as its signed URL is valid.
_CACHE_CONTROL = f"max-age={DOWNLOAD_URL_SECONDS}"


class Answer(Protocol):
    """What a function returns: a payload of JSON types, and the outcome that is logged."""

    @property
    def outcome(self) -> str:
        """ACCEPTED, COMPLETED, or a reason code."""
        ...

    def payload(self) -> dict[str, Any]:
        """The payload for the workflow, without `durationMs`."""
        ...


@dataclass(frozen=True, kw_only=True)
class Rendition:
    """A file that a transform makes from a file version.

    Args:
        name: unique within the file: "w320-webp".
        file_name: unique within the file, with an extension: "w320.webp".
        content_type: its MIME type.
        measures: what is recorded besides its size in bytes, such as an image's width and height.
        body: its content, or the file that holds it.
    """

    name: str
    file_name: str
    content_type: str
    measures: Mapping[str, int] = field(default_factory=dict)
    body: bytes | Path

    @property
    def bytes(self) -> int:
        """The size of its content."""
        return self.body.stat().st_size if isinstance(self.body, Path) else len(self.body)

    def open(self) -> BinaryIO:
        """Open its content for reading."""
        return self.body.open("rb") if isinstance(self.body, Path) else io.BytesIO(self.body)


def store(s3: Any, bucket: str, version: FileVersion, rendition: Rendition) -> dict[str, Any]:
    """Write a rendition under a key that contains its source's version, so that no other version can overwrite it.

    Args:
        s3: an S3 client.
        bucket: the processed bucket.
        version: the source.
        rendition: what to write.

    Returns:
        The entry that the workflow records for the rendition.

    Raises:
        TransientError, AccessError: the write failed, see `aws.failures_named`.
    """
    key = f"{renditions_folder(version.file_key, version.version_id)}{rendition.file_name}"
    with failures_named(f"write s3://{bucket}/{key}"), rendition.open() as body:
        s3.put_object(
            Bucket=bucket,
            Key=key,
            Body=body,
            ContentType=rendition.content_type,
            CacheControl=_CACHE_CONTROL,
            # An order reuses stored renditions, and reads here what they measure.
            Metadata={name: str(value) for name, value in rendition.measures.items()},
        )
    return {
        "name": rendition.name,
        "key": key,
        "contentType": rendition.content_type,
        **rendition.measures,
        "bytes": rendition.bytes,
    }


def store_all(s3: Any, bucket: str, version: FileVersion, renditions: Iterable[Rendition]) -> list[dict[str, Any]]:
    """Write renditions in parallel with making them; see `store`."""
    with ThreadPoolExecutor(_PARALLEL_WRITES) as writers:
        written = [writers.submit(store, s3, bucket, version, rendition) for rendition in renditions]
    return [write.result() for write in written]


@dataclass(frozen=True, kw_only=True)
class Transformed:
    """What a transform returns.

    Args:
        transform: the transform's name in the stack's settings.
        renditions: what `store` returned for each.
        metadata: JSON types only, no null.
        record: attributes of the asset's record besides those of `contract.assets.PIPELINE_ATTRIBUTES`, JSON types.
        rejection: why the file is rejected, if the transform found that it cannot be processed.
    """

    transform: str
    renditions: list[dict[str, Any]] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    record: dict[str, Any] = field(default_factory=dict)
    rejection: Rejection | None = None

    @property
    def outcome(self) -> str:
        """COMPLETED, or the reason code."""
        return self.rejection.code.value if self.rejection else Outcome.COMPLETED

    def payload(self) -> dict[str, Any]:
        """The payload for the workflow, without `durationMs`."""
        answer = {
            "transform": self.transform,
            "renditions": self.renditions,
            "metadata": self.metadata,
            "record": self.record,
        }
        return answer | ({"rejection": self.rejection.payload()} if self.rejection else {})
