"""Reads selected EXIF fields. The position is not among them, only whether the file contains one."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

from functions.shared.errors import PipelineError
from functions.shared.images import embedded_exif

_LONGEST_TEXT = 128

_XMP_LATITUDE = re.compile(r"exif:GPSLatitude\s*(=\s*[\"']|>)\s*[^\s\"'<]")


@dataclass(frozen=True, kw_only=True)
class Exif:
    """Selected EXIF of an image.

    Args:
        orientation: the file's, 1 to 8.
        fields: cameraMake, cameraModel, lens, exposureTime ("1/250", seconds), fNumber, iso, focalLengthMm and
            takenAt (the camera's local time, ISO 8601); only those that the file has and that are valid.
        gps_present: whether the file contains the position where the photo was taken.
    """

    orientation: int
    fields: dict[str, Any]
    gps_present: bool


def read_exif(image: Image.Image) -> Exif:
    """Read an opened image's EXIF, ignoring invalid fields."""
    try:
        root = embedded_exif(image)
        photo: Mapping[int, Any] = root.get_ifd(IFD.Exif)
        gps: Mapping[int, Any] = root.get_ifd(IFD.GPSInfo)
    except PipelineError:
        raise  # the file could not be read
    except Exception:
        # Pillow's parser raises many types of exceptions for invalid EXIF.
        return Exif(orientation=1, fields={}, gps_present=_has_position_in_xmp(image))
    found = {
        "cameraMake": _text(root.get(Base.Make)),
        "cameraModel": _text(root.get(Base.Model)),
        "lens": _text(photo.get(Base.LensModel)),
        "exposureTime": _exposure(photo.get(Base.ExposureTime)),
        "fNumber": _number(photo.get(Base.FNumber)),
        "iso": _number(_first(photo.get(Base.ISOSpeedRatings))),
        "focalLengthMm": _number(photo.get(Base.FocalLength)),
        "takenAt": _time(photo.get(Base.DateTimeOriginal)),
    }
    orientation = root.get(Base.Orientation)
    if orientation:
        # The HEIC decoder applies the orientation of EXIF or XMP, sets EXIF's to 1 and keeps the original in `info`.
        orientation = image.info.get("original_orientation", orientation)
    return Exif(
        orientation=orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1,
        fields={name: value for name, value in found.items() if value is not None},
        gps_present=_has_position(gps) or _has_position_in_xmp(image),
    )


def _has_position(gps: Mapping[int, Any]) -> bool:
    """Cameras without reception write GPS fields without a position: only a version, or degrees of 0/0."""
    degrees = (_first(gps.get(tag)) for tag in (GPS.GPSLatitude, GPS.GPSLongitude))
    return all(isinstance(value, Real) and math.isfinite(value) for value in degrees)


def _has_position_in_xmp(image: Image.Image) -> bool:
    """XMP can contain a position too, as an attribute or an element (XMP Specification Part 2, exif:GPSLatitude)."""
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    text = packet.decode("utf-8", "replace") if isinstance(packet, bytes) else packet
    return _XMP_LATITUDE.search(text) is not None


def _text(value: Any) -> str | None:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return None
    printable = "".join(character for character in value.split("\0")[0] if character.isprintable())
    return printable.strip()[:_LONGEST_TEXT] or None


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, tuple) and value else value


def _number(value: Any) -> float | int | None:
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    if not math.isfinite(number) or number <= 0:
        return None
    return int(number) if number.is_integer() else round(number, 2)


def _exposure(value: Any) -> str | None:
    """Format seconds as cameras display them: 1/250, 0.5, 30."""
    try:
        seconds = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    if not math.isfinite(seconds) or not 1e-6 < seconds < 1e6:
        return None
    return f"1/{round(1 / seconds)}" if seconds < 0.3 else f"{seconds:.2g}"


def _time(value: Any) -> str | None:
    """Exif 2.32, tag DateTimeOriginal: "YYYY:MM:DD HH:MM:SS"."""
    text = _text(value)
    if text is None:
        return None
    date, _, time = text.partition(" ")
    digits = date.replace(":", "") + time.replace(":", "")
    return f"{date.replace(':', '-')}T{time}" if len(digits) == 14 and digits.isdecimal() and int(digits) else None
