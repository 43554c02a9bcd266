"""Settings are documented, typed and checked; a mistake is reported before any resource is created."""

import contextvars
import json
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime import set_all_config

from components.settings import Settings, SettingsError, config_schema, parse_settings
from components.settings.declared import families, transform_settings
from contract.media import MEDIA_TYPES
from functions.shared.formats import FORMATS
from functions.shared.watermark.settings import Position
from policies.recording import Recording, run_into, stack_config


def settings(**given: object) -> Settings:
    """The default settings with these, by camelCase key, in their place."""
    return parse_settings(
        {key: value if isinstance(value, str) else json.dumps(value) for key, value in given.items()}, config_schema()
    )


def refusal(**given: object) -> str:
    with pytest.raises(SettingsError) as raised:
        settings(**given)
    return str(raised.value)


def transform(name: str, **changes: object) -> dict[str, dict[str, object]]:
    complete = {
        "mediaTypes": ["image/*"],
        "memoryMb": 4096,
        "timeoutSeconds": 30,
        "reservedConcurrency": 5,
        "writesRenditions": True,
        "layer": "images",
    }
    return {name: {**complete, **changes}}


def own(name: str, **changes: object) -> dict[str, object]:
    """A transform's own settings, as the setting `transforms` has them."""
    return {"transforms": {name: {"settings": changes}}}


def test_the_defaults_are_valid() -> None:
    chosen = settings()
    assert chosen.map_concurrency == 10
    assert chosen.max_bytes == 50 * 1024 * 1024
    presets = chosen.transforms["thumbnail"].settings["presets"]
    assert [preset["width"] for preset in presets.values()] == [160, 320, 640, 1280]
    assert list(chosen.transforms) == ["thumbnail", "watermark", "metadata", "table"]
    assert chosen.media["image"].limits == {"maxPixels": 100_000_000, "maxFrames": 300}
    assert chosen.architecture == "arm64"


def test_every_setting_is_documented_and_every_documented_setting_exists() -> None:
    model = Settings.model_json_schema(by_alias=True)
    schema = config_schema()
    assert set(schema) == set(model["properties"])
    for key, declared in schema.items():
        assert declared["description"].endswith("."), key
        assert "default" in declared, key
        property_type, item_type = json_types(model["properties"][key], model["$defs"])
        assert declared["type"] == property_type, key
        assert declared.get("items", {}).get("type") == item_type, key


def test_documented_objects_have_all_their_keys() -> None:
    model = Settings.model_json_schema(by_alias=True)
    for key in ("validate", "alarms", "lifecycle"):
        definition = model["$defs"][model["properties"][key]["$ref"].rsplit("/")[-1]]
        assert set(config_schema()[key]["default"]) == set(definition["properties"]), key
        for inner in definition["properties"]:
            assert inner in config_schema()[key]["description"], f"{key}.{inner}"


def json_types(declared: dict[str, Any], definitions: dict[str, Any]) -> tuple[str, str | None]:
    """(type, type of the items) of a property in a JSON schema."""
    if "anyOf" in declared:
        declared = next(option for option in declared["anyOf"] if option.get("type") != "null")
    if "$ref" in declared:
        declared = definitions[declared["$ref"].rsplit("/")[-1]]
    if declared["type"] == "array":
        return "array", json_types(declared["items"], definitions)[0]
    return declared["type"], None


def test_a_stack_names_only_what_it_changes_of_an_object() -> None:
    alarms = settings(alarms={"coldStartPercent": 50}).alarms
    assert alarms.cold_start_percent == 50
    assert alarms.workflow_p99_seconds == 45


def test_a_misspelt_setting_is_refused_with_what_was_probably_meant() -> None:
    assert refusal(maxByte=1) == "img-pipeline:maxByte is not a setting; did you mean maxBytes?"


