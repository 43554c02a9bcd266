"""Downloads a file's renditions into a folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from client.assets import find_asset
from client.errors import ActionFailedError, InvalidRequestError
from client.pipeline import Pipeline


def download_renditions(
    pipeline: Pipeline,
    name: str,
    folder: Path,
    *,
    overwrite: bool = False,
    on_done: Callable[[Mapping[str, Any], Path], None] = lambda _rendition, _path: None,
) -> list[Path]:
    """Download every rendition of a file's newest completed version.

    Args:
        pipeline: the stack.
        name: the file's key, with or without `uploads/`.
        folder: the target folder, created if it does not exist; each file is named by the last part of its key.
        overwrite: whether files that are there already are replaced.
        on_done: called with each rendition and its path.

    Returns:
        The paths, in the order of the record.

    Raises:
        NotFoundError: the stack has no record of the file, or the file was deleted.
        InvalidRequestError: a file exists already and must not be replaced; nothing was downloaded.
        ActionFailedError: the size of a rendition differs from its record.
    """
    asset = find_asset(pipeline, name)
    targets = [(rendition, folder / rendition["key"].rsplit("/", 1)[-1]) for rendition in asset["renditions"]]
    if not overwrite and (there := [path for _, path in targets if path.exists()]):
        raise InvalidRequestError(f"{there[0]} exists already: choose another folder, or add --force to replace it")
    folder.mkdir(parents=True, exist_ok=True)
    for rendition, path in targets:
        pipeline.client("s3").download_file(pipeline.outputs.processed_bucket, rendition["key"], str(path))
        if path.stat().st_size != rendition["bytes"]:
            raise ActionFailedError(f"{path} has {path.stat().st_size} bytes, not {rendition['bytes']}: try again")
        on_done(rendition, path)
    return [path for _, path in targets]
