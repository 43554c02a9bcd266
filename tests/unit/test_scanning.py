"""Scanned files: those that are not clean are rejected unread, and versions of a key have sequencers in their order."""

from __future__ import annotations

from typing import Any

import pytest

from functions.shared.errors import AccessError, TransientError
from functions.shared.formats import JPEG
from tests.unit.conftest import Cloud, file_payload
from tests.unit.fake_aws import client_error
from tests.unit.pictures import file_of, gradient

KEY = "uploads/a.jpg"
NOON = 1_763_726_400  # 2025-11-21T12:00:00Z, 0x69205440
ZEROS = "0" * 32


def scanned(status: str = "NO_THREATS_FOUND", *, version: str = "v1", threats: tuple[str, ...] = ()) -> dict[str, Any]:
    """The workflow's `file` for a version that GuardDuty has scanned."""
    return file_payload(KEY, 0) | {
        "versionId": version,
        "sequencer": ZEROS,
        "eventTime": "2025-11-21T12:00:09Z",
        "scan": {"status": status, "threats": list(threats)},
    }


@pytest.fixture
def picture(cloud: Cloud) -> bytes:
    """A photograph, stored as version v1."""
    body = file_of(gradient(), JPEG)
    cloud.s3.add(KEY, body)
    cloud.s3.list_version(KEY, "v1", NOON, len(body))
    return body


def test_a_clean_file_is_validated_and_its_size_and_sequencer_returned(cloud: Cloud, picture: bytes) -> None:
    verdict = cloud.invoke("validate", scanned())
    assert verdict["accepted"]
    assert verdict["bytes"] == len(picture)
    assert verdict["file"] == {"sequencer": "00000000000000006920544000000000", "bytes": len(picture)}


def test_a_clean_file_of_an_unsupported_type_is_rejected(cloud: Cloud) -> None:
    cloud.s3.add(KEY, b"text")
    cloud.s3.list_version(KEY, "v1", NOON, 4)
    verdict = cloud.invoke("validate", scanned())
    assert (verdict["reasonCode"], verdict["file"]["bytes"]) == ("UNSUPPORTED_TYPE", 4)


def test_empty_and_large_files_are_rejected_by_their_listed_size_without_being_read(cloud: Cloud) -> None:
    for size, code in ((0, "EMPTY"), (2_000_001, "TOO_LARGE")):
        cloud.s3.listing.clear()
        cloud.s3.list_version(KEY, "v1", NOON, size)
        assert cloud.invoke("validate", scanned())["reasonCode"] == code


def test_a_threat_is_rejected_with_its_name_and_never_read(cloud: Cloud, picture: bytes) -> None:
    cloud.s3.failing_keys[KEY] = AssertionError("a file with a threat was read")
    verdict = cloud.invoke("validate", scanned("THREATS_FOUND", threats=("EICAR-Test-File", "Worm.X")))
    assert (verdict["accepted"], verdict["reasonCode"]) == (False, "MALWARE_FOUND")
    assert "EICAR-Test-File, Worm.X" in verdict["reason"]
    assert verdict["hint"]
    assert verdict["file"] == {"sequencer": "00000000000000006920544000000000", "bytes": len(picture)}


@pytest.mark.parametrize("status", ["UNSUPPORTED", "ACCESS_DENIED", "FAILED", "", "SOMETHING_NEW"])
def test_a_file_that_was_not_scanned_is_rejected_and_never_read(cloud: Cloud, picture: bytes, status: str) -> None:
    del picture
    cloud.s3.failing_keys[KEY] = AssertionError("a file that was not scanned was read")
    verdict = cloud.invoke("validate", scanned(status))
    assert verdict["reasonCode"] == "NOT_SCANNED"
    assert status in verdict["reason"]


