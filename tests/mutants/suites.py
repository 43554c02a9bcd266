"""Which tests have to notice a change of a file. The first rule that fits counts, the closest tests come first."""

from __future__ import annotations

from pathlib import Path

RULES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("components/workflow/", ("tests/workflow", "tests/infra")),
    ("components/", ("tests/infra",)),
    ("policies/", ("tests/infra/test_policies.py", "tests/infra")),
    ("functions/api/", ("tests/unit/api",)),
    ("functions/http_api/", ("tests/unit/api",)),
    ("functions/operator/", ("tests/unit/api",)),
    ("functions/replay/", ("tests/unit/api",)),
    ("functions/table/", ("tests/unit/table",)),
    ("functions/webhook/", ("tests/unit/webhook",)),
    ("functions/", ("tests/unit",)),
    ("operations/cost/", ("tests/operations/test_cost.py",)),
    ("operations/deploy/", ("tests/operations/test_deployment.py",)),
    ("operations/doctor/", ("tests/operations/test_doctor.py",)),
    ("operations/commands/", ("tests/operations",)),
)
FOLDERS = ("components", "functions", "operations", "policies")
"""Where mutants are made."""


def suite_of(path: str, root: Path) -> tuple[str, ...]:
    """The tests of a file: those named after it or its folder, else those of its part of the project.

    Args:
        path: the file, relative to the root.
        root: the project.

    Returns:
        Paths of test files and folders, relative to the root.
    """
    (wide,) = [tests for prefix, tests in RULES if path.startswith(prefix)][:1] or [("tests/operations",)]
    names = {Path(path).stem, Path(path).parent.name}
    near = [
        test.relative_to(root).as_posix()
        for folder in wide
        if (root / folder).is_dir()
        for test in sorted((root / folder).rglob("test_*.py"))
        if test.stem.removeprefix("test_") in names
    ]
    return (*near, *wide)
