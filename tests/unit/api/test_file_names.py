"""File names in keys: safe everywhere, and still recognisable."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.jobs import key_job_id
from functions.api.file_names import file_key, sanitised


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("cat.jpg", "cat.jpg"),
        ("My cat (2).JPG", "My-cat-2.JPG"),
        ("café.png", "cafe.png"),
        ("C:\\Users\\me\\cat.jpg", "cat.jpg"),
        ("../../etc/passwd", "passwd"),
        ("archive.tar.gz", "archive.tar.gz"),
        (".jpg", "file.jpg"),
        ("..", "file"),
        ("日本.png", "file.png"),
        ("a..b.jpg", "a.b.jpg"),
        ("cat.jpg ", "cat.jpg"),
        ("<script>.svg", "script.svg"),
        ("no extension", "no-extension"),
        ("x" * 300 + ".jpeg", "x" * 95 + ".jpeg"),
        ("a\x00b\x1f.jpg", "a-b.jpg"),
    ],
)
def test_a_name_keeps_its_extension_and_what_is_safe_of_it(name: str, safe: str) -> None:
    assert sanitised(name) == safe


@given(st.text(max_size=400))
def test_whatever_a_name_is_its_key_carries_the_job(name: str) -> None:
    safe = sanitised(name)
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}", safe)
    assert ".." not in safe
    assert not safe.endswith((".", "-"))
    job_id = "0123456789abcdef" * 2
    assert key_job_id(file_key(job_id, name)) == job_id
