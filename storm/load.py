"""What clients do: bursts of pictures, tables, damaged files, versions, duplicates and deletions, and orders."""

from __future__ import annotations

import hashlib
import io
import json
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

from botocore.exceptions import BotoCoreError, ClientError
from PIL import Image

from client.api import ApiClient
from client.uploads import content_type_of
from storm.history import Deleted, Ordered, Uploaded
from storm.testbed import Testbed
from testing.pictures import photograph

CLIENTS = 4
_SIZE, _LARGE_SIZE = (96, 64), (1600, 1067)
# How many different contents of a kind there are; every upload takes one of them.
_CONTENTS = 12


@dataclass(frozen=True)
class Content:
    """The bytes of a file, and whether the pipeline accepts them."""

    extension: str
    body: bytes
    is_acceptable: bool = True


def picture(number: int) -> Content:
    """A JPEG; most are small."""
    return Content("jpg", _photograph(1 + number % _CONTENTS, is_large=number % 20 == 0))


@cache
def _photograph(seed: int, *, is_large: bool) -> bytes:
    return photograph(seed, _LARGE_SIZE if is_large else _SIZE)


def table(number: int) -> Content:
    """A small CSV file."""
    rows = "".join(f"{row},name {number} {row},{row * 1.5}\n" for row in range(3 + number % _CONTENTS))
    return Content("csv", f"id,name,amount\n{rows}".encode())


def damaged(number: int) -> Content:
    """A file that is cut off, is no picture, or is a picture of an unknown format."""
    kinds: tuple[Callable[[], Content], ...] = (
        lambda: Content("jpg", photograph(seed=1, size=_SIZE)[:700], is_acceptable=False),
        lambda: Content("jpg", b"This is no picture.", is_acceptable=False),
        lambda: Content("png", _bitmap(), is_acceptable=False),
    )
    return kinds[number % len(kinds)]()


@cache
def _bitmap() -> bytes:
    body = io.BytesIO()
    Image.new("RGB", (16, 16)).save(body, "PPM")
    return body.getvalue()


def burst(bed: Testbed, count: int, prefix: str) -> None:
    """Upload so many files at once, from several clients, in an order and a mix that the seed decides.

    One file in eight is damaged, one a table, one key in six gets further versions, some keys get the same content
    twice, and some are deleted again. A version waits for the answer to the one before, as one client's uploads do.
    """
    chance, keys, left = bed.chance(prefix), list[list[Content]](), count
    while left > 0:
        versions = _versions(chance)[:left]
        keys.append(versions)
        left -= len(versions)
    deleted = {number for number in range(len(keys)) if chance.random() < 0.04}
    bed.files += count

    def client(number: int) -> None:
        versions = keys[number]
        file_key = f"uploads/{prefix}/{number:05}.{versions[0].extension}"
        for content in versions:
            put(bed, file_key, content)
        if number in deleted:
            delete(bed, file_key)

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(client, range(len(keys))))


def _versions(chance: random.Random) -> list[Content]:
    """The versions of one key."""
    number, kind = chance.randrange(1000), chance.random()
    if kind < 0.125:
        return [damaged(number)]
    make = table if kind < 0.25 else picture
    versions = [make(number)]
    if chance.random() < 1 / 6:
        versions.append(make(number + 1))
        if chance.random() < 0.5:
            # The same content again, or one that is refused: the record has to stay that of the version before.
            last = versions[-1] if chance.random() < 0.5 else damaged(number)
            versions.append(Content(versions[0].extension, last.body, last.is_acceptable))
    return versions


def put(bed: Testbed, file_key: str, content: Content) -> None:
    """Upload a version, and note what S3 answered.

    A request that the client had to repeat may have been carried out each time: there may be a version that it knows
    nothing of.
    """
    try:
        answer = bed.stack.cloud.client("s3").put_object(
            Bucket=bed.stack.pipeline.outputs.ingest_bucket,
            Key=file_key,
            Body=content.body,
            ContentType=content_type_of(file_key),
        )
        version_ids = [answer["VersionId"]]
        if answer["ResponseMetadata"]["RetryAttempts"]:
            version_ids.append(None)
    except (ClientError, BotoCoreError):
        version_ids = [None]
    for version_id in version_ids:
        bed.history.add(
            Uploaded(
                file_key=file_key,
                sha256=hashlib.sha256(content.body).hexdigest(),
                is_acceptable=content.is_acceptable,
                version_id=version_id,
            )
        )


def delete(bed: Testbed, file_key: str) -> None:
    """Delete a key, and note the marker that S3 answered."""
    answer = bed.stack.cloud.client("s3").delete_object(Bucket=bed.stack.pipeline.outputs.ingest_bucket, Key=file_key)
    bed.history.add(Deleted(file_key=file_key, marker_id=answer["VersionId"]))


def order(bed: Testbed, count: int, prefix: str) -> None:
    """Order a further rendition of some stored pictures, and note the orders that the API accepted."""
    chance = bed.chance(f"{prefix}/orders")
    api = ApiClient(bed.stack.outputs["apiUrl"])
    for file_key in bed.orderable(count, chance):
        width = chance.randrange(16, _SIZE[0])
        body = {"fileKey": file_key, "renditions": [{"width": width, "format": "jpeg"}]}
        answer = api.exchange(
            "POST",
            f"{bed.stack.outputs['apiUrl']}/orders",
            json.dumps(body).encode(),
            {"content-type": "application/json", "idempotency-key": f"{chance.getrandbits(64):x}"},
        )
        if answer.status == 202:
            bed.history.add(Ordered(order_id=answer.json["orderId"], file_key=file_key))
