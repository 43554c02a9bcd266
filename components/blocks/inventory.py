"""What a layer adds to the stack's outputs, which `__main__.py` gathers from every layer."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import pulumi

from components.blocks.monitoring import Monitored


class Logged(Protocol):
    """What runs with a role of its own and logs to a group of its own: a function, a workflow or a pipe."""

    @property
    def log_group_name(self) -> str: ...

    @property
    def role_arn(self) -> pulumi.Output[str]: ...


class NamedFunction(Logged, Protocol):
    """A Lambda function."""

    @property
    def function_name(self) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """The parts of a layer that operators and clients look up.

    Attributes:
        outputs: values of `contract.outputs.StackOutputs`, by the name of the field.
        functions: by short name.
        workflows: state machines and the pipe, by the name of their role.
        log_groups: log groups of nothing in `functions` or `workflows`, by what they hold.
        role_arns: roles of nothing in `functions` or `workflows`, by name.
    """

    outputs: Mapping[str, Any] = field(default_factory=dict)
    functions: Mapping[str, NamedFunction] = field(default_factory=dict)
    workflows: Mapping[str, Logged] = field(default_factory=dict)
    log_groups: Mapping[str, str] = field(default_factory=dict)
    role_arns: Mapping[str, pulumi.Output[str]] = field(default_factory=dict)

    @property
    def exported(self) -> dict[str, Any]:
        """The outputs, with those that name every function, log group and role."""
        logged = {**self.functions, **self.workflows}
        return {
            **self.outputs,
            "function_names": {name: each.function_name for name, each in self.functions.items()},
            "log_groups": {name: each.log_group_name for name, each in logged.items()} | dict(self.log_groups),
            "role_arns": {name: each.role_arn for name, each in logged.items()} | dict(self.role_arns),
        }


class Listed(Protocol):
    """A layer that lists its parts."""

    def inventory(self) -> Inventory: ...


class Layer(Listed, Monitored, Protocol):
    """A layer that also provides monitoring."""


def gathered(layers: Iterable[Listed]) -> Inventory:
    """The parts of all layers."""
    parts = [layer.inventory() for layer in layers]
    return Inventory(
        outputs={name: value for each in parts for name, value in each.outputs.items()},
        functions={name: value for each in parts for name, value in each.functions.items()},
        workflows={name: value for each in parts for name, value in each.workflows.items()},
        log_groups={name: value for each in parts for name, value in each.log_groups.items()},
        role_arns={name: value for each in parts for name, value in each.role_arns.items()},
    )