def test_a_setting_that_resembles_nothing_is_refused_with_all_there_are() -> None:
    message = refusal(zzz=1)
    assert message.startswith("img-pipeline:zzz is not a setting; accepted are maxBytes, ")
    assert all(key in message for key in config_schema())


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"maxBytes": 0}, "img-pipeline:maxBytes = 0 is not accepted: input should be greater than or equal to 1"),
        ({"maxBytes": "many"}, 'img-pipeline:maxBytes = "many" is not accepted: input should be a valid integer'),
        ({"tracing": "yes"}, 'img-pipeline:tracing = "yes" is not accepted: input should be a valid boolean'),
        (
            {"architecture": "riscv"},
            "img-pipeline:architecture = \"riscv\" is not accepted: input should be 'arm64' or 'x86_64'",
        ),
        (
            {"media": {"image": {"maxPixels": 10**9}}},
            "img-pipeline:media.image.maxPixels = 1000000000 is not accepted: .* less than or equal to 500000000",
        ),
        ({"mapConcurrency": 41}, "img-pipeline:mapConcurrency = 41 is not accepted: .* less than or equal to 40"),
        ({"workflowTimeoutSeconds": 301}, "img-pipeline:workflowTimeoutSeconds = 301 is not accepted: .* equal to 300"),
        ({"logRetentionDays": 31}, "img-pipeline:logRetentionDays = 31 is not accepted: input should be 1, 3, 5, .*"),
        (
            {"media": {"image": {"accepted": []}}},
            r"img-pipeline:media.image.accepted = \[\] is not accepted: .* at least 1 item .*",
        ),
        (
            {"media": {"image": {"accepted": "image/png"}}},
            'img-pipeline:media.image.accepted = "image/png" is not accepted: .* valid array',
        ),
        (
            {"media": {"video": {"accepted": ["image/png"]}}},
            r"img-pipeline:media.video = .* is not accepted: a family that functions/validate measures: image, table",
        ),
        (
            own("watermark", opacity=0),
            "img-pipeline:transforms.watermark.settings.opacity = 0 is not accepted: .* greater than 0",
        ),
        (
            own("watermark", position="left"),
            'img-pipeline:transforms.watermark.settings.position = "left" is not accepted: one of bottom-right, .*',
        ),
        (
            own("metadata", depth=1),
            "img-pipeline:transforms.metadata.settings.depth = 1 is not accepted: there is no .*",
        ),
        (
            own("watermark", colour="red"),
            'img-pipeline:transforms.watermark.settings.colour = "red" is not accepted: there is no such key',
        ),
        ({"validate": {"memoryMb": 64}}, "img-pipeline:validate.memoryMb = 64 is not accepted: .* equal to 128"),
        ({"alertEmails": ["nobody"]}, r'img-pipeline:alertEmails\[0\] = "nobody" is not accepted: .*'),
        ({"kmsKeyArn": "alias/x"}, 'img-pipeline:kmsKeyArn = "alias/x" is not accepted: .*'),
        ({"ingestBucketName": "My_Bucket"}, 'img-pipeline:ingestBucketName = "My_Bucket" is not accepted: .*'),
        (
            {"vpc": {"vpcId": "vpc-1"}},
            r'img-pipeline:vpc.subnetIds = \{"vpcId": "vpc-1"\} is not accepted: this key is required',
        ),
        (
            {"resultSubscribers": {"shop": {"outcomes": ["FAILED"]}}},
            r'img-pipeline:resultSubscribers.shop.outcomes\[0\] = "FAILED" is not accepted: .*COMPLETED.*REJECTED.*',
        ),
        (
            own("thumbnail", presets={"w160": {"width": 8}}),
            r"img-pipeline:transforms.thumbnail.settings.presets.w160.width = 8 is not accepted: .* equal to 16",
        ),
        (
            own("thumbnail", presets={"w160": {"fit": "cover"}}),
            r"img-pipeline:transforms.thumbnail.settings.presets.w160 = .* is not accepted: with each of height",
        ),
        (
            own("thumbnail", presets={"w160": {"fit": "fill"}}),
            r'img-pipeline:transforms.thumbnail.settings.presets.w160.fit = "fill" is not accepted: '
            r"one of inside, cover",
        ),
        (
            own("thumbnail", presets={"w160": {"focalPoint": "0.3,1.7"}}),
            r'img-pipeline:transforms.thumbnail.settings.presets.w160.focalPoint = "0.3,1.7" is not accepted: '
            r"pattern is .*center\|attention.*",
        ),
        (
            own("thumbnail", presets={"w160": {"animated": True, "formats": ["jpeg", "avif"]}}),
            r'img-pipeline:transforms.thumbnail.settings.presets.w160.formats = \["jpeg", "avif"\] is not accepted: '
            r"a list with webp or gif",
        ),
    ],
)
def test_an_impossible_value_is_refused_with_key_value_and_what_is_accepted(
    given: dict[str, object], line: str
) -> None:
    assert re.fullmatch(line, refusal(**given))


def test_a_description_states_the_bounds_of_its_numbers() -> None:
    model = Settings.model_json_schema(by_alias=True)
    for key, declared in config_schema().items():
        stated = set(re.findall(r"\d+", declared["description"]))
        bounds = set(bounds_of(model["properties"][key], model["$defs"]))
        assert bounds <= stated, f"{key}: {bounds - stated}"


