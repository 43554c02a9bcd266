"""Malformed input ends in a verdict, and the run that shows it notices an input that does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from functions.shared.formats import FORMATS
from tests.hostile.__main__ import Run
from tests.hostile.generator import input_of
from tests.hostile.inputs import PICTURE, REQUEST, TABLE, HostileInput
from tests.hostile.pictures import valid_pictures
from tests.hostile.running import Worker
from tests.hostile.steps import Verdict

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is limited as Linux does")

SEED = 7
DEFECTIVE = "tests.hostile.defective"


def test_every_input_ends_in_a_verdict(tmp_path: Path) -> None:
    run = Run(SEED, tmp_path)
    failed = [
        (run.command(number), each.code) for number, _, each in run.verdicts_on(range(100)) if each.kind == "failed"
    ]
    assert not failed
    assert min(run.verdicts[kind] for kind in ("accepted", "rejected", "quarantined")) > 0


def test_a_failed_input_is_kept_with_the_command_that_repeats_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEFECT", "500")
    run = Run(SEED, tmp_path, DEFECTIVE)
    (number,) = [each for each in range(4) if input_of(SEED, each).family == REQUEST]
    ((_, hostile, verdict),) = run.verdicts_on([number])
    assert verdict.kind == "failed"
    assert {each.read_bytes() for each in tmp_path.glob("*.json")} == {hostile.body}
    (report,) = tmp_path.glob("*.txt")
    assert f"-m tests.hostile --seed {SEED} --only {number}\n" in report.read_text()


def test_an_input_depends_on_its_seed_and_number_alone() -> None:
    for number in range(8):
        assert input_of(SEED, number) == input_of(SEED, number)
        assert input_of(SEED, number) != input_of(SEED + 1, number)


PICTURE_INPUT = HostileInput(family=PICTURE, kind="valid", body=valid_pictures()[0][1], name="a.jpg")
TABLE_INPUT = HostileInput(family=TABLE, kind="valid", body=b"name,price\na,1\nb,2\n", name="a.csv", rows=2)
REQUEST_INPUT = HostileInput(
    family=REQUEST,
    kind="valid",
    body=b'{"rawPath": "/api/jobs", "requestContext": {"http": {"method": "GET"}}}',
    name="a.json",
)


@pytest.mark.parametrize(
    ("defect", "hostile", "reported"),
    [
        ("raise", PICTURE_INPUT, "RuntimeError: planted"),
        ("lose a row", TABLE_INPUT, "of 2 rows 1 are good and 0 quarantined"),
        ("exit", PICTURE_INPUT, "metadata ended the process: SIGSEGV"),
        ("memory", PICTURE_INPUT, "MemoryError"),
        ("time", PICTURE_INPUT, "validate took more than"),
        ("500", REQUEST_INPUT, "'statusCode': 500"),
    ],
)
def test_a_defect_is_reported_as_failed(defect: str, hostile: HostileInput, reported: str) -> None:
    with Worker({"DEFECT": defect}, DEFECTIVE) as worker:
        for _ in range(2):  # the second time in the process that replaces one that ended
            verdict = worker.verdict(hostile)
            assert verdict.kind == "failed"
            assert reported in verdict.code


def test_what_is_valid_is_accepted() -> None:
    with Worker({}) as worker:
        for format, body in valid_pictures():
            picture = HostileInput(family=PICTURE, kind="valid", body=body, name=f"a{format.extension}")
            assert worker.verdict(picture) == Verdict(kind="accepted"), format
        assert worker.verdict(TABLE_INPUT) == Verdict(kind="accepted")
    assert {format for format, _ in valid_pictures()} == {*FORMATS.values()}
