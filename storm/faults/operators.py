"""What operators do by mistake: stop the pipe, and take a permission away."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from storm.faults.fault import Fault
from storm.testbed import Testbed


@dataclass(kw_only=True)
class PipeStopped(Fault):
    """The pipe is stopped while files are on their way, and started again."""

    name: str = "pipe stopped and started"
    point: str = "StopPipe, StartPipe"
    proof: str = "messages that waited while it was stopped"
    hold_seconds: float = 3
    needs_load: bool = True
    _seen: int = 0

    def inject(self, bed: Testbed) -> None:
        """Stop it."""
        bed.stack.cloud.client("pipes").stop_pipe(Name=bed.stack.outputs["pipeName"])

    def fired(self, bed: Testbed) -> int:
        """Count what waits."""
        pipe = bed.stack.cloud.client("pipes").describe_pipe(Name=bed.stack.outputs["pipeName"])
        if pipe["CurrentState"] == "STOPPED":
            depth = bed.stack.pipeline.queue_depth(bed.stack.outputs["transformQueueUrl"])
            self._seen = max(self._seen, depth)
        return self._seen

    def recover(self, bed: Testbed) -> None:
        """Start it."""
        bed.stack.cloud.client("pipes").start_pipe(Name=bed.stack.outputs["pipeName"])


@dataclass(kw_only=True)
class PermissionRemoved(Fault):
    """A function's role loses its policies, and gets them back."""

    name: str = "permission removed and restored"
    point: str = "the inline policies of the thumbnail function's role"
    proof: str = "denied calls of the role in the journal of decisions"
    hold_seconds: float = 2
    _policies: dict[str, dict[str, object]] = field(default_factory=dict)
    _before: int = 0

    def inject(self, bed: Testbed) -> None:
        """Delete every inline policy."""
        iam, role = bed.stack.cloud.client("iam"), self._role(bed)
        self._before = self._denied(bed)
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            self._policies[name] = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
            iam.delete_role_policy(RoleName=role, PolicyName=name)

    def fired(self, bed: Testbed) -> int:
        """Count denials since."""
        return self._denied(bed) - self._before

    def recover(self, bed: Testbed) -> None:
        """Put the policies back."""
        iam, role = bed.stack.cloud.client("iam"), self._role(bed)
        for name, document in self._policies.items():
            iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))

    def _denied(self, bed: Testbed) -> int:
        role = self._role(bed)
        return sum(each.role == role and not each.allowed for each in bed.stack.cloud.journal())

    def _role(self, bed: Testbed) -> str:
        return bed.stack.outputs["roleArns"]["thumbnail"].rsplit("/", 1)[-1]
