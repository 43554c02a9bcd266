"""The `pulumi` command as the Automation API drives it, which can also read a secret and be interrupted."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Mapping
from typing import IO

from pulumi.automation import CommandResult, InvalidVersionError, OnOutput, PulumiCommand
from pulumi.automation.errors import create_command_error

from client.errors import PipelineError
from operations.deploy.location import find_cli

INSTALL_HINT = (
    "the Pulumi CLI is not on PATH: install it with `curl -fsSL https://get.pulumi.com | sh` "
    "(macOS: `brew install pulumi/tap/pulumi`), or run `make engine` here, then try again"
)


class PulumiCli(PulumiCommand):
    """The `pulumi` on PATH or, without one, the one that `make engine` has cached; with `root`, the one in `root`/bin.

    Raises:
        PipelineError: there is none, or it is too old for this program's Pulumi SDK.
    """

    def __init__(self, root: str | None = None) -> None:
        self._running: subprocess.Popen[str] | None = None
        if root is None and (cli := find_cli()) and not shutil.which("pulumi"):
            root = str(cli.parent.parent)
        try:
            super().__init__(root=root)
        except (FileNotFoundError, NotADirectoryError):
            raise PipelineError(INSTALL_HINT) from None
        except InvalidVersionError as error:
            raise PipelineError(str(error)) from None

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnOutput | None = None,
        on_error: OnOutput | None = None,
    ) -> CommandResult:
        """Run a command to its end, as the Automation API does."""
        return self._run(args, cwd, additional_env, on_output=on_output, on_error=on_error)

    def run_with_input(self, args: list[str], cwd: str, additional_env: Mapping[str, str], text: str) -> CommandResult:
        """Run a command that reads `text` from its standard input, where no list of processes shows it."""
        return self._run(args, cwd, additional_env, text=text)

    def interrupt(self) -> bool:
        """Request the running command to stop after the operations in progress; the second time, immediately.

        Returns:
            Whether there is one that runs.
        """
        if self._running is None or self._running.poll() is not None:
            return False
        self._running.send_signal(signal.SIGINT)
        return True

    def _run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        *,
        on_output: OnOutput | None = None,
        on_error: OnOutput | None = None,
        text: str = "",
    ) -> CommandResult:
        environment = {**os.environ, **additional_env, "PULUMI_AUTOMATION_API": "true"}
        if os.path.isabs(self.command):
            # The plugins that came with this CLI go before others.
            environment["PATH"] = os.pathsep.join([os.path.dirname(self.command), environment.get("PATH", "")])
        with subprocess.Popen(  # noqa: S603 - the user's own pulumi
            [self.command, "--non-interactive", *args],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=environment,
            encoding="utf-8",
            # Ctrl-C in a terminal then reaches only us, and interrupt() passes it on exactly once.
            start_new_session=True,
        ) as process:
            self._running = process
            output, errors = _Reader(process.stdout, on_output), _Reader(process.stderr, on_error)
            if process.stdin:
                process.stdin.write(text)
                process.stdin.close()
            output.join()
            errors.join()
            code = process.wait()
        result = CommandResult(stdout="\n".join(output.lines), stderr="\n".join(errors.lines), code=code)
        if code != 0:
            raise create_command_error(result)
        return result


class _Reader(threading.Thread):
    """Reads a stream line by line until it closes."""

    def __init__(self, stream: IO[str] | None, on_line: OnOutput | None) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._stream = stream
        self._on_line = on_line
        self.start()

    def run(self) -> None:
        for line in self._stream or ():
            self.lines.append(line.rstrip())
            if self._on_line:
                self._on_line(line.rstrip())
