"""Which packages may import which: dependencies point one way, towards contract."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = frozenset(
    path.name for path in ROOT.iterdir() if path.is_dir() and (path / "__init__.py").exists() and path.name != "tests"
) | {"tests"}

MAY_IMPORT: dict[str, set[str]] = {
    "contract": set(),
    "components": {"contract"},
    "functions": {"contract"},
    "client": {"contract"},
    "program": {"contract"},
    "localcloud": {"contract", "program"},
    "operations": {"contract", "client", "components", "localcloud", "program"},
    "policies": {"contract", "program"},
    "demo": {"contract", "client", "localcloud", "program"},
    "storm": {"contract", "client", "localcloud", "program", "testing"},
}
"""The packages of the project that each package may import, except itself."""

NOT_IN: dict[str, set[str]] = {
    "contract": {"boto3", "botocore", "pulumi", "pulumi_aws", "pydantic", "rich", "typer", "yaml"},
    "client": {"pulumi", "pulumi_aws", "ministack", "rich", "typer"},
    "functions": {"pulumi", "pulumi_aws", "rich", "typer"},
    "components": {"rich", "typer"},
}
"""Libraries that a package may not import."""


def imported(package: str) -> Iterator[tuple[Path, str]]:
    """Each module of a package with the name of each package that it imports, wherever in the module it does."""
    for path in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((path, alias.name.partition(".")[0]) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield path, node.module.partition(".")[0]


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_dependencies_point_one_way(package: str) -> None:
    allowed = MAY_IMPORT[package] | {package}
    wrong = {f"{path.relative_to(ROOT)} imports {name}" for path, name in imported(package) if name in OURS - allowed}
    assert not wrong


@pytest.mark.parametrize("package", NOT_IN)
def test_a_package_does_not_import_libraries_that_its_users_may_not_have(package: str) -> None:
    wrong = {f"{path.relative_to(ROOT)} imports {name}" for path, name in imported(package) if name in NOT_IN[package]}
    assert not wrong


def test_only_the_commands_import_the_command_line_library() -> None:
    users = {path.relative_to(ROOT).as_posix() for path, name in imported("operations") if name == "typer"}
    elsewhere = {user for user in users if not user.startswith("operations/commands/")}
    assert elsewhere == {"operations/cli.py"}


def test_every_package_of_the_product_is_in_the_table() -> None:
    others = {"bench", "docs", "examples", "testing", "tests"}
    assert MAY_IMPORT.keys() == OURS - others


@pytest.mark.parametrize("part", ["blocks", "workflow", "settings"])
def test_building_blocks_import_no_layer(part: str) -> None:
    layers = {f"components.{path.stem}" for path in (ROOT / "components").glob("*.py")} - {
        "components.__init__",
        "components.stack_context",
    }
    wrong = {
        f"{path.relative_to(ROOT)} imports {node.module}"
        for path in (ROOT / "components" / part).glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module in layers
    }
    assert not wrong
