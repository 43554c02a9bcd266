"""Starts and stops the embedded cloud, and creates clients for it.

>>> with Emulator.start() as cloud:
...     cloud.client("s3").create_bucket(Bucket="pictures")
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from localcloud.clients import make_client
from localcloud.faults import PlannedFault

HOST = "127.0.0.1"
START_TIMEOUT_SECONDS = 30
STOP_TIMEOUT_SECONDS = 10
# A server that keeps its state writes it as it stops: a hundred megabytes and more after a few hundred files.
SAVE_TIMEOUT_SECONDS = 120
PROJECT_ROOT = Path(__file__).resolve().parent.parent
REQUIRED_PACKAGES = ("ministack", "hypercorn", "cryptography", "cbor2", "boto3")


class EmulatorError(RuntimeError):
    """The embedded cloud cannot start or refuses a request; the message says what to do."""


@dataclass(frozen=True)
class Decision:
    """One authorization decision about a role's call.

    Attributes:
        role: name of the role that made the call.
        action: IAM action, for example `s3:GetObjectVersion`.
        resource: ARN that the action was checked on, or `*`.
        allowed: the decision.
    """

    role: str
    action: str
    resource: str
    allowed: bool


class Emulator:
    """A running embedded cloud. Create one with :meth:`Emulator.start`; the end of its ``with`` block stops it."""

    def __init__(
        self, *, port: int, region: str, account_id: str, data_directory: Path, remove_directory: bool
    ) -> None:
        self.port = port
        self.region = region
        self.account_id = account_id
        self.data_directory = data_directory
        self.endpoint_url = f"http://{HOST}:{port}"
        self._remove_directory = remove_directory
        self._server: subprocess.Popen[bytes]
        self._lock: BinaryIO
        self._pipe_options: tuple[int, int | None]
        self._clients: dict[tuple[str, str | None], Any] = {}
        self._clients_lock = threading.Lock()

    @property
    def server_process_id(self) -> int:
        """The id of the server's process and of the process group of the server and its workers."""
        return self._server.pid

    @classmethod
    def start(
        cls,
        port: int = 0,
        region: str = "us-east-1",
        account_id: str = "000000000000",
        data_directory: Path | str | None = None,
        *,
        pipe_concurrency: int | None = None,
        pipe_retry_seconds: int | None = None,
    ) -> Self:
        """Start an embedded cloud with IAM enforced and wait until it is ready.

        Args:
            port: loopback port; 0 chooses a free one.
            region: region of every resource.
            account_id: account of every resource, twelve digits.
            data_directory: kept with the cloud's state, which a later start loads. Default: a private
                temporary directory that `stop` removes.
            pipe_concurrency: batches that one pipe processes at a time. Default: one per processor, from two to four.
            pipe_retry_seconds: seconds until a message of a failed batch becomes visible again. Default: the rest of
                its queue's visibility timeout, as on AWS, which is minutes.

        Raises:
            EmulatorError: a package is missing, the port or the data directory is in use, or the server stopped; the
                message says which.
        """
        if not re.fullmatch(r"\d{12}", account_id):
            raise EmulatorError(f"account_id is {account_id!r}: an AWS account id is twelve digits")
        for package in REQUIRED_PACKAGES:
            if importlib.util.find_spec(package) is None:
                raise EmulatorError(f"the embedded cloud needs the package {package}: run `make setup` to install it")
        with _bind(port) as listener:
            directory = _make_directory(data_directory)
            lock = _lock(directory)
            emulator = cls(
                port=listener.getsockname()[1],
                region=region,
                account_id=account_id,
                data_directory=directory,
                remove_directory=data_directory is None,
            )
            emulator._lock = lock
            emulator._pipe_options = (pipe_concurrency or _default_pipe_concurrency(), pipe_retry_seconds)
            emulator._start_server(listener, *emulator._pipe_options)
        try:
            emulator._wait_until_ready()
        except BaseException:
            emulator.stop()
            raise
        return emulator

    def client(self, service: str, role: str | None = None) -> Any:
        """Return a boto3 client, which is thread-safe.

        Args:
            service: service name as boto3 spells it.
            role: name of the IAM role whose permissions the client has. Default: the account's root user.

        Raises:
            EmulatorError: the role does not exist.
        """
        with self._clients_lock:
            key = (service, role)
            if key not in self._clients:
                credentials = self._role_session(role) if role else None
                self._clients[key] = make_client(service, self.endpoint_url, self.region, self.account_id, credentials)
            return self._clients[key]

    def journal(self) -> list[Decision]:
        """Return every authorization decision about a role's call since the start, oldest first."""
        path = self.data_directory / "journal.jsonl"
        if not path.exists():
            return []
        return [Decision(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]

    def log_tail(self, lines: int = 15) -> str:
        """Return the last lines of the server's log."""
        path = self.data_directory / "server.log"
        return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])

    def stop(self) -> None:
        """Stop the cloud and its processes; remove its directory if it is temporary. Can be called twice."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        self._stop_server()
        self._lock.close()
        if self._remove_directory:
            shutil.rmtree(self.data_directory, ignore_errors=True)

    def _stop_server(self) -> None:
        if self._server.stdin and not self._server.stdin.closed:
            self._server.stdin.close()
        try:
            exit_status = self._server.wait(STOP_TIMEOUT_SECONDS if self._remove_directory else SAVE_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            exit_status = None
        if exit_status != 0:
            # The server did not stop its workers, which share its process group.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._server.pid, signal.SIGKILL)
            self._server.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start_server(self, listener: socket.socket, pipe_concurrency: int, pipe_retry_seconds: int | None) -> None:
        """Start the server in its own session, so that Ctrl-C in a terminal reaches only this process.

        The server stops when its standard input is closed, also by the operating system if this process dies.
        """
        options = {
            "listener": listener.fileno(),
            "endpoint-url": self.endpoint_url,
            "region": self.region,
            "account-id": self.account_id,
            "directory": self.data_directory,
            "remove-directory": int(self._remove_directory),
            "pipe-concurrency": pipe_concurrency,
            "pipe-retry-seconds": pipe_retry_seconds,
        }
        arguments = [f"--{name}={value}" for name, value in options.items() if value is not None]
        # A server that stopped removed it; without it, Python takes the machine's own directory for temporary files.
        (self.data_directory / "tmp").mkdir(exist_ok=True)
        with open(self.data_directory / "server.log", "ab") as log:
            self._server = subprocess.Popen(  # noqa: S603 (our own interpreter and module)
                [sys.executable, "-m", "localcloud.server", *arguments],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                # The server also holds the directory's lock: it can still be writing after this process has died.
                pass_fds=(listener.fileno(), self._lock.fileno()),
                start_new_session=True,
                cwd=self.data_directory,
                env=self._server_environment(),
            )

    def _server_environment(self) -> dict[str, str]:
        """Build the server's environment without the caller's AWS settings, proxies and home directory."""
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "PYTHONPATH": str(PROJECT_ROOT),
            "PYTHONUNBUFFERED": "1",
            "LANG": "C.UTF-8",
            "HOME": str(self.data_directory / "tmp"),
            "TMPDIR": str(self.data_directory / "tmp"),
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": HOST,
            "AUTH": "true",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "MINISTACK_REGION": self.region,
            "MINISTACK_ACCOUNT_ID": self.account_id,
            "AWS_EC2_METADATA_DISABLED": "true",
            # Otherwise the emulator connects to a container daemon and removes containers.
            "DOCKER_HOST": "unix:///nonexistent",
            # Also where user pools keep the keys that they sign with, whether or not the rest is kept.
            "STATE_DIR": str(self.data_directory / "state"),
        }
        if not self._remove_directory:
            environment |= {
                "PERSIST_STATE": "1",
                "S3_PERSIST": "1",
                "S3_DATA_DIR": str(self.data_directory / "s3"),
            }
        return environment

    def executions(self, machine_arn: str) -> list[dict[str, Any]]:
        """Return a state machine's executions, latest first; AWS does not list Express executions.

        Returns:
            For each its ``executionArn``, ``name``, ``status``, and ``events`` as in GetExecutionHistory.
        """
        query = urllib.parse.urlencode({"machine": machine_arn})
        return json.loads(_request(f"{self.endpoint_url}/_localcloud/executions?{query}"))

    def inject(self, fault: PlannedFault) -> int:
        """Put a fault in force, see `localcloud.faults`; its number."""
        return json.loads(_request(f"{self.endpoint_url}/_localcloud/faults", json.dumps(asdict(fault)).encode()))

    def injected(self, number: int) -> int:
        """How often a fault has struck; 0 for one of before a restart."""
        return json.loads(_request(f"{self.endpoint_url}/_localcloud/faults?number={number}"))

    def withdraw(self, number: int) -> int:
        """End a fault; how often it struck."""
        return json.loads(_request(f"{self.endpoint_url}/_localcloud/faults?number={number}", method="DELETE"))

    def restart(self) -> None:
        """Stop the server in the middle of what it does, and start it again on the same port and data directory.

        Raises:
            EmulatorError: the data directory is temporary, or the server did not stop by itself: nothing would be left.
        """
        if self._remove_directory:
            raise EmulatorError("a cloud without a data directory keeps nothing: start it with data_directory")
        self._stop_server()
        if self._server.returncode != 0:
            raise EmulatorError(f"the embedded cloud did not save its state; its log ends with:\n{self.log_tail()}")
        with _bind(self.port) as listener:
            self._start_server(listener, *self._pipe_options)
        self._wait_until_ready()

    def _role_session(self, role: str) -> dict[str, str]:
        query = urllib.parse.urlencode({"role": role})
        try:
            return json.loads(_request(f"{self.endpoint_url}/_localcloud/role-credentials?{query}"))
        except urllib.error.HTTPError as error:
            raise EmulatorError(error.read().decode()) from None

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            if self._server.poll() is not None:
                raise EmulatorError(
                    f"the embedded cloud exited at start with status {self._server.returncode}; "
                    f"its log ends with:\n{self.log_tail()}"
                )
            with contextlib.suppress(OSError):
                _request(f"{self.endpoint_url}/_ministack/health")
                return
            time.sleep(0.02)
        raise EmulatorError(
            f"the embedded cloud was not ready within {START_TIMEOUT_SECONDS} s; its log ends with:\n{self.log_tail()}"
        )


def _bind(port: int) -> socket.socket:
    """Bind the port in this process, so that no other process can take it before the server uses it."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise EmulatorError(
            f"port {port} on {HOST} is not available ({error.strerror}): stop what uses it or choose another port"
        ) from None
    return listener


def _make_directory(wanted: Path | str | None) -> Path:
    directory = Path(wanted or tempfile.mkdtemp(prefix="img-pipeline-cloud-")).resolve()
    try:
        (directory / "tmp").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EmulatorError(f"the data directory {directory} cannot be used: {error.strerror}") from None
    return directory


def _lock(directory: Path) -> BinaryIO:
    """Lock a data directory for one cloud, until every process with the lock file has closed it."""
    file = (directory / "lock").open("wb")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise EmulatorError(
            f"the data directory {directory} is in use by another embedded cloud: "
            "stop that one or choose another directory"
        ) from None
    return file


def _default_pipe_concurrency() -> int:
    return max(2, min(4, os.cpu_count() or 1))


def _request(url: str, body: bytes | None = None, method: str | None = None) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, body, method=method)  # noqa: S310 (always our own http endpoint)
    with opener.open(request, timeout=5) as answer:
        return answer.read()
