"""Image and table steps beside other programs, interleaved: each step in a process of its own, repeated in turns."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pillow_heif
from PIL import Image

from bench.machine import measured_here
from bench.peers import steps
from bench.ssim import ssim
from testing.pictures import write_animation, write_photo
from testing.tables import write_orders

TITLE = "Image and table steps"

pillow_heif.register_heif_opener()
Image.MAX_IMAGE_PIXELS = None
_PEERS = Path(__file__).resolve().parent.parent / "peers"
_REPEATS = 3
# A run of a step that takes longer is given up; with all others it is bounded by `_TOTAL_SECONDS`.
_STEP_SECONDS, _TOTAL_SECONDS = 60, 840
_INSTALL_PYTHON = "`.venv/bin/pip install --requirement bench/peers/requirements.txt`"
# The part of a full-size picture that is compared, away from the watermark; the frame of an animation.
_COMPARED_PIXELS, _COMPARED_FRAME = 1024, 5


@dataclass(frozen=True)
class Contender:
    """A program that is measured.

    Args:
        title: its name in the report.
        command: what runs it, before the step's arguments.
        is_installed: whether it can run here.
        how_to_get: in Markdown, if it is not installed.
        steps: the steps that it has.
        reads: the only extension of files that it reads; "" for any.
    """

    title: str
    command: tuple[str, ...]
    is_installed: Callable[[], bool] = lambda: True
    how_to_get: str = ""
    steps: frozenset[str] = frozenset({steps.SMALL, steps.SET, steps.AVIF, steps.WATERMARK, steps.ANIMATION})
    reads: str = ""

    def has(self, row: Row) -> bool:
        """Whether it can be asked to do this."""
        return row.step in self.steps and row.file.endswith(self.reads) and self.is_installed()


def _python(module: str) -> tuple[str, ...]:
    return (sys.executable, "-W", "ignore", "-m", "bench.peers.measure", module)


def _has_sharp() -> bool:
    return bool(shutil.which("node")) and (_PEERS / "node_modules" / "sharp").exists()


_SHARP = str(_PEERS / "sharp.mjs")
_GET_SHARP = "`cd bench/peers && npm ci`"
CONTENDERS: dict[str, Contender] = {
    "ours": Contender("ours", _python("ours")),
    "sharp": Contender("sharp, as documented", ("node", _SHARP, "documented"), _has_sharp, _GET_SHARP),
    "sharp-best": Contender("sharp, at its best", ("node", _SHARP, "best"), _has_sharp, _GET_SHARP),
    "vips": Contender("pyvips", _python("vips"), lambda: find_spec("pyvips") is not None, _INSTALL_PYTHON),
    "naive": Contender("naive Pillow", _python("naive")),
    "floor": Contender(
        "djpeg and cjpeg",
        _python("floor"),
        lambda: bool(shutil.which("djpeg") and shutil.which("cjpeg")),
        "`apt-get install libjpeg-turbo-progs`",
        frozenset({steps.SMALL, steps.WATERMARK}),
        ".jpg",
    ),
    "ours-table": Contender("ours", _python("ours_table"), steps=frozenset({steps.TABLE})),
    "duckdb": Contender(
        "DuckDB's command",
        _python("duckdb_cli"),
        Path(sys.executable).with_name("duckdb").exists,
        _INSTALL_PYTHON,
        frozenset({steps.TABLE}),
    ),
    "naive-table": Contender("Python's csv", _python("naive_table"), steps=frozenset({steps.TABLE})),
}


@dataclass(frozen=True)
class Row:
    """A step on a file.

    Args:
        title: in the report.
        file: the name of the file; files of one extension share a file to warm up with.
        step: see `bench.peers.steps`.
        target: the most CPU seconds as a share of those of sharp at its best; None for no target.
    """

    title: str
    file: str
    step: str
    target: float | None = None


ROWS = (
    Row("2 MP JPEG to four JPEGs", "2.jpg", steps.SET, 0.9),
    Row("24 MP JPEG to four JPEGs", "24.jpg", steps.SET, 0.9),
    Row("100 MP JPEG to four JPEGs", "100.jpg", steps.SET, 0.9),
    Row("24 MP JPEG to 320 px", "24.jpg", steps.SMALL),
    Row("24 MP progressive JPEG to 320 px", "progressive.jpg", steps.SMALL),
    Row("24 MP PNG to 320 px", "24.png", steps.SMALL, 1.1),
    Row("24 MP WebP to 320 px", "24.webp", steps.SMALL, 1.1),
    Row("24 MP AVIF to 320 px", "24.avif", steps.SMALL, 1.1),
    Row("24 MP HEIC to 320 px", "24.heic", steps.SMALL, 1.1),
    Row("24 MP JPEG to a 320 px AVIF", "24.jpg", steps.AVIF, 1.1),
    Row("24 MP JPEG, watermark", "24.jpg", steps.WATERMARK, 0.5),
    Row("24 MP PNG, watermark", "24.png", steps.WATERMARK, 1.1),
    Row("60 frames of 640 by 480 as animated WebP, 320 px", "animation.gif", steps.ANIMATION),
    Row("400,000 rows of CSV to Parquet and a profile", "orders.csv", steps.TABLE),
)


def measure() -> Iterator[dict[str, Any]]:
    """Run every step of every contender that is installed; the minimum of a few runs."""
    rows: dict[str, dict[str, Any]] = {}
    until = time.monotonic() + _TOTAL_SECONDS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for row in ROWS:
            file, warm_up = _file(folder / row.file), _file(folder / f"warm-up{Path(row.file).suffix}")
            rows[row.title] = _compared(row, file, warm_up, folder, until)
            print(row.title, rows[row.title], file=sys.stderr, flush=True)
    yield {
        **measured_here(),
        "versions": _versions(),
        "missing": {
            each.title: each.how_to_get for each in CONTENDERS.values() if each.how_to_get and not each.is_installed()
        },
        "rows": rows,
    }


def _file(path: Path) -> Path:
    """Make a file of the name; one to warm up with is small."""
    if path.exists():
        return path
    is_small = path.stem == "warm-up"
    if path.suffix == ".csv":
        write_orders(path, 1000 if is_small else 400_000)
    elif path.suffix == ".gif":
        write_animation(path, frames=3 if is_small else 60)
    else:
        megapixels = int(path.stem) if path.stem.isdigit() else 2 if is_small else 24
        write_photo(path, megapixels, progressive=path.stem == "progressive")
    return path


def _compared(row: Row, file: Path, warm_up: Path, folder: Path, until: float) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(_REPEATS):
        for name, contender in CONTENDERS.items():
            if not contender.has(row) or "error" in found.get(name, {}):
                continue
            if time.monotonic() > until and name in found:
                continue
            with tempfile.TemporaryDirectory(dir=folder) as made:
                run = _run(contender, row.step, file, warm_up, Path(made))
                if "error" not in run and name not in found:
                    run |= _described(row, file, Path(made))
            found[name] = found.get(name, {}) | run if "error" in run else _least(found.get(name, {}), run)
    return found


def _run(contender: Contender, step: str, file: Path, warm_up: Path, made: Path) -> dict[str, Any]:
    (made / "warm-up").mkdir()
    command = [*contender.command, step, str(file), str(made), str(warm_up)]
    try:
        finished = subprocess.run(  # noqa: S603 - our own programs
            command, capture_output=True, text=True, timeout=_STEP_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return {"error": f"more than {_STEP_SECONDS} s"}
    if finished.returncode:
        return {"error": "cannot read or write it"}
    return json.loads(finished.stdout)


def _least(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    least = {
        name: min(one.get(name, value), value) for name, value in other.items() if name in ("cpuSeconds", "peakMb")
    }
    return {**other, **one, **{name: round(value, 4) for name, value in least.items()}}


def _described(row: Row, file: Path, made: Path) -> dict[str, Any]:
    """The bytes that were made, and how alike they look to a reference."""
    outputs = sorted(path for path in made.iterdir() if path.is_file())
    described: dict[str, Any] = {"bytes": sum(path.stat().st_size for path in outputs)}
    if row.step != steps.TABLE:
        described["ssim"] = round(min(_alike(file, output) for output in outputs), 4)
    return described


def _alike(file: Path, output: Path) -> float:
    with Image.open(file) as source, Image.open(output) as shown:
        if getattr(source, "n_frames", 1) > 1:
            source.seek(_COMPARED_FRAME)
            shown.seek(_COMPARED_FRAME)
        if source.size == shown.size:
            left, top = (max(0, side // 2 - _COMPARED_PIXELS // 2) for side in source.size)
            box = (left, top, min(left + _COMPARED_PIXELS, source.width), min(top + _COMPARED_PIXELS, source.height))
            return ssim(source.convert("RGB").crop(box), shown.convert("RGB").crop(box))
        reference = source.convert("RGB").resize(shown.size, Image.Resampling.LANCZOS)
        return ssim(reference, shown.convert("RGB"))


def _versions() -> dict[str, str]:
    found: dict[str, str] = {}
    for package in ("pillow", "pillow-heif", "pyvips", "pyvips-binary", "duckdb", "duckdb-cli"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    if _has_sharp():
        package = json.loads((_PEERS / "node_modules" / "sharp" / "package.json").read_text(encoding="utf-8"))
        found["sharp"] = package["version"]
    return found


def markdown(measured: dict[str, Any]) -> str:
    """The section's text."""
    return "\n".join(_lines(measured))


