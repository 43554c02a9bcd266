"""The file by which other processes find the embedded cloud of `make up` and the outputs of its stack."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from localcloud.emulator import EmulatorError

LOCAL_STATE = Path(__file__).resolve().parent.parent / ".build" / "local-cloud.json"
STATE_VARIABLE = "IMG_PIPELINE_LOCAL_STATE"
"""Environment variable with the path of a file to use instead of `LOCAL_STATE`, separate from that of `make up`."""
ANSWER_TIMEOUT_SECONDS = 5


@dataclass(frozen=True, kw_only=True)
class LocalCloud:
    """The embedded cloud that `make up` started.

    Attributes:
        endpoint_url: its address.
        region: where its resources are.
        outputs: the local stack's outputs by name.
    """

    endpoint_url: str
    region: str
    outputs: Mapping[str, Any]

    @classmethod
    def running(cls) -> Self:
        """Return the embedded cloud that is running.

        Raises:
            EmulatorError: no embedded cloud is running, or it does not respond.
        """
        try:
            state = json.loads(local_state().read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise EmulatorError("no embedded cloud is running: start one with `make up` in another terminal") from None
        if not _is_running(state["endpointUrl"]):
            raise EmulatorError(
                f"the embedded cloud at {state['endpointUrl']} does not respond: "
                "start a new one with `make up` in another terminal"
            )
        return cls(endpoint_url=state["endpointUrl"], region=state["region"], outputs=state["outputs"])

    @contextlib.contextmanager
    def announced(self) -> Iterator[None]:
        """Announce this cloud to `--local` until the end of the block, or until another one is announced."""
        self.announce()
        try:
            yield
        finally:
            with contextlib.suppress(FileNotFoundError):
                if json.loads(local_state().read_text(encoding="utf-8"))["endpointUrl"] == self.endpoint_url:
                    local_state().unlink()

    def announce(self) -> None:
        """Write the address and outputs of this cloud; the file is replaced atomically."""
        local_state().parent.mkdir(parents=True, exist_ok=True)
        draft = local_state().with_suffix(f".{os.getpid()}")
        state = {"endpointUrl": self.endpoint_url, "region": self.region, "outputs": dict(self.outputs)}
        draft.write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")
        draft.replace(local_state())


def local_state() -> Path:
    """Return the path of the file with the address of the embedded cloud."""
    return Path(os.environ.get(STATE_VARIABLE) or LOCAL_STATE)


@contextlib.contextmanager
def separate_local_state() -> Iterator[None]:
    """Use a temporary state file until the end of the block, in this process and its child processes."""
    before = os.environ.get(STATE_VARIABLE)
    with tempfile.TemporaryDirectory(prefix="img-pipeline-state-") as folder:
        os.environ[STATE_VARIABLE] = str(Path(folder, LOCAL_STATE.name))
        try:
            yield
        finally:
            del os.environ[STATE_VARIABLE]
            if before is not None:
                os.environ[STATE_VARIABLE] = before


@contextlib.contextmanager
def exclusive_local_state() -> Iterator[None]:
    """Prevent other processes from announcing a cloud in this clone until the end of the block.

    Raises:
        EmulatorError: another process is running a cloud in this clone.
    """
    local_state().parent.mkdir(parents=True, exist_ok=True)
    with local_state().with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EmulatorError(
                "an embedded cloud is already running in this clone: use it with `--local`, or stop it first (Ctrl-C)"
            ) from None
        yield


def _is_running(endpoint_url: str) -> bool:
    """Whether an embedded cloud responds at the address; another program may be using its port."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{endpoint_url}/_ministack/health", timeout=ANSWER_TIMEOUT_SECONDS) as answer:
            return answer.status == 200 and "services" in json.load(answer)
    except (OSError, ValueError):
        return False
