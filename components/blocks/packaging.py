"""What Lambda runs, as zip archives: the functions' own code, and the layer of packages they import.

An archive's bytes depend on its content alone (names in order, one date, one mode), and its file name on what decides
its content, so that an unchanged program deploys nothing and a second build finds the first one's result.
"""

from __future__ import annotations

import hashlib
import platform
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pulumi

from components.blocks.service_models import service_models

PROJECT_DIRECTORY = Path(__file__).resolve().parents[2]
FUNCTIONS_DIRECTORY = PROJECT_DIRECTORY / "functions"
LAYERS_DIRECTORY = FUNCTIONS_DIRECTORY / "layers"
BUILD_DIRECTORY = PROJECT_DIRECTORY / ".build"
CONSOLE_DIRECTORY = PROJECT_DIRECTORY / "console" / "dist"

# Code and layers of a function, unzipped (250 MB), and a zip uploaded without S3 (50 MB): Lambda Developer Guide,
# "Lambda quotas".
MAX_UNZIPPED_BYTES = 250 * 1024 * 1024
MAX_UPLOAD_BYTES = 50 * 1024 * 1024
MAKE_SMALLER = "remove a package from the layer's file in functions/layers and run `make lock`"

# The oldest date that a zip entry can have.
ZIP_DATE = (1980, 1, 1, 0, 0, 0)
ZIP_MODE = 0o100644
ZIP_COMPRESSION_LEVEL = 6

# Packages' own tests and compiled bytecode: neither runs on Lambda, whose interpreter may differ from pip's.
SUPERFLUOUS_DIRECTORIES = {"__pycache__", "tests", "bin"}
SUPERFLUOUS_SUFFIXES = {".pyc", ".pyi", ".c", ".h"}
# Metadata that is kept: what vulnerability scanners read (name, version, bundled libraries), and licences.
KEPT_METADATA = {"METADATA", "sboms", "licenses", "LICENSE", "LICENSE.txt", "NOTICE"}

GLIBC_TAGS = ("manylinux_2_28", "manylinux_2_17", "manylinux2014")
MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}


class PackagingError(pulumi.RunError):
    """An archive cannot be built or is too large for Lambda. Pulumi prints the message without a traceback."""


@dataclass(frozen=True, kw_only=True)
class LayerTarget:
    """What a layer is built for. Make one with :meth:`host` or :meth:`aws`.

    Attributes:
        name: for messages and file names, for example `python3.13-arm64`.
        pip_options: options that select that target's wheels.
    """

    name: str
    pip_options: tuple[str, ...]

    @classmethod
    def host(cls) -> LayerTarget:
        """This machine and this interpreter, in which the embedded cloud runs the functions."""
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        return cls(name=f"host-python{version}-{platform.machine()}", pip_options=())

    @classmethod
    def aws(cls, python_runtime: str, architecture: str) -> LayerTarget:
        """Lambda.

        Args:
            python_runtime: a runtime's identifier, `python3.12` or later: these run on Amazon Linux 2023, whose glibc
                is 2.34.
            architecture: `arm64` or `x86_64`.
        """
        tags = [f"--platform={tag}_{MACHINES[architecture]}" for tag in GLIBC_TAGS]
        version = python_runtime.removeprefix("python")
        return cls(
            name=f"{python_runtime}-{architecture}",
            pip_options=(*tags, f"--python-version={version}", "--implementation=cp"),
        )


def code_archive() -> Path:
    """Zip the packages ``functions`` and ``contract``, so that a handler is ``functions.thumbnail.handler.handler``.

    The models of the AWS services that functions call are added: see `service_models`.

    Returns:
        An archive in `.build`, with a hash of its content in the name.

    Raises:
        PackagingError: the archive is larger than Lambda accepts.
    """
    sources = [
        path
        for package in (PROJECT_DIRECTORY / "contract", FUNCTIONS_DIRECTORY)
        for path in _files(package)
        if path.parent not in (FUNCTIONS_DIRECTORY, LAYERS_DIRECTORY) or path.suffix == ".py"
    ]
    contents = {path.relative_to(PROJECT_DIRECTORY).as_posix(): path.read_bytes() for path in sources}
    contents |= service_models()
    digest = hashlib.sha256()
    for name, content in contents.items():
        digest.update(f"{name}:{len(content)}:".encode() + content)
    archive = BUILD_DIRECTORY / f"functions-{digest.hexdigest()[:16]}.zip"
    if not archive.exists():
        with _temporary_directory() as directory:
            _zip(sorted(contents.items()), directory / archive.name).replace(archive)
    check_limits(archive)
    return archive


def layer_names() -> list[str]:
    """The dependency layers that a function may have: each has its packages in `functions/layers/{name}.in`."""
    return sorted(path.stem for path in LAYERS_DIRECTORY.glob("*.txt"))


