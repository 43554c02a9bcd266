"""The rules as policies that Pulumi's engine can run."""

from __future__ import annotations

from pulumi_policy import (
    Policy,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

from policies import api_rules, rules  # noqa: F401 - they register their rules
from policies.rule import RULES, Declared, Rule
from policies.stack_rules import STACK_RULES, Member, Stack, StackRule
from policies.values import plain


def policies() -> list[Policy]:
    """Every rule, as a policy of the same name."""
    return [*map(_resource_policy, RULES), *map(_stack_policy, STACK_RULES)]


def _resource_policy(rule: Rule) -> Policy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if rule.types and args.resource_type not in rule.types:
            return
        for message in rule.check(Declared(type=args.resource_type, properties=plain(args.props))):
            report(f"{args.name}: {message}.", None)

    return ResourceValidationPolicy(rule.name, rule.description, validate)


def _stack_policy(rule: StackRule) -> Policy:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        stack = Stack(
            Member(
                type=resource.resource_type,
                properties=plain(resource.props),
                urn=resource.urn,
                name=resource.name,
                links={
                    key: frozenset(linked.urn for linked in linked_resources)
                    for key, linked_resources in resource.property_dependencies.items()
                },
            )
            for resource in args.resources
        )
        for member, message in rule.check(stack):
            report(f"{member.name}: {message}.", member.urn)

    return StackValidationPolicy(rule.name, rule.description, validate)
