"""Every stack keeps the rules of the policy pack, and each rule says no to what breaks it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import pytest
from pulumi_policy import (
    PolicyCustomTimeouts,
    PolicyResource,
    PolicyResourceOptions,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

from policies import kinds
from policies.pack import policies
from policies.recording import Recording, Resource
from policies.rules import RULES

OPTIONS = PolicyResourceOptions(False, [], None, [], PolicyCustomTimeouts(0, 0, 0), [])


@dataclass(frozen=True)
class Violation:
    """What a policy reported."""

    policy: str
    message: str


def violations(resources: Iterable[Resource], only: str | None = None) -> list[Violation]:
    """What the pack, or one policy of it, has against these resources, asked as Pulumi's engine asks."""
    resources = list(resources)
    found: list[Violation] = []
    for policy in policies():
        if only not in (None, policy.name):
            continue

        def report(message: str, _urn: str | None, name: str = policy.name) -> None:
            found.append(Violation(name, message))

        if isinstance(policy, ResourceValidationPolicy):
            for resource in resources:
                policy.validate(
                    ResourceValidationArgs(
                        resource.type, seen(resource), resource.urn, resource.name, OPTIONS, provider=None
                    ),
                    report,
                )
        elif isinstance(policy, StackValidationPolicy):
            policy.validate(StackValidationArgs(linked(resources)), report)
    return found


def seen(resource: Resource) -> dict[str, Any]:
    """A resource's properties in the wrapper that policies get them in."""
    return unknown_checking_proxy(dict(resource.inputs))


def linked(resources: list[Resource]) -> list[PolicyResource]:
    members = {
        resource.urn: PolicyResource(
            resource.type, seen(resource), resource.urn, resource.name, OPTIONS, None, None, [], {}
        )
        for resource in resources
    }
    for resource in resources:
        members[resource.urn].property_dependencies = {
            key: [members[urn] for urn in sorted(urns) if urn in members]
            for key, urns in resource.property_dependencies.items()
        }
    return list(members.values())


def test_every_stack_keeps_every_rule(recording: Recording) -> None:
    assert violations(recording.cloud_resources) == []


Change = Callable[[Mapping[str, Any]], Mapping[str, Any]]


def put(**values: Any) -> Change:
    return lambda inputs: {**inputs, **values}


def without(*keys: str) -> Change:
    return lambda inputs: {key: value for key, value in inputs.items() if key not in keys}


def first_statement(**values: Any) -> Change:
    """A change of the first statement of a resource's policy document, whose values None take a key out."""

    def change(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        key = "policy" if "policy" in inputs else "assumeRolePolicy"
        document = json.loads(inputs[key])
        statement = {**document["Statement"][0], **values}
        document["Statement"][0] = {name: value for name, value in statement.items() if value is not None}
        return {**inputs, key: json.dumps(document)}

    return change


def all_of(*actions: str) -> Change:
    return first_statement(Action=list(actions), Resource=["*"])


EVERYBODY = first_statement(Effect="Allow", Principal="*", Condition=None)
AES = {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "none"}}


class Broken(NamedTuple):
    """A resource (a type, the end of a name) something done to it, the rule against that, and what it has to say."""

    rule: str
    type: str
    name: str
    change: Change
    says: str


