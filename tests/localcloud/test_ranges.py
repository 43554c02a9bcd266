"""Ranged GETs return the part of the object version that they name."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from functions.shared.source import FileVersion, RangedReader
from localcloud.emulator import Emulator
from tests.localcloud.workbench import Workbench

pytest_plugins = ["localcloud.pytest_fixture"]

Named = dict[str, str]


@pytest.fixture
def version(cloud: Emulator) -> Named:
    """Create an object with two versions; return what names the older one."""
    s3, bucket = cloud.client("s3"), Workbench(cloud).name("bucket")
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    written = s3.put_object(Bucket=bucket, Key="a", Body=b"0123456789", ChecksumAlgorithm="SHA256")
    s3.put_object(Bucket=bucket, Key="a", Body=b"newer")
    return {"Bucket": bucket, "Key": "a", "VersionId": written["VersionId"]}


@pytest.mark.parametrize(
    ("wanted", "content_range", "body"),
    [
        ("bytes=2-4", "bytes 2-4/10", b"234"),
        ("bytes=0-0", "bytes 0-0/10", b"0"),
        ("bytes=7-", "bytes 7-9/10", b"789"),
        ("bytes=5-99", "bytes 5-9/10", b"56789"),
        ("bytes=-3", "bytes 7-9/10", b"789"),
        ("bytes=-99", "bytes 0-9/10", b"0123456789"),
    ],
)
def test_a_range_of_a_version_is_that_part(
    cloud: Emulator, version: Named, wanted: str, content_range: str, body: bytes
) -> None:
    part = cloud.client("s3").get_object(**version, Range=wanted)
    assert part["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert (part["ContentRange"], part["ContentLength"]) == (content_range, len(body))
    assert (part["VersionId"], part["Body"].read()) == (version["VersionId"], body)


def test_a_range_beyond_the_end_of_a_version_is_refused(cloud: Emulator, version: Named) -> None:
    with pytest.raises(ClientError, match="InvalidRange") as raised:
        cloud.client("s3").get_object(**version, Range="bytes=10-12")
    metadata = raised.value.response["ResponseMetadata"]
    assert (metadata["HTTPStatusCode"], metadata["HTTPHeaders"]["content-range"]) == (416, "bytes */10")


def test_a_version_without_a_range_is_whole(cloud: Emulator, version: Named) -> None:
    whole = cloud.client("s3").get_object(**version, ChecksumMode="ENABLED")
    assert whole["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert (whole["Body"].read(), "ChecksumSHA256" in whole) == (b"0123456789", True)


def test_a_range_of_a_version_that_does_not_exist_is_no_range(cloud: Emulator, version: Named) -> None:
    with pytest.raises(ClientError, match="NoSuchVersion"):
        cloud.client("s3").get_object(**version | {"VersionId": "none"}, Range="bytes=0-1")


def test_a_ranged_reader_reads_from_its_position_in_an_older_version(cloud: Emulator, version: Named) -> None:
    file = FileVersion(bucket=version["Bucket"], file_key="a", version_id=version["VersionId"], bytes=10)
    reader = RangedReader(cloud.client("s3"), file)
    reader.seek(6)
    assert reader.read(2) == b"67"
    reader.seek(0)
    assert reader.read() == b"0123456789"
