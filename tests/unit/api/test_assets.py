"""Assets: listed, shown with what a page needs, and deleted."""

from __future__ import annotations

import urllib.parse

import pytest

from testing.callers import send
from tests.unit.api.conftest import Api
from tests.unit.api.rows import TIME, asset_row, job_row, put_file, rendition

JOB = "0123456789abcdef" * 2
KEY = f"uploads/{JOB}/cat.jpg"
OPERATOR = {"scope": "img-pipeline/files:read img-pipeline/files:operate"}


def test_an_asset_says_all_that_a_page_about_it_needs(api: Api) -> None:
    put_file(api, JOB)
    answer = api.call("GET", f"/assets/{KEY}")
    assert answer.status == 200
    asset = answer.json
    assert asset["fileName"] == "My cat.jpg"
    assert asset["measures"] == {"width": 4000, "height": 3000}
    assert asset["metadata"]["aspect"] == 1.5
    assert asset["thumbHash"] == asset["metadata"]["thumbHash"]
    assert asset["traceId"] == "1-5759e988-bd862e3fe1be46a994272793"
    assert send("GET", asset["downloadUrl"]).body == b"watermark"
    assert {each["name"] for each in asset["renditions"]} == {"watermark", *_presets()}


def test_the_srcset_can_be_pasted_and_the_thumbnail_is_one_of_its_pictures(api: Api) -> None:
    put_file(api, JOB)
    asset = api.call("GET", f"/assets/{KEY}").json
    candidates = [each.split(" ") for each in asset["srcset"].split(", ")]
    assert [width for _, width in candidates] == ["160w", "640w"]
    assert [send("GET", url).body for url, _ in candidates] == [b"w160-webp", b"w640-webp"]
    assert (asset["thumbnail"]["width"], asset["thumbnail"]["height"]) == (640, 480)
    assert send("GET", asset["thumbnail"]["url"]).body == b"w640-webp"


def test_the_srcset_has_no_cropped_picture(api: Api) -> None:
    square = {**rendition(KEY, "square-webp", "webp", 320), "height": 320}
    put_file(api, JOB, asset={"renditions": [square, *asset_row(KEY)["renditions"]]})
    asset = api.call("GET", f"/assets/{KEY}").json
    assert [each.split(" ")[1] for each in asset["srcset"].split(", ")] == ["160w", "640w"]
    assert asset["thumbnail"]["width"] == 640
    assert "square-webp" in {each["name"] for each in asset["renditions"]}


def test_renditions_say_whether_they_are_animated(api: Api) -> None:
    animated = {**rendition(KEY, "w320-webp", "webp", 320), "frames": 12}
    put_file(api, JOB, asset={"renditions": [animated, {**rendition(KEY, "w160-webp", "webp", 160), "frames": 1}]})
    shown = api.call("GET", f"/assets/{KEY}").json["renditions"]
    assert [(each["name"], each["animated"]) for each in shown] == [("w160-webp", False), ("w320-webp", True)]


def test_the_renditions_of_a_table_have_no_size_in_pixels(api: Api) -> None:
    parquet = {"name": "table", "key": f"processed/{KEY}/v1/table.parquet", "contentType": "x/parquet", "bytes": 900}
    put_file(
        api,
        JOB,
        asset={
            "measures": {"rows": 3},
            "rowCount": 3,
            "renditions": [{**parquet, "name": "profile", "bytes": 9}, parquet],
        },
    )
    asset = api.call("GET", f"/assets/{KEY}").json
    assert [(each["name"], each["bytes"]) for each in asset["renditions"]] == [("profile", 9), ("table", 900)]
    assert asset["downloadUrl"].partition("?")[0].endswith("table.parquet")
    assert asset["record"] == {"rowCount": 3}
    assert not {"thumbnail", "srcset"} & asset.keys()


def test_the_original_is_the_very_version_that_was_processed(api: Api) -> None:
    s3 = api.cloud.client("s3")
    first, _second = (s3.put_object(Bucket="ingest", Key=KEY, Body=body)["VersionId"] for body in (b"1st", b"2nd"))
    put_file(api, JOB, asset={"versionId": first})
    assert send("GET", api.call("GET", f"/assets/{KEY}").json["originalUrl"]).body == b"1st"