BROKEN = [
    Broken("no-action-by-pattern", kinds.ROLE_POLICY, "thumbnail", first_statement(Action=["s3:Get*"]), "s3:Get*"),
    Broken("no-action-by-pattern", kinds.ROLE_POLICY, "thumbnail", first_statement(Action="*"), "allows *"),
    Broken(
        "no-action-by-pattern",
        kinds.ROLE_POLICY,
        "thumbnail",
        first_statement(Action=None, NotAction=["iam:*"]),
        "name the actions",
    ),
    Broken("no-bare-star", kinds.ROLE_POLICY, "thumbnail", first_statement(Resource=["*"]), "s3:GetObjectVersion"),
    Broken("no-bare-star", kinds.ROLE_POLICY, "pipe", first_statement(Resource="*"), "sqs:ReceiveMessage"),
    Broken(
        "actions-fit-resources", kinds.ROLE_POLICY, "thumbnail", first_statement(Action=["s3:ReadObject"]), "not have"
    ),
    Broken(
        "actions-fit-resources",
        kinds.ROLE_POLICY,
        "thumbnail",
        first_statement(Resource=["arn:aws:s3:::bucket"]),
        "does not work on",
    ),
    Broken(
        "no-privilege-escalation",
        kinds.ROLE_POLICY,
        "validate",
        all_of("iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"),
        "PassExistingRoleToNewLambdaThenInvoke",
    ),
    Broken("no-privilege-escalation", kinds.ROLE_POLICY, "validate", all_of("sts:AssumeRole"), "sts:AssumeRole"),
    Broken(
        "roles-serve-this-account",
        kinds.ROLE,
        "validate",
        first_statement(Principal={"AWS": "arn:aws:iam::999999999999:root"}),
        "999999999999",
    ),
    Broken("roles-serve-this-account", kinds.ROLE, "validate", first_statement(Condition=None), "aws:SourceAccount"),
    Broken("no-public-policy", kinds.BUCKET_POLICY, "", EVERYBODY, "lets everybody in"),
    Broken(
        "no-public-policy", kinds.TOPIC_POLICY, "", first_statement(Effect="Allow", Principal={"AWS": "*"}), "everybody"
    ),
    Broken(
        "no-public-policy",
        kinds.QUEUE_POLICY,
        "",
        first_statement(Effect="Allow", Principal={"Service": "sns.amazonaws.com"}),
        "aws:SourceArn",
    ),
    Broken("tls-only", kinds.BUCKET_POLICY, "", first_statement(Condition=None), "without TLS"),
    Broken("tls-only", kinds.QUEUE_POLICY, "", first_statement(Effect="Allow"), "without TLS"),
    Broken("tls-only", kinds.TOPIC_POLICY, "", first_statement(Principal={"AWS": "999999999999"}), "without TLS"),
    Broken(
        "public-access-is-blocked", kinds.PUBLIC_ACCESS_BLOCK, "", put(blockPublicPolicy=False), "blockPublicPolicy"
    ),
    Broken("public-access-is-blocked", kinds.PUBLIC_ACCESS_BLOCK, "", without("ignorePublicAcls"), "ignorePublicAcls"),
    Broken(
        "no-access-lists",
        kinds.OWNERSHIP_CONTROLS,
        "",
        put(rule={"objectOwnership": "ObjectWriter"}),
        "objectOwnership",
    ),
    Broken("networks-are-closed", kinds.INGRESS_RULE, "", put(cidrIpv4="0.0.0.0/0"), "cidrIpv4"),
    Broken("networks-are-closed", kinds.SECURITY_GROUP, "", put(ingress=[{"cidrBlocks": ["0.0.0.0/0"]}]), "ingress"),
    Broken("dead-letters-are-kept", kinds.QUEUE, "-dlq", put(messageRetentionSeconds=345_600), "1209600"),
    Broken("dead-letters-are-kept", kinds.QUEUE, "-dlq", without("messageRetentionSeconds"), "1209600"),
    Broken("failures-are-kept", kinds.QUEUE, "ingest-transform", without("redrivePolicy"), "dead-letter queue"),
    Broken("failures-are-kept", kinds.QUEUE, "ingest-transform", put(messageRetentionSeconds=1_209_600), "7 days"),
    Broken("queues-are-encrypted", kinds.QUEUE, "", without("sqsManagedSseEnabled", "kmsMasterKeyId"), "unencrypted"),
    Broken("tables-are-encrypted", kinds.TABLE, "", without("serverSideEncryption"), "serverSideEncryption"),
    Broken("topics-are-encrypted", kinds.TOPIC, "results", without("kmsMasterKeyId"), "kmsMasterKeyId"),
    Broken("topics-are-encrypted", kinds.TOPIC, "alerts", put(kmsMasterKeyId="alias/aws/sns"), "no alarm arrives"),
    Broken("buckets-are-encrypted", kinds.BUCKET_ENCRYPTION, "", put(rules=[AES]), "sseAlgorithm"),
    Broken("keys-rotate", kinds.KEY, "", put(enableKeyRotation=False), "enableKeyRotation"),
    Broken("logs-end", kinds.LOG_GROUP, "", without("retentionInDays"), "retentionInDays"),
    Broken("everything-is-tagged", kinds.BUCKET, "", without("tags"), "Project and Stack"),
    Broken("everything-is-tagged", "aws:pipes/pipe:Pipe", "", put(tags={"Project": "img-pipeline"}), "tags Stack"),
    Broken("one-key-for-all", kinds.QUEUE, "-dlq", without("kmsMasterKeyId"), "pass the key"),
    Broken("one-key-for-all", kinds.TOPIC, "results", put(kmsMasterKeyId="alias/aws/sns"), "pass the key"),
    Broken("one-key-for-all", kinds.TABLE, "", put(serverSideEncryption={"enabled": True}), "pass the key"),
    Broken("one-key-for-all", kinds.BUCKET_ENCRYPTION, "", put(rules=[AES]), "pass the key"),
    Broken("one-key-for-all", kinds.LOG_GROUP, "", put(kmsKeyId="arn:aws:kms:eu-west-1:1:key/other"), "use one key"),
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: f"{broken.rule}-{broken.says.replace(' ', '-')}")
def test_a_broken_resource_is_named_with_what_to_do(full: Recording, broken: Broken) -> None:
    resource = next(found for found in full.of_type(broken.type) if found.name.endswith(broken.name))
    others = [other for other in full.cloud_resources if other is not resource]
    found = violations([replace(resource, inputs=broken.change(resource.inputs)), *others], only=broken.rule)
    messages = [violation.message for violation in found]
    assert any(message.startswith(f"{resource.name}: ") and broken.says in message for message in messages), found