def _lines(measured: dict[str, Any]) -> Iterator[str]:
    versions = ", ".join(f"{name} {number}" for name, number in measured["versions"].items())
    yield f"Measured on {measured['date']}: {measured['machine']}; {versions}."
    yield f"CPU seconds of all threads and peak memory, the least of {_REPEATS} runs, each in a process that has run"
    yield "the step on a small file before. SSIM is that of the least similar output, beside a full decode scaled with"
    yield "Lanczos."
    yield ""
    for title, how_to_get in measured["missing"].items():
        yield f"- {title} was not measured; to get it: {how_to_get}."
    pictures = {row.title: measured["rows"][row.title] for row in ROWS if row.step != steps.TABLE}
    tables = {row.title: measured["rows"][row.title] for row in ROWS if row.step == steps.TABLE}
    for rows in (pictures, tables):
        yield ""
        yield from _table(rows, lambda run: f"{run['cpuSeconds']:.3f} s, {run['peakMb']:.0f} MB")
        yield ""
        yield from _table(rows, _size_and_likeness)
    yield ""
    yield "Beside sharp at its best:"
    yield ""
    yield from _targets(pictures)
    yield ""
    yield _NOTES


_NOTES = """\
What keeps a target from being reached, and what would reach it:

- *Sets of JPEGs.* At 24 megapixels and more, decoding at a reduced scale is most of the time, and sharp uses the same
  decoder. At 2 megapixels it is Pillow's filter, which computes one pixel at a time: 28 of 68 ms, where libvips uses
  vector instructions. A bicubic filter takes 8 ms less and halving by averaging another 8, but the pictures are less
  like the reference, by up to 0.008 of SSIM; so they are not used.
- *PNG.* Nine tenths of the time are Pillow's decoder: its inflation is zlib-ng's, but it undoes the rows' filters byte
  by byte and holds the whole picture. libspng, as in libvips, does both better.
- *WebP.* Pillow reads every WebP as an animation: it cannot decode at a reduced scale, and holds the canvas twice, the
  frame and the picture. libwebp scales while it decodes (`use_scaling`), in a tenth of the memory, but no wheel gives
  Python access to that. pyvips would serve PNG and WebP: 60 MB unzipped in a layer of 250 at most, and a second decoder
  for untrusted files.
"""


