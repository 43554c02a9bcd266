"""IAM policy documents, and a role for one service with one inline policy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.stack_context import StackContext

Statement = Mapping[str, Any]
Condition = Mapping[str, Mapping[str, pulumi.Input[str] | Sequence[pulumi.Input[str]]]]


class Permission(dict[str, Any]):
    """A statement of a role's policy with the reason for it, which docs/security.md shows."""

    why: str


def allow(
    sid: str,
    actions: Sequence[str],
    resources: Sequence[pulumi.Input[str]],
    condition: Condition | None = None,
    *,
    why: str,
) -> Permission:
    """A statement of a role's policy that allows `actions` on `resources`. docs/security.md shows `why`."""
    statement = Permission(Sid=sid, Effect="Allow", Action=list(actions), Resource=list(resources))
    if condition:
        statement["Condition"] = condition
    statement.why = why
    return statement


def allow_service(
    sid: str, service: str, actions: Sequence[str], resource: pulumi.Input[str], condition: Condition
) -> Statement:
    """A statement of a resource's policy that allows `service` to call `actions` under `condition`."""
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": list(actions),
        "Resource": resource,
        "Condition": condition,
    }


def deny_plaintext(actions: str, resources: Sequence[pulumi.Input[str]]) -> Statement:
    """A statement of a resource's policy that denies requests without TLS."""
    return {
        "Sid": "DenyPlaintext",
        "Effect": "Deny",
        "Principal": "*",
        "Action": actions,
        "Resource": list(resources),
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def policy_document(statements: Sequence[Statement]) -> pulumi.Output[str]:
    """The JSON of a policy."""
    return pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": list(statements)})


def write_logs(log_group_arn: pulumi.Input[str]) -> Statement:
    """Permission to write events to one log group, and to create streams in it."""
    return allow(
        "WriteLogs",
        ["logs:CreateLogStream", "logs:PutLogEvents"],
        [pulumi.Output.concat(log_group_arn, ":*")],
        why="Writes its log events",
    )


def write_traces() -> Statement:
    """Permission to send traces to X-Ray, whose actions support no resource but `*`."""
    why = "Sends traces; AWS supports no narrower resource"
    return allow("WriteTraces", ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], ["*"], why=why)


def use_key(context: StackContext, actions: Sequence[str], services: Sequence[str]) -> tuple[Statement, ...]:
    """Permission to use the customer-managed key through `services` only; nothing when AWS manages the keys."""
    if context.key_arn is None:
        return ()
    via = [f"{service}.{context.region}.{context.dns_suffix}" for service in services]
    why = f"Decrypts or encrypts data, through {' and '.join(services)} only"
    return (allow("UseKey", actions, [context.key_arn], {"StringEquals": {"kms:ViaService": via}}, why=why),)


@dataclass(frozen=True, kw_only=True)
class ServiceRoleArgs:
    """`source_arn` is the resource for which the service may assume the role, if the service sends aws:SourceArn.

    `names_account` False is for a service that may not send aws:SourceAccount; the condition is then optional.
    """

    context: StackContext
    role_name: str
    description: str
    service: str
    source_arn: str | None = None
    names_account: bool = True
    statements: Sequence[Statement]


class ServiceRole(pulumi.ComponentResource):
    """A role that one AWS service assumes for this account, with its inline policy."""

    arn: pulumi.Output[str]

    def __init__(self, name: str, args: ServiceRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("img-pipeline:index:ServiceRole", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            name,
            name=args.role_name,
            description=args.description,
            assume_role_policy=policy_document([_trust(args)]),
            tags=args.context.tags,
            opts=child,
        )
        aws.iam.RolePolicy(
            name, name="permissions", role=role.name, policy=policy_document(args.statements), opts=child
        )
        self.arn = role.arn
        why = {statement["Sid"]: statement.why for statement in args.statements if isinstance(statement, Permission)}
        self.register_outputs({"arn": self.arn, "role_name": args.role_name, "why": why})


def _trust(args: ServiceRoleArgs) -> Statement:
    # The service may assume the role for this account only ("The confused deputy problem", IAM User Guide).
    operator = "StringEquals" if args.names_account else "StringEqualsIfExists"
    condition: dict[str, dict[str, str]] = {operator: {"aws:SourceAccount": args.context.account_id}}
    if args.source_arn is not None:
        condition["ArnLike"] = {"aws:SourceArn": args.source_arn}
    return {
        "Sid": "Assume",
        "Effect": "Allow",
        "Principal": {"Service": args.service},
        "Action": "sts:AssumeRole",
        "Condition": condition,
    }
