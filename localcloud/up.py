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

from localcloud.announcement import LocalCloud
from localcloud.deployer import deploy
from localcloud.emulator import Emulator

STACK = "local"
FILE_KEY = "uploads/photo.jpg"


def main(arguments: Sequence[str]) -> int:
    """Run until Ctrl-C or SIGTERM; 0 after a clean stop, 1 with one line on standard error if it cannot start."""
    parser = argparse.ArgumentParser(prog="python -m localcloud.up", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="loopback port (default: any free one)")
    parser.add_argument("--region", default="us-east-1", help="region of every resource (default us-east-1)")
    parser.add_argument("--account", default="000000000000", help="twelve-digit account id (default twelve zeros)")
    parser.add_argument("--data-directory", type=Path, help="keep everything there and find it again at the next start")
    options = parser.parse_args(arguments)
    # Both ways of asking to stop end alike, also for a background job of a shell, which is started deaf to SIGINT.
    for request in (signal.SIGINT, signal.SIGTERM):
        signal.signal(request, signal.default_int_handler)
    try:
        with Emulator.start(
            port=options.port,
            region=options.region,
            account_id=options.account,
            data_directory=options.data_directory,
        ) as cloud:
            here = LocalCloud(endpoint_url=cloud.endpoint_url, region=cloud.region, outputs=_deploy_and_explain(cloud))
            # From here on, `--local` finds the stack.
            with here.announced():
                end = "." if options.data_directory else " and removes everything in it."
                print(f"Ctrl-C stops it{end}", flush=True)
                threading.Event().wait()
    except KeyboardInterrupt:
        print("stopped")
    except Exception as error:
        print(f"make up: {error}", file=sys.stderr)
        return 1
    return 0


def _deploy_and_explain(cloud: Emulator) -> dict[str, Any]:
    created: list[str] = []
    with Console().status("deploying") as status:

        def show(kind: str, name: str) -> None:
            created.append(name)
            status.update(f"deploying: {len(created)} resources, now {name} ({kind})")

        outputs = deploy(cloud, STACK, progress=show)
    photo = cloud.data_directory / "photo.jpg"
    Image.linear_gradient("L").resize((960, 640)).convert("RGB").save(photo)
    print(f"The stack {STACK} runs at {cloud.endpoint_url}, {len(created)} resources, IAM enforced. Its names:\n")
    print(f"{_names(outputs)}\n\nTry it:\n")
    for purpose, command in _commands(cloud, outputs, photo).items():
        print(f"# {purpose}\n{command}\n")
    print("Or, shorter: .venv/bin/img-pipeline upload PATH --local --wait\n")
    return outputs


def _names(outputs: Mapping[str, Any]) -> str:
    """Every output of the stack that is set, whole; the members of a group or list each on a line of its own."""
    rows: list[tuple[str, Any]] = []
    for name, value in sorted(outputs.items()):
        if isinstance(value, dict):
            rows += [(f"{name}.{member}", text) for member, text in sorted(value.items())]
        elif isinstance(value, list):
            rows += [(name if position == 0 else "", text) for position, text in enumerate(value)]
        elif value:
            rows.append((name, value))
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"  {name:<{width}}  {value}" for name, value in rows)


def _commands(cloud: Emulator, outputs: Mapping[str, Any], photo: Path) -> dict[str, str]:
    """What to try, in this order, by purpose: shell commands that work as they are."""

    def aws(*arguments: str) -> str:
        settings = f"AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION={cloud.region}"
        return f"{settings} \\\n  {shlex.join(['aws', '--endpoint-url', cloud.endpoint_url, *arguments])}"

    def table(action: str, output: str, *arguments: str) -> str:
        return aws("dynamodb", action, "--table-name", outputs[output], *arguments)

    def queue(output: str) -> str:
        counts = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        return aws("sqs", "get-queue-attributes", "--queue-url", outputs[output], "--attribute-names", *counts)

    by_file_key = ("--index-name", "fileKey-index", "--key-condition-expression", "fileKey = :key")
    return {
        "Upload an image": aws("s3", "cp", str(photo), f"s3://{outputs['ingestBucket']}/{FILE_KEY}"),
        "Ask what became of it": table(
            "query", "jobsTable", *by_file_key, "--expression-attribute-values", f'{{":key": {{"S": "{FILE_KEY}"}}}}'
        ),
        "Read its record": table("get-item", "assetsTable", "--key", f'{{"fileKey": {{"S": "{FILE_KEY}"}}}}'),
        "List its renditions": aws(
            "s3", "ls", "--recursive", f"s3://{outputs['processedBucket']}/processed/{FILE_KEY}/"
        ),
        "Count the messages that wait or are being worked on": queue("transformQueueUrl"),
        "Count the messages that gave up": queue("transformDlqUrl"),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
