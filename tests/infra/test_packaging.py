"""The archives for Lambda: the right files, for the right platform, reproducible, and within the limits."""

from __future__ import annotations

import ast
import os
import re
import struct
import subprocess
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import OperationModel
from botocore.session import Session

from components.blocks import handler_check, packaging
from components.blocks.handler_check import check_handlers
from components.blocks.packaging import (
    PROJECT_DIRECTORY,
    LayerTarget,
    PackagingError,
    check_limits,
    code_archive,
    dependency_layer,
    layer_names,
    unzipped_bytes,
)
from components.blocks.service_models import FOLDER, SERVICES
from contract.lambda_runtime import isolated_python, runtime_packages
from functions.shared import aws
from policies.recording import Recording, run_into

ELF_MACHINES = {"x86_64": 62, "arm64": 183}  # e_machine of the ELF header: EM_X86_64, EM_AARCH64
ARM = LayerTarget.aws("python3.13", "arm64")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of its own, with two functions and an empty lock."""
    functions = tmp_path / "functions"
    for name, text in {"__init__.py": "", "thumbnail/handler.py": "WIDTH = 320\n", "shared/font.ttf": "glyphs"}.items():
        path = functions / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (functions / "layers").mkdir()
    (functions / "layers" / "images.txt").touch()
    monkeypatch.setattr(packaging, "PROJECT_DIRECTORY", tmp_path)
    monkeypatch.setattr(packaging, "FUNCTIONS_DIRECTORY", functions)
    monkeypatch.setattr(packaging, "LAYERS_DIRECTORY", functions / "layers")
    monkeypatch.setattr(packaging, "BUILD_DIRECTORY", tmp_path / ".build")
    return tmp_path


def names_in(archive: Path) -> list[str]:
    with zipfile.ZipFile(archive) as opened:
        return opened.namelist()


def test_code_archive_has_every_handler_at_its_import_path() -> None:
    names = names_in(code_archive())

    assert {f"functions/{name}/handler.py" for name in ("validate", "thumbnail", "watermark", "metadata")} <= set(names)
    assert "functions/__init__.py" in names
    assert names == sorted(names)
    assert not [name for name in names if "__pycache__" in name or "layers" in name]


def test_code_archive_includes_data_files_but_no_caches_and_no_hidden_files(project: Path) -> None:
    for name in ("thumbnail/__pycache__/handler.cpython-313.pyc", "thumbnail/.DS_Store", ".cache/note.txt"):
        path = project / "functions" / name
        path.parent.mkdir(exist_ok=True)
        path.touch()

    assert [name for name in names_in(code_archive()) if not name.startswith(FOLDER)] == [
        "functions/__init__.py",
        "functions/shared/font.ttf",
        "functions/thumbnail/handler.py",
    ]


def test_code_archive_has_the_models_of_all_services_that_functions_call() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (PROJECT_DIRECTORY / "functions").rglob("*.py"))
    called = re.findall(r'client\("([a-z0-9]+)"', code)

    assert set(SERVICES) == set(called)


def test_models_in_the_archive_are_botocores_without_documentation_for_these_services_and_no_less(
    tmp_path: Path,
) -> None:
    with zipfile.ZipFile(code_archive()) as opened:
        opened.extractall(tmp_path)
    # As functions.shared.aws does.
    short, full = Session(), Session()
    short.register_component("data_loader", Loader(extra_search_paths=[str(tmp_path / FOLDER)]))

    for service in SERVICES:
        ours, theirs = (each.create_client(service, "eu-west-1").meta.service_model for each in (short, full))
        assert ours.operation_names == theirs.operation_names
        assert ours.metadata == theirs.metadata
        operations: Any = theirs.operation_names
        for name in operations:
            assert wire_of(ours.operation_model(name)) == wire_of(theirs.operation_model(name))
            assert ours.operation_model(name).documentation == ""
        assert short.get_available_regions(service) == full.get_available_regions(service) != []


@pytest.mark.parametrize(("service", "documentation"), [("s3", ""), ("rekognition", "<p>")])
def test_functions_prefer_the_archives_models_and_can_call_any_other_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, service: str, documentation: str
) -> None:
    with zipfile.ZipFile(code_archive()) as opened:
        opened.extractall(tmp_path)
    monkeypatch.setattr(aws, "_MODELS", tmp_path / FOLDER)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    for cached in (aws.session, aws.client):
        cached.cache_clear()

    model = aws.client(service).meta.service_model

    for cached in (aws.session, aws.client):
        cached.cache_clear()
    operation = model.operation_model(model.operation_names[0])
    assert operation.documentation[:3] == documentation


def wire_of(operation: OperationModel) -> list[Any]:
    """What a call sends and receives."""
    shapes: list[Any] = [operation.input_shape, operation.output_shape]
    members = [
        [each.name, each.serialization, {name: member.type_name for name, member in each.members.items()}]
        for each in shapes
        if each is not None
    ]
    return [operation.http, operation.auth_type, *members]


def test_same_code_gives_the_same_bytes_whatever_its_dates_and_modes(project: Path) -> None:
    first = code_archive()
    before = first.read_bytes()
    first.unlink()
    for path in (project / "functions").rglob("*.py"):
        os.utime(path, (0, 0))
        path.chmod(0o700)

    second = code_archive()

    assert second == first
    assert second.read_bytes() == before


def test_changed_code_gets_another_name(project: Path) -> None:
    before = code_archive()
    (project / "functions" / "thumbnail" / "handler.py").write_text("WIDTH = 640\n")

    assert code_archive() != before


def test_concurrent_builds_produce_the_same_archive(project: Path) -> None:
    (project / "functions" / "shared" / "font.ttf").write_bytes(os.urandom(4_000_000))

    with ThreadPoolExecutor(8) as pool:
        archives = {archive.result() for archive in [pool.submit(code_archive) for _ in range(8)]}

    assert list((project / ".build").iterdir()) == list(archives)


def test_interrupted_build_leaves_no_archive(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = zipfile.ZipFile.writestr

    def interrupt(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, *arguments: Any, **keywords: Any) -> None:
        if entry.filename.endswith("handler.py"):
            raise KeyboardInterrupt
        write(opened, entry, *arguments, **keywords)

    monkeypatch.setattr(zipfile.ZipFile, "writestr", interrupt)

    with pytest.raises(KeyboardInterrupt):
        code_archive()

    assert list((project / ".build").iterdir()) == []


@pytest.mark.parametrize(
    ("layer", "folders", "expected"),
    [
        ("images", ("validate", "thumbnail", "watermark", "metadata", "shared"), {"PIL", "pillow_heif"}),
        ("table", ("table",), {"duckdb"}),
        ("api", ("api", "http_api", "operator", "replay"), {"pydantic", "aws_lambda_powertools.event_handler"}),
        ("base", ("erase",), {"botocore.exceptions"}),
        ("webhook", ("webhook",), {"standardwebhooks"}),
    ],
)
def test_layer_and_lambda_runtime_include_all_that_functions_import(
    tmp_path: Path, layer: str, folders: tuple[str, ...], expected: set[str]
) -> None:
    with zipfile.ZipFile(dependency_layer(layer, LayerTarget.host())) as opened:
        opened.extractall(tmp_path)
    program = "import importlib, sys; sys.path += sys.argv[1:4]; list(map(importlib.import_module, sys.argv[4:]))"
    paths = [tmp_path / "python", runtime_packages(tmp_path), PROJECT_DIRECTORY]
    modules = {module for folder in folders for module in imports_of(folder)}
    assert expected <= modules

    imported = subprocess.run(  # noqa: S603 (our own interpreter)
        [isolated_python(tmp_path), "-c", program, *paths, *modules],
        capture_output=True,
        text=True,
        check=False,
    )

    assert imported.stderr == ""


def imports_of(folder: str) -> set[str]:
    """Every module that a function's code imports, also those that it imports only when it needs them."""
    modules = set[str]()
    for path in (PROJECT_DIRECTORY / "functions" / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                modules.add(node.module)
    return modules


@pytest.mark.parametrize(
    ("handler", "problem"),
    [
        ("def handler(event, context)\n    return {}\n", "functions/thumbnail/handler.py:1: expected ':'"),
        ("\nimport rich\n", "functions/thumbnail/handler.py:2: No module named 'rich'"),
        ("import functions.nowhere\n", "functions/thumbnail/handler.py:1: No module named 'functions.nowhere'"),
        ("WIDTH = 320\n", "functions/thumbnail/handler.py: it defines no function `handler`"),
    ],
    ids=["syntax", "package in no layer", "module that is not there", "no handler"],
)
def test_broken_handler_is_refused_by_file_and_line_before_anything_is_deployed(
    project: Path, handler: str, problem: str
) -> None:
    (project / "functions" / "thumbnail" / "handler.py").write_text(handler)
    with pytest.raises(PackagingError, match=re.escape(problem)):
        check_handlers({"thumbnail": "images"})


def test_module_that_a_schema_names_has_to_be_importable_too(project: Path) -> None:
    folder = project / "functions" / "thumbnail"
    (folder / "handler.py").write_text("def handler(event, context): ...\n")
    (folder / "table.schema.json").write_text("{}")
    (folder / "table.py").write_text("import rich\n")
    with pytest.raises(PackagingError, match=r"functions/thumbnail/table\.py:1: No module named 'rich'"):
        check_handlers({"thumbnail": "images"})


def test_module_that_only_another_module_imports_late_has_to_compile_too(project: Path) -> None:
    (project / "functions" / "thumbnail" / "handler.py").write_text("def handler(event, context): ...\n")
    (project / "functions" / "shared" / "late.py").write_text("return return\n")
    with pytest.raises(PackagingError, match=r"functions/shared/late\.py:1: invalid syntax"):
        check_handlers({"thumbnail": "images"})


def test_handler_that_needs_its_environment_to_be_imported_is_not_refused(project: Path) -> None:
    code = "import os\nTABLE = os.environ['TABLE']\ndef handler(event, context): ...\n"
    (project / "functions" / "thumbnail" / "handler.py").write_text(code)
    check_handlers({"thumbnail": "images"})


def test_a_program_whose_handler_is_broken_registers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_modules: object, *_: object) -> list[str]:
        return ["functions/thumbnail/handler.py:1: invalid syntax"]

    monkeypatch.setattr(handler_check, "_problems", refuse)
    monkeypatch.setattr(handler_check, "PROGRAM", Path(__file__))  # another check than the one that has passed
    recording = Recording(stack="dev")
    with pytest.raises(PackagingError, match="invalid syntax"):
        run_into(recording)
    assert recording.resources == []


