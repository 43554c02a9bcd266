"""Each mutant is one change of the file, which still compiles."""

from __future__ import annotations

import pytest

from tests.mutants.mutation import mutants_of


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a = b < c", "a = b >= c"),
        ("a = b + c", "a = b - c"),
        ("a = b and c", "a = b or c"),
        ("a = True", "a = False"),
        ("a = 14", "a = 29"),
        ("a = not b", "a = b"),
        ("a = b if c else d", "a = d if c else b"),
        ("send(a)", "pass"),
        ("if a:\n    b = c", "if not a:\n    b = c"),
    ],
)
def test_one_change_is_made(before: str, after: str) -> None:
    (mutant,) = mutants_of("a.py", before)
    assert mutant.source == after
    assert (mutant.path, mutant.line) == ("a.py", 1)


def test_each_place_has_a_mutant_of_its_own() -> None:
    sources = [mutant.source for mutant in mutants_of("a.py", "a = b == c or d < e")]
    assert sorted(sources) == ["a = b != c or d < e", "a = b == c and d < e", "a = b == c or d >= e"]


def test_documentation_types_and_names_are_left_alone() -> None:
    source = '"""A module."""\nfrom a import b\nif TYPE_CHECKING:\n    import c\nname: int\ntext = f"{b}" + "c"'
    assert list(mutants_of("a.py", f"{source}\n@d(True)\nclass E: ...")) == []
