"""Settings that AWS would reject during a deployment are refused before it, by name."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.settings import SettingsError, config_schema, parse_settings
from components.settings.aws_limits import MAX_ENVIRONMENT_BYTES
from contract.overlay import merge_patch
from policies.recording import Recording, run, run_into

VPC = {"vpcId": "vpc-0a1", "subnetIds": ["subnet-0a1"]}


def presets(count: int) -> dict[str, Any]:
    added = {f"w{100 + i}": {"width": 100 + i, "formats": ["jpeg", "webp"], "quality": 82} for i in range(count)}
    return {"transforms": {"thumbnail": {"settings": {"presets": added}}}}


def subnets(count: int) -> dict[str, Any]:
    return {**VPC, "subnetIds": [f"subnet-{i:x}" for i in range(1, count + 1)]}


def tags(count: int) -> dict[str, str]:
    return {f"Key{i}": "value" for i in range(count)}


def url(length: int) -> str:
    return "https://events.example.com/".ljust(length, "k")


REFUSED = [
    ("tag-of-aws", {"tags": {"aws:team": "a"}}, 'tags.aws:team = "a"', "does not start with aws:"),
    ("tag-of-AWS", {"tags": {"AWS:team": "a"}}, 'tags.AWS:team = "a"', "does not start with aws:"),
    ("tag-key-length", {"tags": {"k" * 129: "a"}}, f'tags.{"k" * 129} = "a"', "1 to 128 characters; this one has 129"),
    ("tag-key-empty", {"tags": {"": "a"}}, 'tags. = "a"', "1 to 128 characters; this one has 0"),
    ("tag-key-characters", {"tags": {"Cost#Centre": "a"}}, 'tags.Cost#Centre = "a"', "in a tag's key; not #"),
    ("tag-value-characters", {"tags": {"Team": "a&b"}}, 'tags.Team = "a&b"', "in a tag's value; not &"),
    ("tag-value-length", {"tags": {"Team": "a" * 257}}, f'tags.Team = "{"a" * 257}"', "at most 256 characters"),
    ("tag-case", {"tags": {"Team": "a", "team": "b"}}, 'tags.team = "b"', "each key once: IAM ignores case"),
    ("tag-own-case", {"tags": {"project": "a"}}, 'tags.project = "a"', "differs from Project in more than case"),
    (
        "tag-count",
        {"tags": tags(49)},
        'tags = "49 tags"',
        "at most 48: a resource takes 50, Project and Stack among them",
    ),
    (
        "tag-count-of-objects",
        {"tags": tags(9), "transforms": {"watermark": {"settings": {"text": "© 写真"}}}},
        'tags = "9 tags"',
        "at most 8: an object in S3, which a transform's file is, takes 10",
    ),
    ("presets", presets(60), "transforms.thumbnail.settings = ", "at most 3328 bytes"),
    ("types", {"media": {"image": {"accepted": ["image/jpeg"] * 400}}}, "media = ", "at most 3328 bytes"),
    ("subnet-count", {"vpc": subnets(17)}, "vpc.subnetIds = ", "at most 16 items"),
    ("subnet-twice", {"vpc": {**VPC, "subnetIds": ["subnet-1"] * 2}}, 'vpc.subnetIds = "subnet-1"', "each once"),
    ("route-table-twice", {"vpc": {**VPC, "routeTableIds": ["rtb-1"] * 2}}, 'vpc.routeTableIds = "rtb-1"', "each once"),
    ("url", {"alertHttpsEndpoints": [url(2049)]}, f'alertHttpsEndpoints[0] = "{url(2049)}"', "at most 2048 characters"),
    *(
        (f"bucket-{name}", {key: name}, f'{key} = "{name}"', "S3 reserves those")
        for key in ("ingestBucketName", "processedBucketName")
        for name in (
            "xn--photos",
            "sthree-photos",
            "amzn-s3-demo-photos",
            "photos-s3alias",
            "photos--ol-s3",
            "photos--x-s3",
            "photos--table-s3",
        )
    ),
]


@pytest.mark.parametrize(
    ("given", "written", "accepted"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_what_aws_would_reject_is_refused_by_name_before_any_resource(
    given: dict[str, object], written: str, accepted: str
) -> None:
    recording = Recording(stack="dev")
    with pytest.raises(SettingsError) as raised:
        run_into(recording, given)
    lines = str(raised.value).splitlines()
    assert any(line.startswith(f"img-pipeline:{written}") and accepted in line for line in lines), lines
    assert recording.resources == []


ACCEPTED = [
    {"tags": {"k" * 128: "v" * 256, "équipe 2": "a_b.c:d/e=f+g-h@i"}},
    {"tags": tags(48)},
    {"tags": tags(8), "transforms": {"watermark": {"settings": {"text": "© 写真"}}}},
    {"vpc": subnets(16)},
    {"alertHttpsEndpoints": [url(2048)]},
    {"ingestBucketName": "photos-xn--a", "processedBucketName": "s3alias-photos"},
]


@pytest.mark.parametrize("given", ACCEPTED, ids="-".join)
def test_the_largest_value_that_aws_accepts_is_accepted(given: dict[str, object]) -> None:
    parse_settings(
        {key: json.dumps(value) if not isinstance(value, str) else value for key, value in given.items()},
        config_schema(),
    )


def long_settings(count: int) -> dict[str, Any]:
    """Transforms with a number of presets and the longest text of a watermark."""
    watermark = {"settings": {"text": "©" * 200, "logoPath": ""}}
    return merge_patch(presets(count)["transforms"], {"watermark": watermark})


def most_presets() -> int:
    """How many presets of the usual length the settings accept."""

    def accepted(count: int) -> bool:
        try:
            parse_settings({"transforms": json.dumps(long_settings(count))}, config_schema())
        except SettingsError:
            return False
        return True

    return max(count for count in range(1, 60) if accepted(count))


def test_every_accepted_environment_fits_a_function() -> None:
    most = most_presets()
    assert most > 10
    recording = run(
        "dev",
        {
            "transforms": long_settings(most),
            "ingestBucketName": "i" * 63,
            "processedBucketName": "p" * 63,
            "denylistTableName": "d" * 255,
        },
    )
    sizes = {
        function.inputs["name"]: len(json.dumps(function.inputs["environment"]["variables"]).encode())
        for function in recording.of_type("aws:lambda/function:Function")
    }
    assert max(sizes.values()) <= MAX_ENVIRONMENT_BYTES, sizes