def test_a_clean_file_without_its_tag_is_retried(cloud: Cloud, picture: bytes) -> None:
    """The event can be delivered before the tag is set, and until then the bucket policy denies reading the file."""
    del picture
    cloud.s3.failures.append(client_error("AccessDenied", 403))
    with pytest.raises(TransientError, match="tag"):
        cloud.invoke("validate", scanned())
    assert cloud.invoke("validate", scanned())["accepted"]


def test_a_missing_permission_to_list_versions_is_an_access_error(cloud: Cloud) -> None:
    cloud.s3.listing_failures.append(client_error("AccessDenied", 403, "ListObjectVersions"))
    with pytest.raises(AccessError, match="list the versions"):
        cloud.invoke("validate", scanned("THREATS_FOUND"))


def test_a_deleted_version_is_not_found_and_has_a_sequencer_of_its_own(cloud: Cloud) -> None:
    cloud.s3.list_version(KEY, "v0", NOON)
    verdict = cloud.invoke("validate", scanned())
    assert verdict["reasonCode"] == "NOT_FOUND"
    assert verdict["file"] == {"sequencer": "00000000000000006920544900000000", "bytes": 0}


def test_a_threat_in_a_deleted_version_is_reported(cloud: Cloud) -> None:
    assert cloud.invoke("validate", scanned("THREATS_FOUND"))["reasonCode"] == "MALWARE_FOUND"


def test_a_known_sequencer_is_kept(cloud: Cloud, picture: bytes) -> None:
    recorded = "0055AED6DCD90281E5".rjust(32, "0")
    verdict = cloud.invoke("validate", scanned() | {"sequencer": recorded})
    assert verdict["file"] == {"sequencer": recorded, "bytes": len(picture)}


def sequencers(cloud: Cloud, *versions: str) -> list[str]:
    return [cloud.invoke("validate", scanned("FAILED", version=version))["file"]["sequencer"] for version in versions]


def test_versions_of_one_second_are_in_the_order_in_which_they_were_stored(cloud: Cloud) -> None:
    cloud.s3.list_version(KEY, "before", NOON - 1)
    for version in ("first", "second", "third"):
        cloud.s3.list_version(KEY, version, NOON)
    early = sequencers(cloud, "third", "first", "second")
    cloud.s3.list_version(KEY, "after", NOON + 1)

    late = sequencers(cloud, "third", "first", "second")
    in_order = sequencers(cloud, "before", "first", "second", "third", "after")

    assert early == late
    assert in_order == sorted(in_order)
    assert len(set(in_order)) == 5
    assert {len(sequencer) for sequencer in in_order} == {32}


def test_a_version_that_is_stored_while_an_older_one_is_processed_is_newer(cloud: Cloud) -> None:
    cloud.s3.list_version(KEY, "old", NOON)
    (old,) = sequencers(cloud, "old")
    cloud.s3.list_version(KEY, "new", NOON)
    (new,) = sequencers(cloud, "new")
    assert old < new
    assert sequencers(cloud, "old") == [old], "the same version delivered twice is a duplicate"


def test_a_version_is_found_on_later_pages_and_among_keys_with_the_same_prefix(cloud: Cloud) -> None:
    for number in range(120):
        cloud.s3.list_version(KEY, f"v{number}", NOON)
    for number in range(3):
        cloud.s3.list_version(f"{KEY}.bak", f"other{number}", NOON)
    assert sequencers(cloud, "v0", "v119") == [f"{NOON:024X}{rank:08X}" for rank in (0, 119)]
    assert cloud.invoke("validate", scanned(version="other0"))["reasonCode"] == "NOT_FOUND"


def test_derived_sequencers_are_in_order_with_s3s_own(cloud: Cloud) -> None:
    """As in the examples of S3's documentation, both begin with the time in seconds, at the same digit."""
    s3s = "0055AED6DCD90281E5".rjust(32, "0")
    second = 0x55AED6DC
    cloud.s3.list_version(KEY, "before", second - 1)
    cloud.s3.list_version(KEY, "after", second + 1)
    before, after = sequencers(cloud, "before", "after")
    assert before < s3s < after