def test_the_versions_of_a_file_are_its_jobs_newest_first(api: Api) -> None:
    put_file(api, JOB)
    api.put_row("jobs", job_row("f" * 32, fileKey=KEY, versionId="v2", createdAt=TIME.replace("15:12", "16:00")))
    versions = api.call("GET", f"/assets/{KEY}").json["versions"]
    assert [(each["versionId"], each["jobId"]) for each in versions] == [("v2", "f" * 32), ("v1", JOB)]


def test_a_list_has_what_a_gallery_needs(api: Api) -> None:
    put_file(api, JOB)
    [asset] = api.call("GET", "/assets").json["assets"]
    assert (asset["fileKey"], asset["fileName"], asset["mediaType"]) == (KEY, "My cat.jpg", "image/jpeg")
    assert asset["thumbHash"]
    assert asset["thumbnail"]["url"].startswith("http")
    assert "640w" in asset["srcset"]


def test_an_asset_without_renditions_is_still_shown(api: Api) -> None:
    put_file(api, JOB, asset={"renditions": [], "metadata": {}})
    assert api.call("GET", f"/assets/{KEY}").json["renditions"] == []
    [asset] = api.call("GET", "/assets").json["assets"]
    assert not {"thumbnail", "srcset", "thumbHash"} & asset.keys()


@pytest.mark.parametrize("name", ["a b.jpg", "a+b.jpg", "50%.jpg", "Ærø?.jpg", "#1;=&.jpg", "a//b.jpg", "line\tfeed"])
def test_any_key_of_a_file_put_straight_into_the_bucket_can_be_asked_for(api: Api, name: str) -> None:
    api.put_row("assets", asset_row(f"uploads/{name}", owner="direct"))
    answer = api.call("GET", f"/assets/uploads/{urllib.parse.quote(name)}", claims=OPERATOR)
    assert (answer.status, answer.json["fileKey"]) == (200, f"uploads/{name}")


def test_deleting_marks_the_original_as_deleted_and_leaves_its_versions(api: Api) -> None:
    s3 = api.cloud.client("s3")
    version = s3.put_object(Bucket="ingest", Key=KEY, Body=b"1st")["VersionId"]
    put_file(api, JOB, asset={"versionId": version})
    answer = api.call("DELETE", f"/assets/{KEY}")
    assert (answer.status, answer.json) == (202, {"fileKey": KEY})
    listed = s3.list_object_versions(Bucket="ingest", Prefix=KEY)
    assert [marker["IsLatest"] for marker in listed["DeleteMarkers"]] == [True]
    assert [each["VersionId"] for each in listed["Versions"]] == [version]


def test_a_deleted_asset_is_not_there(api: Api) -> None:
    api.put_row("assets", {"fileKey": KEY, "sequencer": "1", "run": "~deleted", "deletedAt": TIME, "owner": "alice"})
    for method in ("GET", "DELETE"):
        answer = api.call(method, f"/assets/{KEY}")
        assert (answer.status, answer.code) == (404, "ASSET_NOT_FOUND")


def test_another_callers_asset_can_neither_be_seen_nor_deleted_but_by_operators(api: Api) -> None:
    put_file(api, JOB)
    for method in ("GET", "DELETE"):
        answer = api.call(method, f"/assets/{KEY}", sub="bob")
        assert (answer.status, answer.code) == (404, "ASSET_NOT_FOUND")
    assert api.call("GET", "/assets", sub="bob").json == {"assets": []}
    assert "DeleteMarkers" not in api.cloud.client("s3").list_object_versions(Bucket="ingest", Prefix=KEY)
    assert api.call("GET", f"/assets/{KEY}", sub="eve", claims=OPERATOR).status == 200
    assert len(api.call("GET", "/assets", sub="eve", claims=OPERATOR).json["assets"]) == 1
    assert api.call("DELETE", f"/assets/{KEY}", sub="eve", claims=OPERATOR).status == 202


@pytest.mark.parametrize("key", ["x", "uploads/none", "a/" * 600, "%00", "a%0Ab", "%E2%82%AC" * 400])
def test_a_key_that_no_asset_has_is_not_found(api: Api, key: str) -> None:
    answer = api.call("GET", f"/assets/{key}")
    assert (answer.status, answer.code) == (404, "ASSET_NOT_FOUND")


def _presets() -> set[str]:
    return {f"w{width}-{kind}" for width in (160, 640) for kind in ("jpg", "webp")}