def bounds_of(schema: dict[str, Any], definitions: dict[str, Any]) -> Iterator[str]:
    """The least and greatest value of each number in a setting; a transform's are those of `validate`."""
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rsplit("/")[-1]]
    yield from (f"{schema[bound]:.0f}" for bound in ("minimum", "maximum", "exclusiveMinimum") if bound in schema)
    for inner in (*schema.get("properties", {}).values(), *schema.get("anyOf", ())):
        yield from bounds_of(inner, definitions)


def test_all_mistakes_are_reported_at_once() -> None:
    lines = refusal(maxBytes=0, media={"image": {"maxFrames": 0}}, encryption="none").splitlines()
    assert [line.split(" = ")[0] for line in lines] == [
        "img-pipeline:maxBytes",
        "img-pipeline:encryption",
        "img-pipeline:media.image.maxFrames",
    ]


def test_the_workflow_must_have_time_for_its_functions() -> None:
    message = refusal(workflowTimeoutSeconds=120, validate={"timeoutSeconds": 60})
    assert message.startswith("img-pipeline:workflowTimeoutSeconds = 120 is not accepted: at least 165: ")
    settings(workflowTimeoutSeconds=165)


def test_transforms_that_wait_for_each_other_need_more_time() -> None:
    message = refusal(mapConcurrency=1, workflowTimeoutSeconds=300)
    assert "at least 345: validate's timeout, 3 x the slowest" in message


def test_all_receives_must_fit_in_the_queues_retention() -> None:
    assert settings(maxReceiveCount=320).max_receive_count == 320  # 320 x 1080 s are the queue's four days
    assert refusal(maxReceiveCount=321) == (
        "img-pipeline:maxReceiveCount = 321 is not accepted: at most 320: an attempt takes up to 1080 s, the "
        "visibility timeout (six times workflowTimeoutSeconds), and the queue deletes a message after 345600 s"
    )


def test_reserved_concurrency_must_fit_the_account() -> None:
    message = refusal(accountConcurrency=550)
    assert message.startswith("img-pipeline:accountConcurrency = 550 is not accepted: at least 600")
    settings(accountConcurrency=600)


def test_an_account_with_little_concurrency_can_reserve_none() -> None:
    unreserved = {name: {"reservedConcurrency": 0} for name in ("thumbnail", "watermark", "metadata", "table")}
    chosen = settings(accountConcurrency=10, validate={"reservedConcurrency": 0}, transforms=unreserved)
    assert chosen.account_concurrency == 10


def test_provisioned_concurrency_cannot_exceed_reserved_concurrency() -> None:
    message = refusal(validate={"reservedConcurrency": 5, "provisionedConcurrency": 6})
    assert message == (
        "img-pipeline:validate.provisionedConcurrency = 6 is not accepted: at most validate.reservedConcurrency (5)"
    )


def test_an_alarm_that_can_never_be_in_alarm_is_refused() -> None:
    assert "the alarm is never in ALARM" in refusal(alarms={"workflowP99Seconds": 180})
    assert refusal(alarms={"oldestMessageSeconds": 345_600}) == (
        "img-pipeline:alarms.oldestMessageSeconds = 345600 is not accepted: less than 345600, after which the queue "
        "deletes a message, or the alarm is never in ALARM"
    )
    settings(alarms={"oldestMessageSeconds": 345_599})


def test_an_alarm_that_a_single_retry_raises_is_refused() -> None:
    assert "alarms.oldestMessageSeconds = 1080 " in refusal(alarms={"oldestMessageSeconds": 1080})


def test_functions_must_have_memory_for_the_largest_image() -> None:
    message = refusal(media={"image": {"maxPixels": 200_000_000}})
    assert [line.partition(" is not accepted")[0] for line in message.splitlines()] == [
        "img-pipeline:validate.memoryMb = 1769",
        "img-pipeline:transforms.thumbnail.memoryMb = 1769",
        "img-pipeline:transforms.watermark.memoryMb = 3300",
        "img-pipeline:transforms.metadata.memoryMb = 1769",
    ]
    assert "at least 3230, to hold a file of media.image.maxPixels (200000000) and maxBytes (52428800)" in message


def test_a_preset_is_refused_whose_renditions_do_not_fit_the_memory() -> None:
    wide = {"thumbnail": {"settings": {"presets": {"w8192": {"width": 8192, "formats": ["webp"], "quality": 82}}}}}

    message = refusal(transforms=wide)

    assert message == (
        "img-pipeline:transforms.thumbnail.memoryMb = 1769 is not accepted: at least 3898, to hold a file of "
        "media.image.maxPixels (100000000) and maxBytes (52428800), and the outputs of transforms.thumbnail.settings; "
        "or lower those"
    )
    settings(transforms=wide, media={"image": {"maxPixels": 40_000_000}})