@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
def test_every_library_in_the_layer_is_for_the_functions_machine_and_interpreter(architecture: str) -> None:
    archive = dependency_layer("images", LayerTarget.aws("python3.13", architecture))

    with zipfile.ZipFile(archive) as opened:
        libraries = [name for name in opened.namelist() if re.search(r"\.so(\.|$)", name)]
        headers = {name: opened.read(name)[:20] for name in libraries}
    assert {header[:4] for header in headers.values()} == {b"\x7fELF"}
    assert {struct.unpack_from("<H", header, 18)[0] for header in headers.values()} == {ELF_MACHINES[architecture]}
    extensions = [name for name in libraries if ".cpython-" in name]
    assert extensions
    assert all(".cpython-313-" in name for name in extensions)


def test_layer_holds_licences_and_versions_but_nothing_that_lambda_does_not_run() -> None:
    names = names_in(dependency_layer("images", ARM))

    assert all(name.startswith("python/") for name in names)
    assert [name for name in names if re.search(r"pillow-[\d.]+\.dist-info/METADATA$", name)]
    assert [name for name in names if re.search(r"pillow-[\d.]+\.dist-info/licenses/", name)]
    assert not [name for name in names if re.search(r"/tests/|__pycache__|\.pyc$|\.pyi$|/RECORD$|^python/bin/", name)]
    assert not [name for name in names if name.startswith("python/boto")]


