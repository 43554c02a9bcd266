"""Uploads files and folders in parallel; unchanged files are skipped."""

from __future__ import annotations

import base64
import glob
import hashlib
import mimetypes
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from client.errors import InvalidRequestError, NotFoundError
from contract.clock import Clock, SystemClock
from contract.jobs import possible_job_ids, version_job_id
from contract.keys import UPLOADS
from contract.media import UNKNOWN_MEDIA_TYPE, media_type_of

if TYPE_CHECKING:
    from client.pipeline import Pipeline

PARALLEL_UPLOADS = 8


@dataclass(frozen=True, kw_only=True)
class Upload:
    """One version of one file in the ingest bucket."""

    bucket: str
    file_key: str
    version_id: str

    @property
    def job_id(self) -> str:
        """The id derived from bucket, key and version; `Pipeline.job_id` for a key that carries the id of a job."""
        return version_job_id(self.bucket, self.file_key, self.version_id)

    @property
    def possible_job_ids(self) -> tuple[str, ...]:
        """The ids under which the jobs table may have the version, see `contract.jobs`."""
        return possible_job_ids(self.bucket, self.file_key, self.version_id)


def content_type_of(name: str) -> str:
    """The MIME type that a name's extension declares; `application/octet-stream` where it declares none."""
    media_type = media_type_of(name)
    return (mimetypes.guess_type(name)[0] or media_type) if media_type == UNKNOWN_MEDIA_TYPE else media_type


@dataclass(frozen=True, kw_only=True)
class LocalFile:
    """A file here and the key it has, or will have, in the ingest bucket."""

    path: Path
    key: str

    @property
    def size(self) -> int:
        """Bytes."""
        return self.path.stat().st_size


class Outcome(StrEnum):
    """The outcome for one file."""

    UPLOADED = "uploaded"
    UNCHANGED = "unchanged"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """The result for one file.

    Attributes:
        upload: the version in the bucket, whether it is new or was there before; None if that failed.
        error: why it failed.
    """

    file: LocalFile
    outcome: Outcome
    upload: Upload | None = None
    error: str = ""


def file_key(name: str) -> str:
    """The key of a file that a person names with or without `uploads/` before it."""
    return name if name.startswith(UPLOADS) else UPLOADS + name.lstrip("/")


def is_stored(pipeline: Pipeline, key: str) -> bool:
    """Whether the ingest bucket has an object of that key, even one that a malware scan makes unreadable."""
    listed = pipeline.client("s3").list_objects_v2(Bucket=pipeline.outputs.ingest_bucket, Prefix=key, MaxKeys=1)
    return any(each["Key"] == key for each in listed.get("Contents", []))


def find_files(paths: Iterable[str], prefix: str = "") -> list[LocalFile]:
    """The files that the paths name, each with its key.

    Args:
        paths: of a file, the key has its name; of a folder, its name and the path of each file that is not hidden; of a
            pattern (`photos/**/*.jpg`) the part that its wildcards matched.
        prefix: a folder to put all of them in, below `uploads/`.

    Raises:
        NotFoundError: a path names no file.
        InvalidRequestError: two files would have one key.
    """
    folder = file_key(prefix.strip("/") + "/") if prefix.strip("/") else UPLOADS
    found: dict[str, Path] = {}
    for text in paths:
        files = list(_named(text))
        if not files:
            what = "contains no files that are not hidden" if Path(text).expanduser().is_dir() else "does not exist"
            raise NotFoundError(f"{text} {what}: name a file, a folder with files, or a pattern in quotes")
        for path, name in files:
            twin = found.setdefault(folder + name, path)
            if twin.resolve() != path.resolve():
                raise InvalidRequestError(
                    f"{twin} and {path} would both become {folder + name}: upload them apart with --prefix"
                )
    return [LocalFile(path=path, key=key) for key, path in sorted(found.items())]


def _named(text: str) -> Iterator[tuple[Path, str]]:
    """Each file with its name below the prefix."""
    path = Path(text).expanduser()
    if path.is_file():
        yield path, path.name
    elif path.is_dir():
        for file in sorted(path.rglob("*")):
            name = file.relative_to(path)
            if file.is_file() and not any(part.startswith(".") for part in name.parts):
                yield file, (Path(path.resolve().name) / name).as_posix()
    elif glob.has_magic(text):
        fixed = Path(*path.parts[: _first_wildcard(path)])
        for match in sorted(glob.glob(str(path), recursive=True)):
            if Path(match).is_file():
                yield Path(match), Path(match).relative_to(fixed).as_posix()


def _first_wildcard(pattern: Path) -> int:
    return next(index for index, part in enumerate(pattern.parts) if glob.has_magic(part))


def upload_files(
    pipeline: Pipeline,
    files: Sequence[LocalFile],
    *,
    force: bool = False,
    parallel: int = PARALLEL_UPLOADS,
    clock: Clock | None = None,
    on_done: Callable[[Transfer], None] | None = None,
) -> list[Transfer]:
    """Upload each file that is not in the bucket with the same size and SHA-256; S3 verifies the SHA-256.

    Args:
        pipeline: the stack.
        files: what to upload.
        force: upload everything; each becomes a new version.
        parallel: number of parallel uploads.
        clock: once it is requested to stop, no further file is started.
        on_done: called with each file, from several threads.

    Returns:
        The outcome for each file; files that were not started are missing.
    """

    clock = clock or SystemClock()

    def transfer(file: LocalFile) -> Transfer | None:
        if clock.requested:
            return None
        done = _transfer(pipeline, file, force=force)
        if on_done:
            on_done(done)
        return done

    with ThreadPoolExecutor(parallel) as threads:
        return [done for done in threads.map(transfer, files) if done]


def _transfer(pipeline: Pipeline, file: LocalFile, *, force: bool) -> Transfer:
    try:
        sha256 = _sha256(file.path)
        version_id = None if force else _stored_version_id(pipeline, file, sha256)
        outcome = Outcome.UNCHANGED if version_id else Outcome.UPLOADED
        version_id = version_id or _put(pipeline, file, sha256)
    except (OSError, ClientError, BotoCoreError) as error:
        return Transfer(file=file, outcome=Outcome.FAILED, error=str(error))
    bucket = pipeline.outputs.ingest_bucket
    return Transfer(file=file, outcome=outcome, upload=Upload(bucket=bucket, file_key=file.key, version_id=version_id))


def _sha256(path: Path) -> str:
    """The SHA-256 in base64, as S3 expects it."""
    with path.open("rb") as stream:
        return base64.b64encode(hashlib.file_digest(stream, "sha256").digest()).decode()


def _stored_version_id(pipeline: Pipeline, file: LocalFile, sha256: str) -> str | None:
    """The version id of the same content in the bucket, or None."""
    try:
        there = pipeline.client("s3").head_object(
            Bucket=pipeline.outputs.ingest_bucket, Key=file.key, ChecksumMode="ENABLED"
        )
    except ClientError as error:
        # For a key that does not exist, S3 answers 403 to a caller that may not list the bucket ("HeadObject").
        if error.response["ResponseMetadata"]["HTTPStatusCode"] in (403, 404):
            return None
        raise
    same = there["ContentLength"] == file.size and there.get("ChecksumSHA256") == sha256
    return there["VersionId"] if same else None


def _put(pipeline: Pipeline, file: LocalFile, sha256: str) -> str:
    with file.path.open("rb") as stream:
        return pipeline.client("s3").put_object(
            Bucket=pipeline.outputs.ingest_bucket,
            Key=file.key,
            Body=stream,
            ContentType=content_type_of(file.key),
            ChecksumSHA256=sha256,
        )["VersionId"]