def test_a_key_without_kms_is_refused() -> None:
    arn = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    assert refusal(kmsKeyArn=arn) == (
        f'img-pipeline:kmsKeyArn = "{arn}" is not accepted: empty unless encryption is kms'
    )
    settings(kmsKeyArn=arn, encryption="kms")


@pytest.mark.parametrize(
    ("api", "message"),
    [
        (
            {"issuer": "https://login.example.com"},
            r"api.audience = \[\] is not accepted: the audience of the issuer's tokens.*",
        ),
        ({"audience": ["files"]}, r'api.audience = \["files"\] is not accepted: empty without an issuer.*'),
        ({"issuer": "http://login.example.com"}, 'api.issuer = "http://login.example.com" is not accepted: .*'),
        (
            {"auth": "none", "audience": ["files"]},
            'api.auth = "none" is not accepted: jwt where issuer or audience is set.*',
        ),
        ({"auth": "basic"}, "api.auth = \"basic\" is not accepted: .*'jwt' or 'none'"),
        ({"corsOrigins": ["*"]}, r'api.corsOrigins\[0\] = "\*" is not accepted: an origin such as .*'),
        ({"corsOrigins": ["https://a.example/"]}, r'api.corsOrigins\[0\] = "https://a.example/" is not accepted: .*'),
        ({"corsOrigins": ["http://a.example"]}, r'api.corsOrigins\[0\] = "http://a.example" is not accepted: .*'),
        (
            {"corsOrigins": ["https://a.example"] * 2},
            'api.corsOrigins = "https://a.example" is not accepted: each once',
        ),
        ({"uploadsPerSecond": 51}, r"api.uploadsPerSecond = 51 is not accepted: at most api.requestsPerSecond \(50\)"),
        ({"requestsPerSecond": 0}, "api.requestsPerSecond = 0 is not accepted: .*"),
        ({"auth": "none", "waf": True}, "api.waf = true is not accepted: false where the stack has no user pool.*"),
        (
            {"console": False, "renditions": "signed"},
            'api.renditions = "signed" is not accepted: presigned where there is no console.*',
        ),
        ({"callbackHosts": ["https://a.example"]}, r'api.callbackHosts\[0\] = "https://a.example" is not accepted: .*'),
        ({"p99Milliseconds": 20_000}, "api.p99Milliseconds = 20000 is not accepted: less than .*"),
    ],
)
def test_an_api_that_cannot_be_is_refused_by_the_settings_name(api: dict[str, object], message: str) -> None:
    assert re.fullmatch(f"img-pipeline:{message}", refusal(api=api))


def test_pages_of_this_machine_may_be_without_tls() -> None:
    assert settings(api={"corsOrigins": ["http://localhost:5173", "https://app.example.com:8443"]}).api.cors_origins


def test_a_transform_without_a_folder_is_refused_with_those_that_exist() -> None:
    message = refusal(transforms=transform("colourise"))
    assert message == (
        'img-pipeline:transforms = "colourise" is not accepted: '
        "names of folders under functions/ that hold handler.py: metadata, table, thumbnail, watermark"
    )


@pytest.mark.parametrize(
    ("key", "chosen"),
    [
        ("validate.layer", {"validate": {"layer": "nowhere"}}),
        ("transforms.thumbnail.layer", {"transforms": {"thumbnail": {"layer": "nowhere"}}}),
    ],
)
def test_a_layer_that_does_not_exist_is_refused_with_those_that_do(key: str, chosen: dict[str, Any]) -> None:
    assert refusal(**chosen) == (
        f'img-pipeline:{key} = "nowhere" is not accepted: '
        "names of layers in functions/layers: api, base, images, table, webhook"
    )


def test_an_entry_extends_the_default_transforms_and_null_removes_one() -> None:
    chosen = settings(transforms={"watermark": None, "thumbnail": {"memoryMb": 2000}})
    assert list(chosen.transforms) == ["thumbnail", "metadata", "table"]
    assert (chosen.transforms["thumbnail"].memory_mb, chosen.transforms["thumbnail"].timeout_seconds) == (2000, 90)
    presets = {"w2560": {"width": 2560, "formats": ["webp"], "quality": 82}, "w160": None}
    assert list(settings(**own("thumbnail", presets=presets)).transforms["thumbnail"].settings["presets"]) == [
        "w320",
        "w640",
        "w1280",
        "w2560",
    ]


