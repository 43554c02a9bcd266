"""Pulumi's assets and archives as bytes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

from pulumi import Archive, Asset, AssetArchive, FileArchive, FileAsset, StringAsset

from localcloud.resources.base import ResourceError

# The earliest time of a zip entry, so that equal content has equal bytes.
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


def asset_bytes(asset: Asset) -> bytes:
    """Return the asset's content.

    Raises:
        ResourceError: the asset is remote, which is not supported.
    """
    if isinstance(asset, FileAsset):
        return Path(asset.path).read_bytes()
    if isinstance(asset, StringAsset):
        return asset.text.encode()
    raise ResourceError(f"{type(asset).__name__} is not supported: use a file or a string")


def archive_bytes(archive: Archive) -> bytes:
    """Return the archive as the bytes of a zip file: a zip file as it is, a folder or a map of assets zipped.

    Raises:
        ResourceError: the archive is remote, or a file that is not a zip.
    """
    if isinstance(archive, FileArchive):
        path = Path(archive.path)
        if path.is_dir():
            return _zipped(
                {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}
            )
        if not zipfile.is_zipfile(path):
            raise ResourceError(f"{path} is neither a folder nor a zip file")
        return path.read_bytes()
    if isinstance(archive, AssetArchive):
        return _zipped(_entries(archive))
    raise ResourceError(f"{type(archive).__name__} is not supported: use a file, a folder or a map of assets")


def _entries(archive: AssetArchive) -> dict[str, bytes]:
    entries: Mapping[str, bytes] = {}
    for name, content in archive.assets.items():
        if isinstance(content, Asset):
            entries[name] = asset_bytes(content)
        else:
            with zipfile.ZipFile(io.BytesIO(archive_bytes(content))) as inner:
                entries |= {f"{name}/{entry}": inner.read(entry) for entry in inner.namelist() if entry[-1] != "/"}
    return entries


def _zipped(entries: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in sorted(entries.items()):
            entry = zipfile.ZipInfo(name, _ZIP_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            target.writestr(entry, content)
    return buffer.getvalue()