def test_same_lock_gives_the_same_layer_in_another_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built_before = dependency_layer("images", ARM)
    monkeypatch.setattr(packaging, "BUILD_DIRECTORY", tmp_path)

    built_now = dependency_layer("images", ARM)

    assert built_now.name == built_before.name
    assert built_now.read_bytes() == built_before.read_bytes()
    assert {path.name.split("-")[0] for path in tmp_path.iterdir()} == {"functions", "layer"}
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.usefixtures("project")
def test_layer_is_built_once_with_a_message(capsys: pytest.CaptureFixture[str]) -> None:
    first = dependency_layer("images", LayerTarget.host())
    assert re.fullmatch(r"packaging: .*host-python3\.\d+-\w+.*\n", capsys.readouterr().err)
    built_at = first.stat().st_mtime_ns

    assert dependency_layer("images", LayerTarget.host()) == first
    assert first.stat().st_mtime_ns == built_at
    assert capsys.readouterr().err == ""


def test_each_lock_and_each_target_has_its_own_layer(project: Path) -> None:
    targets = (LayerTarget.host(), ARM, LayerTarget.aws("python3.13", "x86_64"), LayerTarget.aws("python3.14", "arm64"))
    layers = {dependency_layer("images", target) for target in targets}
    (project / "functions" / "layers" / "images.txt").write_text("# another lock\n")

    layers.add(dependency_layer("images", ARM))

    assert len(layers) == len(targets) + 1


