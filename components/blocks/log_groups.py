"""The names of the log groups, for the groups themselves and for the policy of the key that encrypts them."""

from __future__ import annotations

from collections.abc import Iterable

from components.stack_context import StackContext
from contract.names import ORDER_STATE_MACHINE, STATE_MACHINE

# A log group with this prefix needs no entry in the account's resource policy, whose size is limited ("Logging in
# CloudWatch Logs").
VENDED_LOGS = "/aws/vendedlogs"


def function_log_group(context: StackContext, short_name: str) -> str:
    """The log group of the Lambda function functions/{short_name}."""
    return f"/aws/lambda/{context.name(short_name)}"


def workflow_log_group(context: StackContext, machine: str) -> str:
    """The log group of a state machine."""
    return f"{VENDED_LOGS}/states/{context.name(machine)}"


def pipe_log_group(context: StackContext) -> str:
    """The log group of the pipe."""
    return f"{VENDED_LOGS}/pipes/{context.name('pipe')}"


def audit_log_group(context: StackContext) -> str:
    """The log group of the operators' commands."""
    return context.name("audit")


def api_log_group(context: StackContext) -> str:
    """The log group of the API's requests."""
    return f"{VENDED_LOGS}/apigateway/{context.name('api')}"


def all_log_groups(context: StackContext, functions: Iterable[str]) -> list[str]:
    """Every log group of the stack; `functions` are the short names of its Lambda functions."""
    return [
        *(function_log_group(context, short_name) for short_name in functions),
        *(workflow_log_group(context, machine) for machine in (STATE_MACHINE, ORDER_STATE_MACHINE)),
        pipe_log_group(context),
        audit_log_group(context),
        api_log_group(context),
    ]
