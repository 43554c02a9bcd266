"""The API's address, tokens and requests are shown ready to use, and `upload --api` uses them as a customer does."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from client.api import ApiClient
from client.api_access import ISSUER, NO_TOKEN, USER_POOL, ApiAccess, api_access, api_id
from client.errors import ActionFailedError, InvalidRequestError
from client.pipeline import Pipeline
from contract.api import MULTIPART_BYTES
from operations.doctor.checks.api import api_answers
from operations.doctor.findings import Status, run_check
from testing.callers import Callers
from testing.pictures import photograph
from testing.stack import Stack, deployed_stack
from tests.operations.conftest import RunCommand


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A stack whose API asks for tokens of its own user pool."""
    with deployed_stack(api={"auth": "jwt", "console": False}, maxBytes=MULTIPART_BYTES + 2**20) as deployed:
        yield deployed


@pytest.fixture(scope="module")
def connection(stack: Stack) -> Pipeline:
    return Pipeline(
        stack="local", outputs=stack.pipeline.outputs, client=stack.cloud.client, endpoint_url=stack.cloud.endpoint_url
    )


@pytest.fixture(scope="module")
def token(stack: Stack) -> str:
    return Callers(stack=stack).token()


def test_shown_commands_get_a_token_and_take_a_file_to_its_processed_picture(
    img_pipeline: RunCommand, tmp_path: Path
) -> None:
    (tmp_path / "test-image.jpg").write_bytes(photograph())
    shown = json.loads(img_pipeline("api", "--json").stdout)
    (post, put, get, fetch), read = shown["curlCommands"], f"{sys.executable} -c"
    script = "\n".join(
        (
            "set -e",
            *shown["tokenCommands"],
            f"answer=$({post})",
            f"""uploadUrl=$({read} 'import json, sys; print(json.loads(sys.argv[1])["uploadUrl"])' "$answer")""",
            f"""jobId=$({read} 'import json, sys; print(json.loads(sys.argv[1])["jobId"])' "$answer")""",
            put,
            f"until {get} > job.json && grep -q COMPLETED job.json; do sleep 0.2; done",
            f"""downloadUrl=$({read} 'import json; print(json.load(open("job.json"))["downloadUrl"])')""",
            fetch,
        )
    )
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    credentials = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    subprocess.run(["bash", "-c", script], cwd=tmp_path, env={"PATH": path, **credentials}, check=True, timeout=120)  # noqa: S603, S607

    assert (tmp_path / "processed.jpg").read_bytes()[:2] == b"\xff\xd8"
    text = img_pipeline("api").stdout
    assert text.startswith(f"API {shown['url']}\n")
    assert all(command in text for command in (*shown["tokenCommands"], *shown["curlCommands"]))


def test_upload_by_api_ends_with_the_jobs_outcome(img_pipeline: RunCommand, token: str, tmp_path: Path) -> None:
    good, bad = tmp_path / "cat.jpg", tmp_path / "bad.jpg"
    good.write_bytes(photograph())
    bad.write_bytes(b"\xff\xd8 no picture")

    result = img_pipeline("upload", str(good), str(bad), "--api", "--wait", "--token", token, "--json")

    rejected, completed = json.loads(result.stdout)
    assert (result.exit_code, completed["status"], rejected["status"]) == (1, "COMPLETED", "REJECTED")
    assert completed["fileKey"] == f"uploads/{completed['jobId']}/cat.jpg"
    table = img_pipeline("upload", str(bad), "--api", "--wait", "--token", token).stdout
    assert f"{rejected['job']['errorCode']}: {rejected['job']['errorMessage']}" in table


def test_upload_by_api_without_a_valid_token_says_how_to_get_one(img_pipeline: RunCommand, tmp_path: Path) -> None:
    (tmp_path / "cat.jpg").write_bytes(photograph())
    for given in ("", "forged"):
        result = img_pipeline("upload", str(tmp_path / "cat.jpg"), "--api", "--token", given)
        assert (result.exit_code, "`img-pipeline api` says how to get one" in result.stdout) == (1, True)