def dependency_layer(name: str, target: LayerTarget) -> Path:
    """Install a layer's locked packages for a target and zip them.

    The first build for a lock and target takes some seconds and needs the package index; later calls reuse it.

    Args:
        name: the layer, one of `layer_names`.
        target: what it is built for.

    Returns:
        An archive in `.build`, with a hash of the lock and the target in the name.

    Raises:
        PackagingError: pip failed, or code and layer together are larger than Lambda accepts.
    """
    # This file decides which files are included, so a change of it rebuilds the layers.
    lock = LAYERS_DIRECTORY / f"{name}.txt"
    digest = hashlib.sha256(lock.read_bytes() + Path(__file__).read_bytes()).hexdigest()[:16]
    archive = BUILD_DIRECTORY / f"layer-{name}-{target.name}-{digest}.zip"
    if not archive.exists():
        step = f"packaging: building the Lambda layer {name} for {target.name}, once for this lock"
        print(step, file=sys.stderr, flush=True)
        with _temporary_directory() as directory:
            # The folder of a layer that is on the import path (Lambda Developer Guide, "Packaging your layer content").
            packages = directory / "python"
            _install(lock, target, packages)
            needed = ((path.relative_to(directory).as_posix(), path.read_bytes()) for path in _needed(packages))
            _zip(needed, directory / archive.name).replace(archive)
    check_limits(code_archive(), archive)
    return archive


def console_files() -> tuple[Path, list[Path]]:
    """The web console as `make console` has built it.

    Returns:
        Its folder, and its files relative to that; none where it has not been built.
    """
    return CONSOLE_DIRECTORY, [path.relative_to(CONSOLE_DIRECTORY) for path in _files(CONSOLE_DIRECTORY)]


def check_limits(*archives: Path) -> None:
    """Reject archives that Lambda would reject for one function, its code first.

    Raises:
        PackagingError: a limit is exceeded; the message has the limit and the size.
    """
    for archive in archives:
        if archive.stat().st_size > MAX_UPLOAD_BYTES:
            raise PackagingError(
                f"{archive.name} has {archive.stat().st_size:,} bytes, but Lambda accepts {MAX_UPLOAD_BYTES:,} in an "
                f"upload: {MAKE_SMALLER}"
            )
    unzipped = sum(unzipped_bytes(archive) for archive in archives)
    if unzipped > MAX_UNZIPPED_BYTES:
        raise PackagingError(
            f"{' and '.join(archive.name for archive in archives)} unzip to {unzipped:,} bytes, but Lambda accepts "
            f"{MAX_UNZIPPED_BYTES:,} for a function with its layers: {MAKE_SMALLER}"
        )


def unzipped_bytes(archive: Path) -> int:
    """The total size of an archive's files."""
    with zipfile.ZipFile(archive) as opened:
        return sum(entry.file_size for entry in opened.infolist())


def _install(lock: Path, target: LayerTarget, directory: Path) -> None:
    """Install the lock for the target with pip, which requires a hash for every file and every dependency."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--no-compile", "--only-binary=:all:", "--require-hashes", f"--requirement={lock}"]
    command += [*target.pip_options, f"--target={directory}"]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (our own interpreter)
    if finished.returncode != 0:
        lines = finished.stderr.strip().splitlines() or [f"pip ended with status {finished.returncode}"]
        # pip prints the cause first; without an ERROR line, the last line is the best there is.
        error_line = next((line for line in lines if line.startswith("ERROR: ")), lines[-1])
        problem = error_line.removeprefix("ERROR: ")
        raise PackagingError(f"the Lambda layer {lock.stem} for {target.name} cannot be built: {problem}")


def _needed(packages: Path) -> list[Path]:
    """The files of an installation that a function can use, and the licences."""

    def is_needed(path: Path) -> bool:
        parts = path.relative_to(packages).parts
        if parts[0].endswith(".dist-info"):
            return parts[1] in KEPT_METADATA
        return SUPERFLUOUS_DIRECTORIES.isdisjoint(parts) and path.suffix not in SUPERFLUOUS_SUFFIXES

    return [path for path in _files(packages) if is_needed(path)]


def built_file(name: str, content: bytes) -> Path:
    """Write generated content to `.build`, with a hash of it in the file name, and return the path."""
    stem, _, suffix = name.rpartition(".")
    path = BUILD_DIRECTORY / f"{stem}-{hashlib.sha256(content).hexdigest()[:16]}.{suffix}"
    if not path.exists():
        with _temporary_directory() as directory:
            (directory / path.name).write_bytes(content)
            (directory / path.name).replace(path)
    return path


def _files(directory: Path) -> list[Path]:
    """The files of a directory, sorted, without hidden files and `__pycache__`."""
    found = (path for path in directory.rglob("*") if path.is_file())
    return sorted(
        path
        for path in found
        if "__pycache__" not in path.parts
        and not any(part.startswith(".") for part in path.relative_to(directory).parts)
    )


@contextmanager
def _temporary_directory() -> Iterator[Path]:
    """A directory for one build, on the file system of `.build`, so that the finished result can be renamed into it."""
    BUILD_DIRECTORY.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD_DIRECTORY, prefix="building-") as directory:
        yield Path(directory)


def _zip(files: Iterable[tuple[str, bytes]], archive: Path) -> Path:
    """Write an archive whose bytes depend on the files' names and contents only."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=ZIP_COMPRESSION_LEVEL) as opened:
        for name, content in files:
            entry = zipfile.ZipInfo(name, ZIP_DATE)
            entry.create_system = 3  # Unix, whatever the platform of the build
            entry.external_attr = ZIP_MODE << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            opened.writestr(entry, content, compresslevel=ZIP_COMPRESSION_LEVEL)
    return archive
