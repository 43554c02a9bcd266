"""Ranged reads of a file version return the same bytes as the whole file."""

from __future__ import annotations

import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.shared.source import FileVersion, RangedReader
from tests.unit.fake_aws import FakeS3

BODY = random.Random(1).randbytes(400_000)  # noqa: S311 - test data


def reader(s3: FakeS3, body: bytes = BODY) -> RangedReader:
    """A reader over `body`."""
    s3.add("uploads/a", body)
    return RangedReader(s3, FileVersion(bucket="ingest", file_key="uploads/a", version_id="v1", bytes=len(body)))


positions = st.integers(0, len(BODY) + 10)
steps = st.tuples(st.sampled_from([io.SEEK_SET, io.SEEK_CUR, io.SEEK_END, "read"]), positions)


@given(st.lists(steps, max_size=30), st.booleans())
def test_any_sequence_of_reads_and_seeks_returns_the_same_as_a_file(
    steps_taken: list[tuple[int | str, int]], buffered: bool
) -> None:
    raw, expected = reader(FakeS3()), io.BytesIO(BODY)
    body = io.BufferedReader(raw) if buffered else raw
    for step, number in steps_taken:
        if isinstance(step, str):
            got = body.read(number)
            assert got is not None
            assert expected.read(len(got)) == got
            assert len(got) > 0 or number == 0 or expected.read(1) == b""
        else:
            offset = -number if step == io.SEEK_END else number
            if step == io.SEEK_END and number > len(BODY):
                continue
            assert body.seek(offset, step) == expected.seek(offset, step)
    assert body.read() == expected.read()


def test_every_request_has_the_version_id() -> None:
    s3 = FakeS3()
    body = reader(s3)
    s3.add("uploads/a", b"a newer version", version="v2")
    assert body.readall() == BODY


def test_a_header_is_read_with_one_small_request() -> None:
    s3 = FakeS3()
    body = io.BufferedReader(reader(s3), 64 << 10)
    assert body.read(1000) == BODY[:1000]
    assert body.read(2000) == BODY[1000:3000]
    assert s3.ranges == ["bytes=0-65535"]


def test_sequential_reads_make_increasingly_large_requests() -> None:
    s3 = FakeS3()
    body = reader(s3)
    while body.read(10_000):
        pass
    assert s3.ranges == ["bytes=0-65535", "bytes=65536-196607", "bytes=196608-399999"]


def test_the_rest_of_a_file_is_read_with_one_request() -> None:
    s3 = FakeS3()
    body = reader(s3)
    body.seek(100)
    assert body.readall() == BODY[100:]
    assert s3.ranges == ["bytes=100-399999"]


def test_no_byte_is_downloaded_twice() -> None:
    s3 = FakeS3()
    body = reader(s3)
    for position in (0, 300_000, 100, 250_000, 310_000, 0):
        body.seek(position)
        body.read(1000)
    body.seek(0)
    assert body.readall() == BODY
    fetched = [range(*(int(end) for end in header.removeprefix("bytes=").split("-"))) for header in s3.ranges]
    assert sum(len(span) + 1 for span in fetched) == len(BODY)


def test_reads_after_the_end_are_empty_and_seeks_before_the_start_fail() -> None:
    body = reader(FakeS3())
    with pytest.raises(ValueError, match="before"):
        body.seek(-1)
    body.seek(0, io.SEEK_END)
    assert body.read(10) == b""
    body.seek(1_000_000)
    assert body.read(10) == b""
