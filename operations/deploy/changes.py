"""What the Pulumi engine would do or did, read from its events, and which of it may destroy data."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pulumi.automation import EngineEvent
    from pulumi.automation.events import StepEventMetadata

# Types that hold data, or that other systems refer to by name: deleting or replacing one must be allowed.
STATEFUL_TYPES = frozenset(
    {
        "aws:s3/bucket:Bucket",
        "aws:cognito/userPool:UserPool",
        "aws:dynamodb/table:Table",
        "aws:sqs/queue:Queue",
        "aws:sns/topic:Topic",
        "aws:kms/key:Key",
        "aws:cloudwatch/logGroup:LogGroup",
    }
)
DESTRUCTIVE = frozenset({"delete", "replace"})

# A replacement is three of the engine's steps, and one thing to the reader.
_OPERATIONS = {"create-replacement": "replace", "delete-replaced": "replace", "import-replacement": "replace"}
_UNCHANGED = frozenset({"same", "refresh", "discard", "discard-replaced", "remove-pending-replace"})
_STACK_TYPE = "pulumi:pulumi:Stack"
# How the Automation API reports what the program raised; a traceback follows.
_CRASH = "python inline source runtime error: "
# What the engine and the language host add below an error that was already reported.
_ECHOES = ("an unhandled error occurred: ", "preview failed", "update failed", "resource registration failed")


@dataclass(frozen=True, kw_only=True)
class Change:
    """One resource that a deployment changes.

    Attributes:
        operation: create, update, replace, delete, read or import.
        urn: the resource's name in Pulumi.
        type: its type token, for example `aws:sqs/queue:Queue`.
        properties: the input properties that differ.
        causes: those of them that cannot be changed in place.
    """

    operation: str
    urn: str
    type: str
    properties: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The resource's name in the program."""
        return self.urn.rsplit("::", 1)[-1]

    @property
    def loses_state(self) -> bool:
        """Whether data goes away with it."""
        return self.operation in DESTRUCTIVE and self.type in STATEFUL_TYPES


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why a deployment failed.

    Attributes:
        urn: the resource at fault; "" where it is the program or the engine.
        message: the diagnostic, which may have several lines.
    """

    urn: str
    message: str

    def __str__(self) -> str:
        """One line: the resource's type and name, and the first paragraph of the diagnostic."""
        sentence = " ".join(self.message.partition("\n\n")[0].split())
        if not self.urn:
            return sentence
        *_, types, name = self.urn.split("::")
        return f"{types.rsplit('$', 1)[-1]} {name}: {sentence}"


def refused(changes: Iterable[Change], allowed: Collection[str]) -> list[Change]:
    """The changes that would lose state and that are not allowed.

    Args:
        changes: what a preview found.
        allowed: URNs and type tokens that may be deleted or replaced.
    """
    return [change for change in changes if change.loses_state and not {change.urn, change.type} & set(allowed)]


class EventLog:
    """Folds the engine's events, as they come, into changes, failures and warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self._totals: dict[str, int] = {}
        self._changes: dict[str, Change] = {}
        self._diagnostics: list[Failure] = []

    @property
    def changes(self) -> tuple[Change, ...]:
        """One change for each resource that does not stay as it is, in the engine's order."""
        return tuple(self._changes.values())

    @property
    def failures(self) -> tuple[Failure, ...]:
        """The errors, without those that only repeat another."""
        causes = [failure for failure in self._diagnostics if not failure.message.startswith(_ECHOES)]
        return tuple(dict.fromkeys(causes or self._diagnostics))

    @property
    def unchanged(self) -> int:
        """How many resources stay as they are."""
        return self._totals.get("same", 0)

    @property
    def unnamed_changes(self) -> int:
        """Deletions and replacements that the engine counted and no event named.

        The SDK drops an event that it cannot read, such as one of a newer CLI.
        """
        named = [change.operation for change in self.changes]
        return sum(max(0, self._totals.get(operation, 0) - named.count(operation)) for operation in DESTRUCTIVE)

    def note(self, event: EngineEvent) -> None:
        """Take one event."""
        if step := event.res_outputs_event:
            self._note_step(step.metadata)
        if diagnostic := event.diagnostic_event:
            self._note_diagnostic(diagnostic.severity, diagnostic.urn, diagnostic.message)
        if policy := event.policy_event:
            severity = "error" if policy.enforcement_level == "mandatory" else "warning"
            self._note_diagnostic(severity, policy.resource_urn, f"policy {policy.policy_name}: {policy.message}")
        if event.summary_event:
            self._totals = {str(name): count for name, count in event.summary_event.resource_changes.items()}

    def _note_step(self, step: StepEventMetadata) -> None:
        if step.op.value in _UNCHANGED or step.type == _STACK_TYPE:
            return
        change = Change(
            operation=_OPERATIONS.get(step.op.value, step.op.value),
            urn=step.urn,
            type=step.type,
            properties=tuple(step.detailed_diff or step.diffs or ()),
            causes=tuple(step.keys or ()),
        )
        known = self._changes.get(step.urn)
        if known and known.operation == "replace":
            # Its other steps know less about it.
            change = replace(known, properties=known.properties or change.properties)
        self._changes[step.urn] = change

    def _note_diagnostic(self, severity: str, urn: str | None, message: str) -> None:
        if severity == "warning":
            self.warnings.append(message.strip())
        elif severity == "error":
            resource = "" if not urn or f"::{_STACK_TYPE}::" in urn else urn
            self._diagnostics.append(Failure(urn=resource, message=_cause_first(message.strip())))


def _cause_first(message: str) -> str:
    """A traceback names its cause last; a reader wants it first."""
    if not message.startswith(_CRASH):
        return message
    traceback = message.removeprefix(_CRASH).partition("\n")[2]
    return f"the program raised {traceback.splitlines()[-1]}\n\n{traceback}" if traceback else message
