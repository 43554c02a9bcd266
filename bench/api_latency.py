"""Prints how long POST /uploads takes beside a bare function that only signs a request, cold and warm.

python -m bench.api_latency

Both are called in turn in the same embedded cloud, by the same API. Ours also checks the request, counts the caller's
uploads and records the job.
"""

from __future__ import annotations

import io
import json
import statistics
import textwrap
import time
import zipfile
from collections.abc import Mapping

import urllib3

from localcloud.rehearsal import release
from testing.stack import NO_THROTTLE, Stack, deployed_stack

OURS, BARE = "POST /uploads", "bare presigning"
_COLD_CALLS, _WARM_CALLS = 7, 100
_BARE_CODE = """
    import json
    import os

    import boto3
    from botocore.config import Config

    s3 = boto3.client("s3", config=Config(signature_version="s3v4"))


    def handler(event, context):
        key = "uploads/" + json.loads(event["body"])["filename"]
        target = {"Bucket": os.environ["INGEST_BUCKET"], "Key": key}
        url = s3.generate_presigned_url("put_object", Params=target, ExpiresIn=300)
        print("signed")  # the emulator waits 50 ms for the log of a function that writes none
        return {"statusCode": 201, "body": json.dumps({"uploadUrl": url})}
"""


def main() -> None:
    """Measure and print."""
    with deployed_stack(api={"auth": "none", **NO_THROTTLE}) as stack:
        functions = {OURS: stack.outputs["functionNames"]["api"], BARE: _bare_function(stack)}
        addresses = {OURS: f"{stack.outputs['apiUrl']}/uploads", BARE: f"{stack.outputs['apiUrl']}/bare"}
        cold: dict[str, list[float]] = {name: [] for name in functions}
        for number in range(_COLD_CALLS):
            for name, function in functions.items():
                release(stack.cloud, function, {"RELEASE": str(number)})
                cold[name].append(_milliseconds(addresses[name]))
        warm = {name: [] for name in functions}
        for _ in range(_WARM_CALLS):
            for name, address in addresses.items():
                warm[name].append(_milliseconds(address))
    for name, times in (("cold", cold), ("warm", warm)):
        _print(name, times)


def _print(name: str, times: Mapping[str, list[float]]) -> None:
    print(f"\n{f'{name}, {len(times[OURS])} calls each':24}{'minimum':>12}{'median':>12}{'p90':>12}")
    rows = {each: (min(values), statistics.median(values), _p90(values)) for each, values in times.items()}
    for each, row in rows.items():
        print(f"{each:24}" + "".join(f"{value:9.1f} ms" for value in row))
    print(f"{'ratio':24}" + "".join(f"{ours / bare:11.1f}x" for ours, bare in zip(rows[OURS], rows[BARE], strict=True)))


def _p90(values: list[float]) -> float:
    return sorted(values)[int(0.9 * (len(values) - 1))]


_http = urllib3.PoolManager(retries=False)


def _milliseconds(url: str) -> float:
    body = json.dumps({"filename": "photo.jpg", "size": 32_000}).encode()
    started = time.perf_counter()
    answer = _http.request("POST", url, body=body, headers={"content-type": "application/json"})
    taken = 1000 * (time.perf_counter() - started)
    if answer.status != 201:
        raise RuntimeError(f"{url}: status {answer.status}, {answer.data[:300]!r}")
    return taken


def _bare_function(stack: Stack) -> str:
    """Create the function and a route to it; return its name."""
    functions, api = stack.cloud.client("lambda"), stack.outputs["functionNames"]["api"]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("main.py", textwrap.dedent(_BARE_CODE))
    ours = functions.get_function_configuration(FunctionName=api)
    functions.create_function(
        FunctionName="bare",
        Runtime=ours["Runtime"],
        Handler="main.handler",
        Code={"ZipFile": archive.getvalue()},
        Publish=True,
        Role=ours["Role"],
        MemorySize=ours["MemorySize"],
        Timeout=ours["Timeout"],
        Environment={"Variables": {"INGEST_BUCKET": stack.outputs["ingestBucket"]}},
    )
    alias_arn = functions.create_alias(FunctionName="bare", Name="live", FunctionVersion="1")["AliasArn"]
    _add_route(stack, alias_arn)
    return "bare"


def _add_route(stack: Stack, alias_arn: str) -> None:
    apis, api_id = stack.cloud.client("apigatewayv2"), stack.outputs["apiUrl"].split("/")[-2]
    integration = apis.create_integration(
        ApiId=api_id, IntegrationType="AWS_PROXY", IntegrationUri=alias_arn, PayloadFormatVersion="2.0"
    )
    apis.create_route(ApiId=api_id, RouteKey="POST /bare", Target=f"integrations/{integration['IntegrationId']}")
    stack.cloud.client("lambda").add_permission(
        FunctionName="bare",
        Qualifier="live",
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:{stack.cloud.region}:{stack.cloud.account_id}:{api_id}/*",
    )


if __name__ == "__main__":
    main()
