"""Files of a few megabytes that take a decoder minutes or gigabytes of memory are rejected in seconds."""

from __future__ import annotations

import io
import struct
import tempfile
import time
import zlib

import pytest
from PIL import Image

from functions.shared.bounded import BoundedReader
from functions.shared.formats import AVIF, GIF, HEIC, JPEG, PNG, TIFF, Format
from functions.shared.reasons import ReasonCode, Rejection
from functions.validate.accepted import Accepted
from functions.validate.decoding import ImageLimits, Measures, measure
from tests.unit.pictures import file_of, gradient

LIMITS = ImageLimits(max_pixels=100_000_000, max_frames=300)
MANY = 300_000

PICTURE = gradient((64, 48))


def finding(format: Format, body: bytes) -> Measures | Rejection:
    """The result of `measure` without the sample, within a few seconds of CPU time."""
    started = time.process_time()
    # A file on disk, as in the functions: Python allocates memory for all that is to be read from it.
    with tempfile.TemporaryFile() as file:
        file.write(body)
        found = measure(file, format, LIMITS)
    assert time.process_time() - started < 10
    return found.measures if isinstance(found, Accepted) else found


def assert_corrupt(format: Format, body: bytes, detail: str) -> None:
    """It is rejected as corrupt, with this detail."""
    found = finding(format, body)
    assert isinstance(found, Rejection)
    assert found.code is ReasonCode.CORRUPT
    assert detail in found.reason


def test_a_jpeg_with_too_many_segments_is_corrupt() -> None:
    body = file_of(PICTURE, JPEG)
    assert_corrupt(JPEG, body[:2] + b"\xff\xe1\0\2" * MANY + body[2:], "pieces")


def test_a_jpeg_with_megabytes_of_zeros_before_its_headers_is_corrupt() -> None:
    body = file_of(PICTURE, JPEG)
    assert_corrupt(JPEG, body[:2] + b"\xff\xfe\0\2" + bytes(2 * MANY) + body[2:], "pieces")


def test_a_png_with_too_many_chunks_is_corrupt() -> None:
    body = file_of(PICTURE, PNG)
    chunk = struct.pack(">I", 0) + b"abCd" + struct.pack(">I", zlib.crc32(b"abCd"))
    assert_corrupt(PNG, body[:33] + chunk * MANY + body[33:], "pieces")


def test_a_gif_with_too_many_blocks_is_corrupt() -> None:
    assert_corrupt(GIF, file_of(PICTURE, GIF)[:-1] + b"\x21\xfe" + b"\1a" * MANY + b"\0;", "pieces")


def with_scans(count: int, size: tuple[int, int]) -> bytes:
    """A progressive JPEG whose last scan is repeated until it has `count` scans."""
    body = file_of(Image.new("L", size, 128), JPEG, progressive=True)
    last = body.rindex(b"\xff\xc4", 0, body.rindex(b"\xff\xda"))  # the last scan, with its Huffman table
    return body[:-2] + body[last:-2] * (count - body.count(b"\xff\xda")) + body[-2:]


def test_a_large_jpeg_with_thousands_of_scans_is_corrupt() -> None:
    assert_corrupt(JPEG, with_scans(5000, (4000, 3000)), "scans")


def test_the_number_of_scans_is_exact() -> None:
    assert isinstance(finding(JPEG, with_scans(100, (64, 64))), Measures)
    assert_corrupt(JPEG, with_scans(101, (64, 64)), "scans")


def test_scans_are_counted_only_within_the_picture() -> None:
    body = file_of(PICTURE, JPEG)
    segment = b"\xff\xec" + struct.pack(">H", 2 + 60_000) + b"\xff\xda" * 30_000
    appended_video = b"\0\2" + b"\xff\xda\0\2" * 1000
    assert isinstance(finding(JPEG, body[:2] + segment + body[2:] + appended_video), Measures)


@pytest.mark.parametrize(("mark", "is_big"), [("<", False), (">", False), ("<", True)])
def test_a_tiff_page_with_more_strips_than_rows_is_corrupt(mark: str, is_big: bool) -> None:
    assert isinstance(finding(TIFF, tiff((8, 8), strips=8, mark=mark, is_big=is_big)), Measures)
    assert_corrupt(TIFF, tiff((8, 8), strips=9, mark=mark, is_big=is_big), "pieces")