def test_failing_pip_is_one_line_and_leaves_no_files(project: Path) -> None:
    (project / "functions" / "layers" / "images.txt").write_text(
        f"lost @ file:///lost-1.0.tar.gz --hash=sha256:{'0' * 64}\n"
    )

    with pytest.raises(PackagingError) as caught:
        dependency_layer("images", ARM)

    assert re.fullmatch(
        r"the Lambda layer images for python3\.13-arm64 cannot be built: .*lost-1\.0\.tar\.gz.*", str(caught.value)
    )
    assert list((project / ".build").iterdir()) == []


def test_real_archives_are_well_within_lambdas_limits() -> None:
    code, layer = code_archive(), dependency_layer("images", ARM)

    check_limits(code, layer)

    assert unzipped_bytes(code) + unzipped_bytes(layer) < 262_144_000 / 2
    assert layer.stat().st_size < 52_428_800 / 2


def test_limits_are_lambdas() -> None:
    assert packaging.MAX_UNZIPPED_BYTES == 262_144_000
    assert packaging.MAX_UPLOAD_BYTES == 52_428_800


def test_code_and_layer_together_may_reach_the_limit_and_not_exceed_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packaging, "MAX_UNZIPPED_BYTES", 1000)
    code, layer = tmp_path / "code.zip", tmp_path / "layer.zip"
    for archive, size in ((code, 400), (layer, 600)):
        with zipfile.ZipFile(archive, "w") as opened:
            opened.writestr("file", b"x" * size)
    check_limits(code, layer)
    monkeypatch.setattr(packaging, "MAX_UNZIPPED_BYTES", 999)

    with pytest.raises(PackagingError, match=r"code\.zip and layer\.zip unzip to 1,000 bytes, but Lambda accepts 999"):
        check_limits(code, layer)


def test_archive_too_large_to_upload_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "layer.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("file", b"x" * 1000)
    monkeypatch.setattr(packaging, "MAX_UPLOAD_BYTES", 999)

    with pytest.raises(PackagingError, match=r"layer\.zip has [\d,]+ bytes, but Lambda accepts 999 in an upload"):
        check_limits(archive)


def test_each_function_has_its_own_layers_packages_and_no_others(project: Path) -> None:
    locked = (PROJECT_DIRECTORY / "requirements.txt").read_text(encoding="utf-8")
    idna = locked[locked.index("\nidna==") : locked.index("\niniconfig==")]
    (project / "functions" / "layers" / "names.txt").write_text(idna)
    for name in ("thumbnail", "hosts"):
        (project / "functions" / name).mkdir(exist_ok=True)
        (project / "functions" / name / "handler.py").write_text("import idna\ndef handler(event, context): ...\n")
    layers = {"thumbnail": "images", "hosts": "names"}

    with pytest.raises(PackagingError) as refused:
        check_handlers(layers)

    assert str(refused.value) == "functions/thumbnail/handler.py:1: No module named 'idna'"
    assert layer_names() == ["images", "names"]
    assert not [name for name in names_in(code_archive()) if "layers" in name]
    check_handlers(layers | {"thumbnail": "names"})
