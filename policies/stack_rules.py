"""The rules for a stack as a whole. The engine runs them after every resource is registered."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from policies import kinds
from policies.documents import denies_unscanned
from policies.rule import Declared
from policies.values import UNKNOWN, within


@dataclass(frozen=True, kw_only=True)
class Member(Declared):
    """A resource of a stack; `links` are the URNs of the resources that each of its properties depends on."""

    urn: str
    name: str
    links: Mapping[str, frozenset[str]]


class Finding(NamedTuple):
    """What is wrong, with which resource."""

    member: Member
    message: str


class Stack(tuple[Member, ...]):
    """All resources of a stack."""

    def of_type(self, resource_type: str) -> list[Member]:
        return [member for member in self if member.type == resource_type]


Check = Callable[[Stack], Iterator[Finding]]


@dataclass(frozen=True, kw_only=True)
class StackRule:
    """A requirement on a stack as a whole; `name` is its id, which says what it requires."""

    name: str
    description: str
    check: Check


STACK_RULES: list[StackRule] = []


def stack_rule(rule_id: str, description: str) -> Callable[[Check], Check]:
    """Register a check as a rule."""

    def add(check: Check) -> Check:
        STACK_RULES.append(StackRule(name=rule_id, description=description, check=check))
        return check

    return add


# For each resource type, the resource types that must exist for it, each with the property that refers to it.
GUARDS = {
    kinds.BUCKET: {
        kinds.PUBLIC_ACCESS_BLOCK: "bucket",
        kinds.OWNERSHIP_CONTROLS: "bucket",
        kinds.BUCKET_ENCRYPTION: "bucket",
        kinds.BUCKET_POLICY: "bucket",
    },
    kinds.QUEUE: {kinds.QUEUE_POLICY: "queueUrl"},
    kinds.TOPIC: {kinds.TOPIC_POLICY: "arn"},
}


@stack_rule(
    "resource-policies-present",
    "Every bucket, queue and topic has a resource policy; buckets also have access blocks and encryption.",
)
def resource_policies_present(stack: Stack) -> Iterator[Finding]:
    for guarded, guards in GUARDS.items():
        for guard, key in guards.items():
            guarded_urns = {urn for member in stack.of_type(guard) for urn in member.links.get(key, ())}
            for member in stack.of_type(guarded):
                if member.urn not in guarded_urns:
                    kind = guard.rpartition(":")[2]
                    yield Finding(member, f"it has no {kind}; make one whose {key} comes from this resource")


@stack_rule("sqs-dlq-not-shared", "Every queue has a dead-letter queue of its own, in this stack.")
def sqs_dlq_not_shared(stack: Stack) -> Iterator[Finding]:
    dead_letter_urns = {
        queue.urn for queue in stack.of_type(kinds.QUEUE) if kinds.is_dead_letter_queue(queue.get("name"))
    }
    targets = {
        queue.urn: queue.links.get("redrivePolicy", frozenset()) & dead_letter_urns
        for queue in stack.of_type(kinds.QUEUE)
        if queue.urn not in dead_letter_urns
    }
    uses = Counter(target for found in targets.values() for target in found)
    for queue in stack.of_type(kinds.QUEUE):
        if queue.urn not in targets:
            continue
        if not targets[queue.urn]:
            yield Finding(
                queue, "its redrivePolicy names no dead-letter queue of this stack (…-dlq); create one for it"
            )
        elif any(uses[target] > 1 for target in targets[queue.urn]):
            yield Finding(queue, "its dead-letter queue is another queue's too; give each queue its own")


@stack_rule(
    "s3-unscanned-reads-denied",
    "Buckets that are scanned for malware deny reading objects that are not tagged as clean.",
)
def s3_unscanned_reads_denied(stack: Stack) -> Iterator[Finding]:
    for plan in stack.of_type(kinds.MALWARE_PLAN):
        buckets = plan.links.get("protectedResource", frozenset())
        documents = [
            policy.get("policy")
            for policy in stack.of_type(kinds.BUCKET_POLICY)
            if policy.links.get("bucket", frozenset()) & buckets
        ]
        if UNKNOWN not in documents and not any(map(denies_unscanned, documents)):
            yield Finding(
                plan,
                "the bucket's policy allows reading objects that are not scanned; add deny_unscanned_reads() to it",
            )


OPEN_ROUTES = {"GET /health", "GET /openapi.json"}


@stack_rule(
    "api-callers-authorized",
    "Every route of the API but `GET /health` and `GET /openapi.json` has an authorizer, unless the setting `api.auth` "
    "is `none`.",
)
def api_callers_authorized(stack: Stack) -> Iterator[Finding]:
    settings = [_api_settings(function) for function in stack.of_type(kinds.FUNCTION)]
    if any(each is UNKNOWN or json.loads(each)["auth"] == "none" for each in settings if each):
        return
    for route in stack.of_type(kinds.API_ROUTE):
        if route.get("routeKey") not in OPEN_ROUTES and not route.get("authorizerId"):
            yield Finding(route, "everybody may call it; set authorizerId, or api.auth to none in the stack's settings")


def _api_settings(function: Member) -> Any:
    """What the API's function is told of the stack's settings; None for other functions."""
    return within(function.get("environment"), "variables", "API_SETTINGS")


# Where each type keeps the key that its data is encrypted with.
KEYS: Mapping[str, Callable[[Member], object]] = {
    kinds.QUEUE: lambda queue: queue.get("kmsMasterKeyId"),
    kinds.TOPIC: lambda topic: None if topic.get("kmsMasterKeyId") == kinds.KEY_OF_SNS else topic.get("kmsMasterKeyId"),
    kinds.LOG_GROUP: lambda group: group.get("kmsKeyId"),
    kinds.FUNCTION: lambda function: function.get("kmsKeyArn"),
    kinds.SECRETS_MANAGER_ENTRY: lambda secret: secret.get("kmsKeyId"),
    kinds.TABLE: lambda table: within(table.get("serverSideEncryption"), "kmsKeyArn"),
    kinds.BUCKET_ENCRYPTION: lambda configuration: within(
        configuration.get("rules"), 0, "applyServerSideEncryptionByDefault", "kmsMasterKeyId"
    ),
}


@stack_rule("kms-one-key", "When a stack has a customer-managed key, all its data is encrypted with that key.")
def kms_one_key(stack: Stack) -> Iterator[Finding]:
    keys = [(member, KEYS[member.type](member)) for member in stack if member.type in KEYS]
    if not any(key for _, key in keys):
        return
    known = Counter(key for _, key in keys if key and key is not UNKNOWN)
    usual = known.most_common(1)[0][0] if known else UNKNOWN
    for member, key in keys:
        if not key:
            yield Finding(
                member, "other data of the stack is encrypted with a customer-managed key, this is not; pass the key"
            )
        elif key not in (usual, UNKNOWN):
            yield Finding(member, f"it is encrypted with {key}, other data of the stack with {usual}; use one key")