def _size_and_likeness(run: Mapping[str, Any]) -> str:
    size = f"{run['bytes'] / 1000:,.0f} KB"
    return f"{size}, SSIM {run['ssim']:.3f}" if "ssim" in run else size


def _table(rows: Mapping[str, Mapping[str, Any]], cell: Callable[[Mapping[str, Any]], str]) -> Iterator[str]:
    names = [name for name in CONTENDERS if any(name in runs for runs in rows.values())]
    yield f"| Step | {' | '.join(CONTENDERS[name].title for name in names)} |"
    yield "|---" * (len(names) + 1) + "|"
    for title, runs in rows.items():
        cells = [
            "" if name not in runs else runs[name]["error"] if "error" in runs[name] else cell(runs[name])
            for name in names
        ]
        yield f"| {title} | {' | '.join(cells)} |"


def _targets(rows: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    yield "| Step | CPU | Target | Memory | Target | |"
    yield "|---|---|---|---|---|---|"
    for row in ROWS:
        runs = rows.get(row.title, {})
        ours, sharp = runs.get("ours", {}), runs.get("sharp-best", {})
        if "cpuSeconds" not in ours or "cpuSeconds" not in sharp:
            if row.step != steps.TABLE:
                yield f"| {row.title} |  | {_limit(row.target)} |  | 1.00 | not compared |"
            continue
        cpu, memory = ours["cpuSeconds"] / sharp["cpuSeconds"], ours["peakMb"] / sharp["peakMb"]
        missed = [
            name
            for name, found, limit in (("CPU", cpu, row.target), ("memory", memory, 1.0))
            if limit is not None and found > limit
        ]
        verdict = f"missed: {', '.join(missed)}" if missed else "reached"
        yield f"| {row.title} | {cpu:.2f} | {_limit(row.target)} | {memory:.2f} | 1.00 | {verdict} |"


def _limit(target: float | None) -> str:
    return f"{target:.2f}" if target else ""
