"""Cold starts of every function beside a file that begins with boto3, Pillow and Powertools, interleaved."""

from __future__ import annotations

import compileall
import json
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.machine import measured_here
from components.blocks.packaging import LayerTarget, code_archive, dependency_layer, layer_names
from contract.lambda_runtime import isolated_python, runtime_packages
from testing.serving import QuietHandler, serving

TITLE = "Cold start"
TARGET = 0.6
"""The most CPU seconds and wall time as a share of those of the file."""

_REPEATS = 9
_PROGRAM = Path(__file__).resolve().parent.parent / "cold_start.py"
_FILE, _FILE_LAYER = "-", "images"


@dataclass(frozen=True)
class Start:
    """What a function's first call needs.

    Args:
        layer: the function's dependency layer with the default settings.
        services: those that it makes clients of.
    """

    layer: str
    services: tuple[str, ...]


STARTS: dict[str, Start] = {
    "validate": Start("images", ("s3", "dynamodb")),
    "thumbnail": Start("images", ("s3",)),
    "watermark": Start("images", ("s3",)),
    "metadata": Start("images", ("s3",)),
    "table": Start("table", ("s3",)),
    "erase": Start("base", ("s3", "dynamodb", "logs")),
    "fulfil": Start("images", ("dynamodb", "s3", "sns")),
    "failed_order": Start("base", ("dynamodb", "sns")),
    "webhook": Start("webhook", ("dynamodb", "sqs", "secretsmanager")),
    "api": Start("api", ("dynamodb", "s3")),
    "operator": Start("api", ("cloudwatch", "sqs", "pipes", "dynamodb")),
    "replay": Start("api", ("dynamodb", "sqs", "logs")),
}
"""By the function's name."""


def measure() -> Iterator[dict[str, Any]]:
    """Start every function and the file with the same clients in turns; the least of a few runs."""
    found: dict[str, dict[str, dict[str, float]]] = {name: {} for name in STARTS}
    with tempfile.TemporaryDirectory() as name, serving(_Refusal) as address:
        folder = Path(name)
        _unpack(folder)
        for _ in range(_REPEATS):
            for function, start in STARTS.items():
                for contender, module, layer in (("ours", function, start.layer), ("file", _FILE, _FILE_LAYER)):
                    run = _run(folder, module, layer, address, start.services)
                    least = found[function].get(contender, run)
                    found[function][contender] = {each: round(min(run[each], least[each]), 4) for each in run}
    yield {**measured_here(), "functions": found}


def _unpack(folder: Path) -> None:
    """Make the import paths of the functions, compiled."""
    archives = {"code": code_archive()} | {each: dependency_layer(each, LayerTarget.host()) for each in layer_names()}
    for name, archive in archives.items():
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(folder / name)
    shutil.copytree(runtime_packages(folder), folder / "runtime")
    isolated_python(folder)
    compileall.compile_dir(folder, quiet=2)


def _run(folder: Path, module: str, layer: str, address: str, services: tuple[str, ...]) -> dict[str, float]:
    paths = [folder / "code", folder / layer / "python", folder / "runtime"]
    command = [folder / "isolated-python", _PROGRAM, module, address, ",".join(services), *paths]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own program
    return json.loads(finished.stdout)


# Of a service with XML; those with another protocol go by the status.
_REFUSED = b"<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"


class _Refusal(QuietHandler):
    """Refuses every request, as AWS does without permission."""

    def do_GET(self) -> None:
        self.send_response(403)
        self.send_header("content-length", str(len(_REFUSED)))
        self.end_headers()
        self.wfile.write(_REFUSED)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.do_GET()


def markdown(measured: dict[str, Any]) -> str:
    """The section's text."""
    return "\n".join(_lines(measured))


def _lines(measured: dict[str, Any]) -> Iterator[str]:
    yield f"Measured on {measured['date']}: {measured['machine']}.\n{_METHOD}"
    yield ""
    yield f"| Function | Clients | CPU ms | The file's | Ratio | Wall ms | The file's | Ratio | Target {TARGET:.2f} |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for name, runs in measured["functions"].items():
        ours, file = runs["ours"], runs["file"]
        ratios = {each: ours[each] / file[each] for each in ("cpuSeconds", "wallSeconds")}
        cells = [f"{1000 * ours[each]:.0f} | {1000 * file[each]:.0f} | {ratio:.2f}" for each, ratio in ratios.items()]
        verdict = "reached" if max(ratios.values()) <= TARGET else "missed"
        yield f"| {name} | {', '.join(STARTS[name].services)} | {' | '.join(cells)} | {verdict} |"
    yield ""
    yield _NOTES


_METHOD = f"""\
From nothing to the answers of the first calls: the handler's module, its clients, and a request by each of them, which
a local server refuses. Beside it a file that imports boto3, Pillow and Powertools, and makes the same clients and
calls. The least of {_REPEATS} runs in turns, each in a process of its own with the code archive, the function's layer
and boto3 alone, all compiled to bytecode."""
_NOTES = """\
The code archive has botocore's models of the services that functions call without their documentation and
uncompressed, and botocore's loader does not look into the folders of all services: a client of S3 takes 25 ms instead
of 90 (`components/blocks/service_models.py`, `functions/shared/aws.py`). What is left is imports: botocore alone is 80
of the file's 145 ms, and functions that handle images need Pillow too; api, operator and replay add pydantic and
Powertools' HTTP resolver, table adds DuckDB.

Tried and left out: no garbage collection during imports (4 %, and a setting of the whole process); models with only
the operations that are called (5 ms, and a transform of your own could not call another one); botocore's rules of
endpoints in the archive (5 ms, and an older botocore in Lambda's runtime could refuse them). Signing requests without
botocore would reach the target, and would be code of our own for what botocore does.

On AWS a function's code and layers come without bytecode, so Python compiles them in each cold start: 0.35 s of CPU for
thumbnail, and as much for the file. Bytecode in the archives needs an interpreter of the functions' version where they
are built. The setting `snapStart` avoids all of that: functions start from a snapshot of their imported code, except
those with provisioned concurrency or more storage, as Lambda demands. One version of the nine functions of `prod` that
qualify costs $52 a month (`img-pipeline cost --set snapStart=true`), and the snapshot can be measured on AWS alone.
"""
