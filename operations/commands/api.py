"""`img-pipeline api`, and `upload --api`: the HTTP API as its callers use it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

import typer
from rich.markup import escape

from client.api import ApiClient
from client.api_access import ISSUER, NO_TOKEN, ApiAccess, api_access
from client.errors import ActionFailedError
from client.uploads import LocalFile
from operations.commands.console import end_interrupted, err, interruption_reported, out, print_json, print_table
from operations.commands.job_cells import coloured
from operations.commands.options import FILES, JsonOption, LocalOption, StackOption
from operations.connection import connect
from operations.interruption import Interruption

app = typer.Typer()

TokenOption = Annotated[
    str,
    typer.Option(
        envvar="IMG_PIPELINE_TOKEN", help="With --api, the access token; `img-pipeline api` says how to get one."
    ),
]


@app.command("api", rich_help_panel=FILES)
def show_api(*, stack: StackOption = None, local: LocalOption = False, as_json: JsonOption = False) -> None:
    """Show the API's address, how to get a token, and the requests that upload a file and fetch its result.

    Example: `img-pipeline api --local`
    """
    access = api_access(connect(stack, local=local))
    if as_json:
        names = {"url": access.url, "auth": access.auth, "issuer": access.issuer, "tokenUrl": access.token_url}
        client = {"clientId": access.client_id, "secretCommand": access.secret_command}
        print_json({**names, **client, "tokenCommands": access.token_commands, "curlCommands": access.curl_commands})
        return
    out.print(f"API {access.url}", markup=False)
    for line in (_about_tokens(access), *access.token_commands, "", *access.curl_commands):
        out.print(line, markup=False)


def _about_tokens(access: ApiAccess) -> str:
    if access.auth == NO_TOKEN:
        return "No token is needed."
    if access.auth == ISSUER:
        return f"Set TOKEN to an access token of {access.issuer} with the scopes files:write and files:read."
    return f"A token for machines, valid for an hour, comes from the client {access.client_id} and its secret:"


def upload_by_api(
    url: str, files: Sequence[LocalFile], *, token: str, wait: bool, timeout: float, parallel: int, as_json: bool
) -> None:
    """Upload files with the API's own requests, and print each file's job.

    Raises:
        typer.Exit: with status 1 if a file was not uploaded or, with `wait`, not completed.
    """
    api = ApiClient(url, token)
    done: list[dict[str, Any]] = []
    with (
        interruption_reported(lambda: f"{len(done)} of {len(files)} files were uploaded"),
        Interruption() as interruption,
    ):

        def transfer(file: LocalFile) -> None:
            if not interruption.requested:
                done.append(_transfer(api, file, wait=wait, timeout=timeout, interruption=interruption))

        with ThreadPoolExecutor(parallel) as threads, err.status(f"uploading {len(files)} files"):
            list(threads.map(transfer, files))
    done.sort(key=lambda record: record["path"])
    if as_json:
        print_json(done)
    else:
        print_table(("file", "status", "job", ""), map(_cells, done))
    if interruption.requested:
        end_interrupted(f"{sum('jobId' in record for record in done)} of {len(files)} files were uploaded")
    if any(record["status"] not in ("UPLOADED", "COMPLETED", "SUPERSEDED") for record in done):
        raise typer.Exit(1)


def _transfer(
    api: ApiClient, file: LocalFile, *, wait: bool, timeout: float, interruption: Interruption
) -> dict[str, Any]:
    record: dict[str, Any] = {"path": str(file.path), "status": "UPLOADED"}
    try:
        upload = api.upload(file.path)
        record |= {"jobId": upload["jobId"], "fileKey": upload["fileKey"]}
        if wait:
            job = api.follow(upload["jobId"], timeout_seconds=timeout, clock=interruption)
            record |= {"status": job["status"], "job": job}
    except (ActionFailedError, OSError) as error:
        record |= {"status": "NOT UPLOADED" if "jobId" not in record else "UNKNOWN", "error": str(error)}
    return record


def _cells(record: dict[str, Any]) -> tuple[str, ...]:
    job = record.get("job", {})
    explained = f"{job['errorCode']}: {job['errorMessage']} {job['hint']}" if "errorCode" in job else ""
    what = record.get("error") or explained or record["fileKey"]
    return escape(record["path"]), coloured(record["status"]), record.get("jobId", ""), escape(what)