GUARDS = [kinds.PUBLIC_ACCESS_BLOCK, kinds.OWNERSHIP_CONTROLS, kinds.BUCKET_ENCRYPTION, *kinds.TLS_POLICIES]


@pytest.mark.parametrize("guard", GUARDS)
def test_what_closes_a_bucket_queue_or_topic_may_not_be_missing(dev: Recording, guard: str) -> None:
    missing = dev.of_type(guard)[0]
    rest = [resource for resource in dev.cloud_resources if resource is not missing]
    (found,) = violations(rest)
    assert found.policy == "nothing-stands-open"
    assert f"it has no {guard.rpartition(':')[2]}" in found.message


def test_two_queues_may_not_share_a_dead_letter_queue(full: Recording) -> None:
    one, other = [queue for queue in full.of_type(kinds.QUEUE) if "redrivePolicy" in queue.inputs][:2]
    shared = replace(other, inputs=one.inputs, property_dependencies=one.property_dependencies)
    rest = [resource for resource in full.cloud_resources if resource is not other]
    found = violations([shared, *rest], only="dead-letters-are-not-mixed")
    assert {each.message.partition(":")[0] for each in found} == {one.name, other.name}


def test_a_dead_letter_queue_is_in_the_same_stack(dev: Recording) -> None:
    queue = next(queue for queue in dev.of_type(kinds.QUEUE) if "redrivePolicy" in queue.inputs)
    elsewhere = replace(queue, property_dependencies={})
    rest = [resource for resource in dev.cloud_resources if resource is not queue]
    (found,) = violations([elsewhere, *rest])
    assert found.message.startswith(f"{queue.name}: its redrivePolicy names no dead-letter queue of this stack")


def test_policies_of_aws_are_not_attached(dev: Recording) -> None:
    role = dev.of_type(kinds.ROLE)[0]
    inputs = {"role": role.inputs["name"], "policyArn": "arn:aws:iam::aws:policy/AmazonS3FullAccess"}
    attached = replace(role, type=kinds.ROLE_POLICY_ATTACHMENT, name="all-of-s3", inputs=inputs)
    (found,) = violations([*dev.cloud_resources, attached])
    assert found.policy == "no-attached-policies"
    assert "AmazonS3FullAccess" in found.message


def test_every_rule_is_seen_to_say_no() -> None:
    seen_elsewhere = {
        "nothing-stands-open",
        "dead-letters-are-not-mixed",
        "no-attached-policies",
        "scanned-before-read",  # test_malware.py
    }
    assert {broken.rule for broken in BROKEN} | seen_elsewhere == {policy.name for policy in policies()}


def test_every_rule_has_something_to_look_at(full: Recording) -> None:
    types = {resource.type for resource in full.cloud_resources} | {kinds.ROLE_POLICY_ATTACHMENT}
    assert {wanted for rule in RULES for wanted in rule.types} <= types


def test_what_a_preview_cannot_know_breaks_no_rule(full: Recording) -> None:
    """The engine asks again with the values, before it makes the resource."""
    resources = [
        replace(
            resource,
            inputs={
                key: UNKNOWN_STRING_VALUE if resource.property_dependencies.get(key) else value
                for key, value in resource.inputs.items()
            },
        )
        for resource in full.cloud_resources
    ]
    assert any(UNKNOWN_STRING_VALUE in resource.inputs.values() for resource in resources)
    assert violations(resources) == []