def test_file_that_is_uploaded_in_parts_arrives_whole(stack: Stack, token: str, tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    large.write_bytes(os.urandom(2**20) * (MULTIPART_BYTES // 2**20) + b"end")
    api = ApiClient(stack.outputs["apiUrl"], token)

    upload = api.upload(large)

    assert "multipart" in upload
    stored = stack.cloud.client("s3").get_object(Bucket=stack.outputs["ingestBucket"], Key=upload["fileKey"])["Body"]
    assert stored.read() == large.read_bytes()


def test_problem_is_reported_with_code_and_hint(stack: Stack, token: str) -> None:
    with pytest.raises(ActionFailedError, match=r"GET .*/jobs/unknown: JOB_NOT_FOUND: .*Use the jobId"):
        ApiClient(stack.outputs["apiUrl"], token).call("GET", "/jobs/unknown")
    with pytest.raises(ActionFailedError, match=r"GET http://127\.0\.0\.1:1/jobs has no answer"):
        ApiClient("http://127.0.0.1:1").call("GET", "/jobs")


def test_stack_without_api_is_told_apart(connection: Pipeline) -> None:
    without = replace(connection, outputs=replace(connection.outputs, api_url=""))
    with pytest.raises(InvalidRequestError, match="stack local has no API"):
        api_access(without)
    assert api_access(connection).auth == USER_POOL


def test_requests_carry_a_token_only_where_the_api_asks_for_one() -> None:
    url = "https://abc123.execute-api.eu-west-1.amazonaws.com/api"
    assert api_id(url) == "abc123"
    assert not any("TOKEN" in command for command in ApiAccess(url=url, auth=NO_TOKEN).curl_commands)
    asked = ApiAccess(url=url, auth=ISSUER, issuer="https://id.example")
    assert asked.token_commands == ()
    assert shlex.split(asked.curl_commands[0])[4:6] == ["-H", "Authorization: Bearer $TOKEN"]


def test_doctor_finds_an_api_that_answers_and_asks_for_tokens(connection: Pipeline) -> None:
    findings = run_check(api_answers, connection)
    assert {finding.status for finding in findings} == {Status.OK}, findings
    assert len(findings) == 4


def test_doctor_finds_an_api_that_answers_without_a_token(connection: Pipeline, stack: Stack) -> None:
    apis, api = stack.cloud.client("apigatewayv2"), api_id(stack.outputs["apiUrl"])
    (route,) = [each for each in apis.get_routes(ApiId=api)["Items"] if each["RouteKey"] == "GET /limits"]
    apis.update_route(ApiId=api, RouteId=route["RouteId"], AuthorizationType="NONE")
    try:
        (found,) = [each for each in run_check(api_answers, connection) if each.status is not Status.OK]
    finally:
        apis.update_route(
            ApiId=api,
            RouteId=route["RouteId"],
            AuthorizationType="JWT",
            AuthorizerId=route["AuthorizerId"],
            AuthorizationScopes=route["AuthorizationScopes"],
        )
    assert found.status is Status.FAIL
    assert "without a token" in found.found


def test_doctor_finds_an_api_that_does_not_answer(connection: Pipeline) -> None:
    here = connection.outputs.api_url
    gone = replace(connection, outputs=replace(connection.outputs, api_url=here.replace(api_id(here), "gone123")))
    assert Status.FAIL in {finding.status for finding in run_check(api_answers, gone)}


def test_doctor_has_nothing_to_check_without_an_api(connection: Pipeline) -> None:
    without = replace(connection, outputs=replace(connection.outputs, api_url=""))
    (found,) = run_check(api_answers, without)
    assert (found.status, found.found) == (Status.OK, "the stack has no API")
