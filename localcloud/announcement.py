"""How others find the embedded cloud that `make up` keeps running here, and what the local stack is called in it."""

from __future__ import annotations

import contextlib
import json
import os
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from localcloud.emulator import EmulatorError

LOCAL_STATE = Path(__file__).resolve().parent.parent / ".build" / "local-cloud.json"
ANSWER_TIMEOUT_SECONDS = 5


@dataclass(frozen=True, kw_only=True)
class LocalCloud:
    """The embedded cloud that `make up` keeps running here.

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
        """The one that runs now.

        Raises:
            EmulatorError: none was announced, or the one that was does not answer any more.
        """
        try:
            state = json.loads(LOCAL_STATE.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise EmulatorError("no embedded cloud runs here: start one with `make up` in another terminal") from None
        if not _answers(state["endpointUrl"]):
            raise EmulatorError(
                f"the embedded cloud at {state['endpointUrl']} does not answer any more: "
                "start a new one with `make up` in another terminal"
            )
        return cls(endpoint_url=state["endpointUrl"], region=state["region"], outputs=state["outputs"])

    @contextlib.contextmanager
    def announced(self) -> Iterator[None]:
        """Let `--local` find this cloud until the end of the block, or until another one is announced."""
        self.announce()
        try:
            yield
        finally:
            with contextlib.suppress(FileNotFoundError):
                if json.loads(LOCAL_STATE.read_text(encoding="utf-8"))["endpointUrl"] == self.endpoint_url:
                    LOCAL_STATE.unlink()

    def announce(self) -> None:
        """Write where this cloud is; a reader sees either the old state or the new, never half of one."""
        LOCAL_STATE.parent.mkdir(parents=True, exist_ok=True)
        draft = LOCAL_STATE.with_suffix(f".{os.getpid()}")
        state = {"endpointUrl": self.endpoint_url, "region": self.region, "outputs": dict(self.outputs)}
        draft.write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")
        draft.replace(LOCAL_STATE)


def _answers(endpoint_url: str) -> bool:
    """Whether an embedded cloud is there, and not something else that has taken its port since."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{endpoint_url}/_ministack/health", timeout=ANSWER_TIMEOUT_SECONDS) as answer:
            return answer.status == 200 and "services" in json.load(answer)
    except (OSError, ValueError):
        return False
