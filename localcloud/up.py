"""Keep the embedded cloud running with the local stack in it, and print how to use it: `make up`."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image
from rich.console import Console

from contract.jobs import FILE_KEY_INDEX
from localcloud.announcement import LocalCloud, exclusive_local_state
from localcloud.deployer import deploy
from localcloud.emulator import Emulator

STACK = "local"
FILE_KEY = "uploads/photo.jpg"
FAST_RETRY_SECONDS = 1
END_WITHOUT_DATA = " and removes everything in it."
# The emulator saves its state when it stops, which it does when this process ends, even by SIGKILL.
END_WITH_DATA = (
    ". The next start on the same data directory keeps queues, table rows, objects, functions, pipes and logs, but not "
    "running executions, running message move tasks or the journal of IAM decisions. The state is saved when the cloud "
    "stops: if its server is killed, only objects are up to date."
)


def main(arguments: Sequence[str]) -> int:
    """Run until Ctrl-C or SIGTERM; 0 after a clean stop, 1 with one line on standard error if the start fails."""
    parser = argparse.ArgumentParser(prog="python -m localcloud.up", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="loopback port (default: any free one)")
    parser.add_argument("--region", default="us-east-1", help="region of every resource (default us-east-1)")
    parser.add_argument("--account", default="000000000000", help="twelve-digit account id (default twelve zeros)")
    parser.add_argument("--data-directory", type=Path, help="keep the state there and load it at the next start")
    parser.add_argument(
        "--fast-retry", action="store_true", help="retry failed files after a second, not after minutes as on AWS"
    )
    options = parser.parse_args(arguments)
    # SIGINT and SIGTERM stop it alike; a shell starts background jobs with SIGINT ignored.
    for request in (signal.SIGINT, signal.SIGTERM):
        signal.signal(request, signal.default_int_handler)
    try:
        with (
            exclusive_local_state(),
            Emulator.start(
                port=options.port,
                region=options.region,
                account_id=options.account,
                data_directory=options.data_directory,
                pipe_retry_seconds=FAST_RETRY_SECONDS if options.fast_retry else None,
            ) as cloud,
        ):
            created, outputs = _deploy(cloud)
            # `--local` uses the stack that is announced.
            with LocalCloud(endpoint_url=cloud.endpoint_url, region=cloud.region, outputs=outputs).announced():
                print("\n".join(_introduction(cloud, created, outputs)))
                print(f"Ctrl-C stops it{END_WITH_DATA if options.data_directory else END_WITHOUT_DATA}", flush=True)
                threading.Event().wait()
    except KeyboardInterrupt:
        print("stopped")
    except Exception as error:
        print(f"make up: {error}", file=sys.stderr)
        return 1
    return 0


def _deploy(cloud: Emulator) -> tuple[int, dict[str, Any]]:
    """Deploy the local stack; return how many resources it has, and its outputs."""
    created: list[str] = []
    with Console().status("deploying") as status:

        def show(kind: str, name: str) -> None:
            created.append(name)
            status.update(f"deploying: {len(created)} resources, now {name} ({kind})")

        outputs = deploy(cloud, STACK, progress=show)
    return len(created), outputs


def _introduction(cloud: Emulator, created: int, outputs: Mapping[str, Any]) -> list[str]:
    """Return the variables to export, and commands that work with them."""
    photo = cloud.data_directory / "photo.jpg"
    Image.linear_gradient("L").resize((960, 640)).convert("RGB").save(photo)
    by_file_key = ("--index-name", FILE_KEY_INDEX, "--key-condition-expression", "fileKey = :key")
    values = ("--expression-attribute-values", f'{{":key": {{"S": "{FILE_KEY}"}}}}')
    key = f'{{"fileKey": {{"S": "{FILE_KEY}"}}}}'
    # Version 1 of the client ignores AWS_ENDPOINT_URL for SQS.
    dlq = ("--endpoint-url", cloud.endpoint_url, "--queue-url", outputs["transformDlqUrl"])
    counts = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    commands = [
        ("s3", "cp", str(photo), f"s3://{outputs['ingestBucket']}/{FILE_KEY}"),
        ("dynamodb", "query", "--table-name", outputs["jobsTable"], *by_file_key, *values),
        ("dynamodb", "get-item", "--table-name", outputs["assetsTable"], "--key", key),
        ("s3", "ls", "--recursive", f"s3://{outputs['processedBucket']}/processed/{FILE_KEY}/"),
        ("sqs", "get-queue-attributes", *dlq, "--attribute-names", *counts),
    ]
    return [
        *_addresses(outputs),
        f"The stack {STACK} runs at {cloud.endpoint_url}, {created} resources, IAM enforced. In another terminal:",
        f"export AWS_ENDPOINT_URL={cloud.endpoint_url} AWS_DEFAULT_REGION={cloud.region} "
        "AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test",
        *(shlex.join(["aws", *command]) for command in commands),
        ".venv/bin/img-pipeline upload PATH --local --wait",
        ".venv/bin/img-pipeline outputs --local",
    ]


def _addresses(outputs: Mapping[str, Any]) -> list[str]:
    """The API's and the console's address, as far as the stack has them, and how to ask for an upload."""
    api, console = outputs["apiUrl"], outputs["consoleUrl"]
    if not api:
        return []
    ask = ("curl", "-X", "POST", f"{api}/uploads", "-H", "Content-Type: application/json")
    token = ("-H", "Authorization: Bearer TOKEN") if outputs["userPoolId"] else ()
    return [
        f"API {api}" + (f", console {console}" if console else ""),
        shlex.join([*ask, *token, "-d", '{"filename": "photo.jpg"}']),
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