def test_every_accepted_type_has_a_transform_that_takes_it() -> None:
    only_png = {name: {"mediaTypes": ["image/png"]} for name in ("thumbnail", "watermark", "metadata")}
    lines = refusal(transforms=only_png, media={"image": {"accepted": ["image/png", "image/gif"]}}).splitlines()
    assert lines == [
        'img-pipeline:media.image.accepted = "image/gif" is not accepted: types that the mediaTypes of at least one '
        "transform name"
    ]
    chosen = settings(transforms={"watermark": {"mediaTypes": ["image/png"]}})
    assert chosen.types_of("watermark") == ("image/png",)
    assert list(chosen.transforms_of("image/gif")) == ["thumbnail", "metadata"]


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"maxPixels": 5}, "media.image.maxPixels"),
        ({"maxFrames": 5}, "media.image.maxFrames"),
        ({"allowedTypes": ["image/png"]}, "media.image.accepted"),
        ({"renditionPresets": []}, "transforms.thumbnail.settings.presets"),
        ({"watermark": {"text": "a"}}, "transforms.watermark.settings"),
        ({"transforms": [{"name": "thumbnail"}]}, "an object by name"),
    ],
)
def test_a_setting_of_an_earlier_version_is_refused_with_its_new_key(given: dict[str, object], place: str) -> None:
    message = refusal(**given)
    assert message.startswith(f"img-pipeline:{next(iter(given))} is ")
    assert place in message


def test_the_processed_bucket_must_differ_from_the_ingest_bucket() -> None:
    assert "renditions would be processed as uploads" in refusal(ingestBucketName="one", processedBucketName="one")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("photo 𓀀", "no font has '𓀀' (U+13000, EGYPTIAN HIEROGLYPH A001)"),
        ("\ue000", "no font has '\\ue000' (U+E000, without a name)"),
        ("two\nlines", "no font has '\\n' (U+000A, without a name)"),
        ("  ", "it has no visible character"),
        ("\u200b", "it has no visible character"),
    ],
)
def test_a_watermark_text_that_cannot_be_drawn_is_refused_with_the_character(text: str, problem: str) -> None:
    written = json.dumps(text, ensure_ascii=False)
    assert refusal(**own("watermark", text=text)) == (
        f"img-pipeline:transforms.watermark.settings.text = {written} is not accepted: "
        f"a text that can be drawn: {problem}"
    )


def test_the_text_is_not_checked_if_there_is_a_logo(tmp_path: Path) -> None:
    logo = tmp_path / "logo.png"
    logo.write_bytes(b"any bytes")
    assert settings(**own("watermark", text="\ue000", logoPath=str(logo)))


def test_a_missing_logo_is_refused() -> None:
    assert refusal(**own("watermark", logoPath="missing.png")).startswith(
        'img-pipeline:transforms.watermark.settings.logoPath = "missing.png" is not accepted: the path of a file'
    )


def test_a_secret_value_is_not_in_the_message() -> None:
    def refused() -> str:
        set_all_config({}, ["img-pipeline:alertHttpsEndpoints"])
        return refusal(alertHttpsEndpoints=["ftp://events.example.com/0123456789abcdef"])

    message = contextvars.copy_context().run(refused)
    assert message.startswith("img-pipeline:alertHttpsEndpoints[0] = [secret] is not accepted: ")
    assert "0123456789abcdef" not in message


def test_types_and_positions_are_those_of_the_functions() -> None:
    assert {name for name, media in MEDIA_TYPES.items() if media.family == "image"} == set(FORMATS)
    measured = {family for family in families() if import_module(f"functions.validate.{family}").measure}
    assert measured == {media.family for media in MEDIA_TYPES.values()}
    assert set(transform_settings("watermark").properties["position"]["enum"]) == set(Position)


def test_a_stack_whose_name_cannot_be_part_of_a_bucket_name_is_refused() -> None:
    recording = Recording(stack="Dev_1")
    with pytest.raises(SettingsError, match='the stack\'s name "Dev_1" is not accepted'):
        run_into(recording, settings_of="dev")
    assert recording.resources == []


def test_an_empty_vpc_is_no_vpc() -> None:
    assert settings(vpc={}).vpc is None


@pytest.mark.parametrize("stack", ["dev", "prod", "local"])
def test_every_stack_has_valid_settings(stack: str) -> None:
    parse_settings(stack_config(stack), config_schema())


@pytest.mark.parametrize("overrides", [{"maxBits": 1}, {"maxBytes": -1}, {"alarms": {"workflowP99Seconds": 999}}])
def test_a_mistake_stops_the_program_before_any_resource_exists(overrides: dict[str, object]) -> None:
    recording = Recording(stack="dev")
    with pytest.raises(SettingsError):
        run_into(recording, overrides)
    assert recording.resources == []
