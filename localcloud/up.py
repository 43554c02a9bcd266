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
from rich.table import Table

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
    # A supervisor's polite stop ends as a person's does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with Emulator.start(
            port=options.port,
            region=options.region,
            account_id=options.account,
            data_directory=options.data_directory,
        ) as cloud:
            _deploy_and_explain(cloud, Console(highlight=False, soft_wrap=True))
            print("Ctrl-C stops it" + ("." if options.data_directory else " and removes everything in it."), flush=True)
            threading.Event().wait()
    except KeyboardInterrupt:
        print("stopped")
    except Exception as error:
        print(f"make up: {error}", file=sys.stderr)
        return 1
    return 0


def _deploy_and_explain(cloud: Emulator, console: Console) -> None:
    with console.status("deploying") as status:
        outputs = deploy(cloud, STACK, progress=lambda kind, name: status.update(f"deploying {kind} {name}"))
    photo = cloud.data_directory / "photo.jpg"
    Image.linear_gradient("L").resize((960, 640)).convert("RGB").save(photo)
    console.print(_names(outputs))
    console.print(f"\nThe cloud answers at {cloud.endpoint_url}. For example:\n")
    for purpose, command in commands(cloud, outputs, photo):
        console.print(f"# {purpose}", style="dim")
        console.print(command, markup=False, end="\n\n")


def commands(cloud: Emulator, outputs: Mapping[str, Any], photo: Path) -> list[tuple[str, str]]:
    """What to try, in this order: (purpose, shell command) pairs that work as they are."""
    processed = outputs["processedBucket"]
    file_key = f'{{":fileKey": {{"S": "{FILE_KEY}"}}}}'
    return [
        (purpose, _aws(cloud, *arguments))
        for purpose, *arguments in (
            ("Upload an image", "s3", "cp", str(photo), f"s3://{outputs['ingestBucket']}/{FILE_KEY}"),
            (
                "Ask what became of it",
                *("dynamodb", "query", "--table-name", outputs["jobsTable"], "--index-name", "fileKey-index"),
                *("--key-condition-expression", "fileKey = :fileKey", "--expression-attribute-values", file_key),
            ),
            (
                "Read its record",
                *("dynamodb", "get-item", "--table-name", outputs["assetsTable"]),
                *("--key", f'{{"fileKey": {{"S": "{FILE_KEY}"}}}}'),
            ),
            ("List its renditions", "s3", "ls", "--recursive", f"s3://{processed}/processed/{FILE_KEY}/"),
            (
                "Count the messages that wait, and those that gave up",
                *("sqs", "get-queue-attributes", "--queue-url", outputs["transformQueueUrl"]),
                *("--attribute-names", "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"),
            ),
            (
                "Count the messages that gave up",
                *("sqs", "get-queue-attributes", "--queue-url", outputs["transformDlqUrl"]),
                *("--attribute-names", "ApproximateNumberOfMessages"),
            ),
        )
    ]


def _aws(cloud: Emulator, *arguments: str) -> str:
    """Spell a call of the AWS command line with all that it needs, so that it works in any shell."""
    environment = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": cloud.region,
    }
    settings = " ".join(f"{name}={value}" for name, value in environment.items())
    return f"{settings} \\\n  {shlex.join(['aws', '--endpoint-url', cloud.endpoint_url, *arguments])}"


def _names(outputs: Mapping[str, Any]) -> Table:
    """Every output of the stack with its value; a group's members each on a line of its own."""
    table = Table(title=f"Stack {STACK}", title_justify="left", box=None, show_header=False, padding=(0, 2, 0, 0))
    for name, value in sorted(outputs.items()):
        members = value.items() if isinstance(value, dict) else [("", value)]
        for member, text in members:
            table.add_row(f"{name} {member}".strip(), str(text))
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