def test_a_tiff_page_with_millions_of_strips_is_corrupt() -> None:
    assert_corrupt(TIFF, tiff((1, 1_000_000), strips=1_000_000), "pieces")


def tiff(size: tuple[int, int], strips: int, mark: str = "<", is_big: bool = False) -> bytes:
    """An uncompressed grey TIFF of one row to a strip, every strip the same bytes."""
    number, kind = ("Q", 16) if is_big else ("I", 4)
    header = {"<": b"II", ">": b"MM"}[mark] + struct.pack(mark + "H", 43 if is_big else 42)
    header += struct.pack(mark + "HHQ", 8, 0, 16) if is_big else struct.pack(mark + "I", 8)
    fields = {256: size[0], 257: size[1], 258: 8, 259: 1, 262: 1, 277: 1, 278: 1}
    length = 8 + 20 * 9 + 8 if is_big else 2 + 12 * 9 + 4
    offsets, counts = len(header) + length, len(header) + length + strips * struct.calcsize(number)
    pixels = counts + strips * struct.calcsize(number)
    entries = [(tag, kind, 1, value) for tag, value in fields.items()]
    entries[5:5] = [(273, kind, strips, offsets)]
    entries += [(279, kind, strips, counts)]
    directory = struct.pack(mark + ("Q" if is_big else "H"), len(entries))
    directory += b"".join(struct.pack(f"{mark}HH{number}{number}", *entry) for entry in entries)
    directory += struct.pack(mark + number, 0)
    tables = struct.pack(f"{mark}{strips}{number}", *[pixels] * strips)
    tables += struct.pack(f"{mark}{strips}{number}", *[size[0]] * strips)
    return header + directory + tables + bytes(size[0])


def test_a_tiff_whose_directories_form_a_cycle_has_each_page_once() -> None:
    body = bytearray(file_of(PICTURE, TIFF, save_all=True, append_images=[PICTURE]))
    first = struct.unpack_from("<I", body, 4)[0]
    second_at = first + 2 + 12 * struct.unpack_from("<H", body, first)[0]
    second = struct.unpack_from("<I", body, second_at)[0]
    struct.pack_into("<I", body, second + 2 + 12 * struct.unpack_from("<H", body, second)[0], first)
    assert finding(TIFF, bytes(body)) == Measures(width=64, height=48, frames=2)


def test_a_tiff_tile_with_billions_of_pixels_is_corrupt() -> None:
    compressor = zlib.compressobj()
    tile = b"".join(compressor.compress(bytes(1 << 20)) for _ in range(8)) + compressor.flush()
    fields = {256: 8, 257: 8, 258: 8, 259: 8, 262: 1, 277: 1, 322: 65_520, 323: 65_520, 324: 134, 325: len(tile)}
    directory = struct.pack("<H", len(fields))
    directory += b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in fields.items())
    assert_corrupt(TIFF, b"II*\0" + struct.pack("<I", 8) + directory + bytes(4) + tile, "decode")


def test_a_png_with_compressed_text_that_is_too_large_is_corrupt() -> None:
    data = b"Comment\0\0" + zlib.compress(bytes(64 << 20))
    chunk = struct.pack(">I", len(data)) + b"zTXt" + data + struct.pack(">I", zlib.crc32(b"zTXt" + data))
    body = file_of(PICTURE, PNG)
    assert_corrupt(PNG, body[:33] + chunk + body[33:], "too large")


def test_pictures_that_a_camera_appends_to_a_photograph_are_not_counted() -> None:
    body = file_of(PICTURE, JPEG, save_all=False)
    with_preview = io.BytesIO()
    PICTURE.save(with_preview, "MPO", save_all=True, append_images=[gradient((32, 24))] * 3)
    assert finding(JPEG, with_preview.getvalue()) == Measures(width=64, height=48, frames=1)
    assert finding(JPEG, body) == Measures(width=64, height=48, frames=1)


