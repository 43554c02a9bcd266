"""What the provider plugin does with each resource type, without the engine: make, read, update, delete."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from localcloud.emulator import Emulator
from localcloud.resources import lifecycle
from localcloud.resources.base import HANDLERS, Created
from localcloud.resources.lifecycle import UNKNOWN, Subject
from tests.engine.samples import Sample, archive, samples
from tests.engine.stack import inventory

BUCKET = Subject(type="aws:s3/bucket:Bucket", name="b")
FUNCTION = "aws:lambda/function:Function"
QUEUE = "aws:sqs/queue:Queue"


@pytest.fixture(scope="module")
def cloud() -> Iterator[Emulator]:
    with Emulator.start() as emulator:
        yield emulator


def subject(sample: Sample, created: Created | None = None) -> Subject:
    return Subject(type=sample.type, name=sample.name, id=created.id if created else "")


def test_every_type_is_made_read_updated_and_deleted(cloud: Emulator) -> None:
    subnet = cloud.client("ec2").describe_subnets()["Subnets"][0]
    all_samples = samples(subnet["VpcId"], subnet["SubnetId"])
    assert {sample.type for sample in all_samples} == set(HANDLERS)
    before = inventory(cloud)
    made: dict[str, Created] = {}
    for sample in all_samples:
        inputs, problems = lifecycle.check(subject(sample), sample.inputs(made), {}, b"seed")
        assert not problems, sample.name
        created = lifecycle.create(cloud, subject(sample), inputs)
        assert lifecycle.read(cloud, subject(sample, created), created.outputs) == {}, f"{sample.name} as made"
        assert lifecycle.compare(sample.type, created.outputs, inputs).differences == (), sample.name
        made[sample.name] = created

    unseen: set[str] = set()
    for sample in all_samples:
        old, inputs = made[sample.name], sample.inputs(made) | sample.change(made)
        differences = lifecycle.compare(sample.type, old.outputs, inputs).differences
        assert {each.property for each in differences} == set(sample.change(made)), sample.name
        assert not any(each.replaces for each in differences), sample.name
        updated = lifecycle.update(cloud, subject(sample, old), old.outputs, inputs)
        assert updated.id == old.id, sample.name
        assert lifecycle.read(cloud, subject(sample, old), updated.outputs) == {}, f"{sample.name} as updated"
        if differences and not lifecycle.read(cloud, subject(sample, old), old.outputs):
            unseen.add(sample.name)
        made[sample.name] = updated
    # Saved queries exist only by name in the embedded cloud.
    assert unseen == {"query"}

    for sample in reversed(all_samples):
        here = subject(sample, made[sample.name])
        lifecycle.delete(cloud, here, made[sample.name].outputs)
        lifecycle.delete(cloud, here, made[sample.name].outputs)
    assert inventory(cloud) == before


def test_a_name_of_ones_own_is_kept_by_an_update_and_given_up_by_a_replacement() -> None:
    made, _ = lifecycle.check(BUCKET, {}, {}, b"\x01\x02\x03\x04")
    assert made["bucket"] == "b-0102030"
    assert lifecycle.check(BUCKET, {}, made, b"other")[0] == made
    assert lifecycle.check(BUCKET, {}, {}, b"other")[0] != made


def test_another_name_is_another_thing_and_another_kind_under_one_name_needs_the_old_one_gone() -> None:
    state = {"name": "one", "fifoQueue": False}
    renamed = lifecycle.compare(QUEUE, state, {"name": "two"})
    assert [(each.property, each.replaces) for each in renamed.differences] == [("name", True)]
    assert not renamed.deletes_first
    ordered = lifecycle.compare(QUEUE, state, {"name": "one", "fifoQueue": True})
    assert [(each.property, each.replaces) for each in ordered.differences] == [("fifoQueue", True)]
    assert ordered.deletes_first


def test_what_a_preview_cannot_know_is_neither_refused_nor_taken_for_the_same() -> None:
    inputs = {"name": "f", "role": UNKNOWN, "code": archive("1"), "handler": "h", "runtime": "r", "layers": UNKNOWN}
    assert lifecycle.check(Subject(type=FUNCTION, name="f"), inputs, {}, b"") == (inputs, {})
    state = inputs | {"role": "arn:aws:iam::0:role/r", "layers": [], "version": "1", "arn": "arn"}
    assert {each.property for each in lifecycle.compare(FUNCTION, state, inputs).differences} == {"role", "layers"}
    known = lifecycle.preview_update(FUNCTION, state, inputs)
    assert known["arn"] == "arn"
    assert "version" not in known


def test_a_wrong_property_is_named_before_anything_is_made() -> None:
    _, problems = lifecycle.check(Subject(type=QUEUE, name="q"), {"delaySeconds": "soon", "colour": "red"}, {}, b"")
    assert set(problems) == {"delaySeconds", "colour"}
    assert "localcloud.resources.sqs.Queue" in problems["colour"]


def test_files_are_compared_by_their_content_and_documents_by_what_they_say() -> None:
    state = {"name": "f", "role": "r", "code": archive("1"), "handler": "h", "runtime": "r"}
    moved = archive("1") | {"path": "elsewhere.zip"}
    assert lifecycle.compare(FUNCTION, state, state | {"code": moved}).differences == ()
    assert lifecycle.compare(FUNCTION, state, state | {"code": archive("2")}).differences != ()
    spelled = {"name": "q", "redrivePolicy": '{"a": 1, "b": 2}'}
    assert lifecycle.compare(QUEUE, spelled, spelled | {"redrivePolicy": '{"b":2,"a":1.0}'}).differences == ()


def test_a_change_of_tags_alone_leaves_a_function_s_version_known() -> None:
    state = {"name": "f", "role": "r", "code": archive("1"), "handler": "h", "runtime": "r", "version": "1"}
    assert lifecycle.preview_update(FUNCTION, state, state | {"tags": {"a": "b"}})["version"] == "1"