def test_a_heic_that_decodes_to_another_size_than_in_its_header_is_corrupt() -> None:
    body = file_of(gradient((48, 32)), HEIC)
    crop = body.index(b"clap")  # the encoder's picture is 64 by 64, cropped to 48 by 32
    changed = body[: crop + 28] + b"\xff\x00\xff\xe0" + body[crop + 32 :]
    assert_corrupt(HEIC, changed, "another size")


@pytest.mark.parametrize("declared", [1 << 31, 1 << 40, 1 << 62, (1 << 64) - 1])
def test_an_avif_whose_meta_box_declares_more_than_the_file_has_is_corrupt(declared: int) -> None:
    body = file_of(PICTURE, AVIF)
    at = body.index(b"meta") - 4
    changed = body[:at] + struct.pack(">I4sQ", 1, b"meta", declared) + body[at + 8 :]
    assert_corrupt(AVIF, changed, "")


def test_an_image_is_opened_without_memory_for_lengths_that_its_file_does_not_have() -> None:
    with tempfile.TemporaryFile() as file:
        file.write(b"content")
        for size in (7, 1 << 31, 1 << 62):
            reader = BoundedReader(file)
            reader.seek(3)
            assert reader.read(size) == b"tent"
            assert reader.read(size) == b""
            reader.seek(1 << 40)
            assert reader.read(size) == b""


def test_several_pictures_in_a_heic_are_frames_of_their_own_size() -> None:
    body = file_of(PICTURE, HEIC, save_all=True, append_images=[gradient((32, 24)), gradient((16, 16))])
    assert finding(HEIC, body) == Measures(width=64, height=48, frames=3)
    pixels = 64 * 48 + 32 * 24 + 16 * 16
    for limit, accepted in ((pixels, True), (pixels - 1, False)):
        limits = ImageLimits(max_pixels=limit, max_frames=3)
        assert isinstance(measure(io.BytesIO(body), HEIC, limits), Accepted) is accepted


def test_large_gifs_are_accepted_although_they_have_many_blocks() -> None:
    body = file_of(Image.effect_noise((3000, 2000), 100), GIF)
    assert len(body) > 5_000_000
    assert finding(GIF, body) == Measures(width=3000, height=2000, frames=1)
    frames = [Image.effect_noise((400, 300), 100) for _ in range(40)]
    moving = file_of(frames[0], GIF, save_all=True, append_images=frames[1:])
    assert finding(GIF, moving) == Measures(width=400, height=300, frames=40)


@pytest.mark.parametrize("label", [0x01, 0xF9, 0xFF])
def test_a_gif_with_an_empty_extension_that_hides_a_large_frame_from_pillow_is_corrupt(label: int) -> None:
    """Pillow reads what follows an extension without data as its data, here the frame that browsers show."""
    screen = b"GIF89a" + struct.pack("<HHBBB", 8, 8, 0x80, 0, 0) + bytes(6)
    small = b"," + struct.pack("<HHHHB", 0, 0, 8, 8, 0)
    large = b"," + struct.pack("<HHHHB", 0, 0, 9_990, 9_990, 0)
    pixels = b"\2\2\x44\1\0"
    hidden = bytes([len(small) + len(pixels)]) + b"\0"
    body = screen + b"!" + bytes([label]) + b"\0" + small + pixels + hidden + large + pixels + b";"
    assert_corrupt(GIF, body, "extension without data")


def test_a_gif_frame_outside_the_screen_is_counted_with_the_canvas_that_pillow_allocates() -> None:
    screen = b"GIF89a" + struct.pack("<HHBBB", 8, 8, 0x80, 0, 0) + bytes(6)
    pixels = b"\2\2\x44\1\0"
    inside = b"," + struct.pack("<HHHHB", 0, 0, 8, 8, 0) + pixels
    outside = b"," + struct.pack("<HHHHB", 59_999, 59_999, 1, 1, 0) + pixels
    for frames in (outside, inside + outside):
        found = finding(GIF, screen + frames + b";")
        assert isinstance(found, Rejection)
        assert found.code is ReasonCode.TOO_MANY_PIXELS
