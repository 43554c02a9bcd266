"""Every stack satisfies the rules of the policy pack, and each rule reports what violates it."""

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
from policies.rule import RULES

DAY = 24 * 3600
OPTIONS = PolicyResourceOptions(False, [], None, [], PolicyCustomTimeouts(0, 0, 0), [])


@dataclass(frozen=True)
class Violation:
    """What a policy reported."""

    policy: str
    message: str


def violations(resources: Iterable[Resource], only: str | None = None) -> list[Violation]:
    """The violations of the pack, or of one policy of it, run as Pulumi's engine runs it."""
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


def test_every_stack_satisfies_every_rule(recording: Recording) -> None:
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


def only_resources(kept: Callable[[str], bool]) -> Change:
    """A change of a policy's first statement, which loses the resources that are not kept."""

    def change(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        resources = json.loads(inputs["policy"])["Statement"][0]["Resource"]
        return first_statement(Resource=[arn for arn in resources if kept(arn)])(inputs)

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


TLS = {
    "s3": (kinds.BUCKET_POLICY, "s3:*"),
    "sqs": (kinds.QUEUE_POLICY, "sqs:*"),
    "sns": (kinds.TOPIC_POLICY, "sns:Publish"),
}
# Denials that do not deny everybody's requests without TLS.
NOT_TLS: dict[str, Mapping[str, Any]] = {
    "no condition": {"Condition": None},
    "inverted": {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
    "another condition": {"Condition": {"Bool": {"aws:ViaAWSService": "false"}}},
    "one more condition": {
        "Condition": {"Bool": {"aws:SecureTransport": "false"}, "StringEquals": {"aws:SourceVpc": "vpc-1"}}
    },
    "allowed": {"Effect": "Allow"},
    "one account": {"Principal": {"AWS": "999999999999"}},
    "one action": {"Action": "s3:GetBucketLocation"},
    "another resource": {"Resource": ["arn:aws:s3:::another", "arn:aws:s3:::another/*"]},
}
WITHOUT_TLS = [
    Broken(f"{service}-tls-only", policy, "", first_statement(**changed), "without TLS")
    for service, (policy, _) in TLS.items()
    for changed in NOT_TLS.values()
]
HTTPS_ONLY = "ec2-egress-https-only"
ACCOUNT_BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
INTERFACES = "arn:aws:ec2:eu-west-1:111122223333:network-interface/*"
ROLE_CONDITIONS: list[Mapping[str, Any]] = [
    {"StringEquals": {"aws:PrincipalTag/Team": "media"}},
    {"StringNotEquals": {"aws:SourceAccount": "111122223333"}},
    {"Null": {"aws:SourceAccount": "false"}},
    {"ArnLike": {"aws:SourceArn": "arn:aws:lambda:eu-west-1:111122223333:function:f"}},
]
SOURCE_CONDITIONS: list[Mapping[str, Any]] = [
    {"StringEquals": {"aws:PrincipalOrgID": "o-1"}},
    {"ArnNotEquals": {"aws:SourceArn": "arn:aws:events:eu-west-1:111122223333:rule/r"}},
]

BROKEN = [
    Broken(
        "iam-no-action-wildcards",
        kinds.ROLE_POLICY,
        "thumbnail",
        first_statement(Action="s3:Get*Version"),
        "s3:Get*Version",
    ),
    Broken(
        "iam-no-action-wildcards", kinds.ROLE_POLICY, "thumbnail", first_statement(Action="*:GetObject"), "*:GetObject"
    ),
    Broken(
        "iam-no-action-wildcards",
        kinds.ROLE_POLICY,
        "thumbnail",
        first_statement(Resource=None, NotResource=["*"]),
        "NotResource",
    ),
    *(
        Broken(
            "iam-actions-match-resources",
            kinds.ROLE_POLICY,
            "thumbnail",
            first_statement(Action=[action], Resource=[INTERFACES]),
            f"{action} on {INTERFACES}, but Lambda checks it without a resource",
        )
        for action in (
            "ec2:DeleteNetworkInterface",
            "ec2:AssignPrivateIpAddresses",
            "ec2:UnassignPrivateIpAddresses",
        )
    ),
    *(
        Broken(
            "iam-trust-this-account", kinds.ROLE, "validate", first_statement(Condition=condition), "aws:SourceAccount"
        )
        for condition in ROLE_CONDITIONS
    ),
    *(
        Broken(
            "resource-policy-not-public",
            policy,
            "",
            first_statement(Effect="Allow", Principal={"Service": "sns.amazonaws.com"}, Condition=condition),
            "aws:SourceArn",
        )
        for policy in (*kinds.TLS_POLICIES, kinds.KEY)
        for condition in SOURCE_CONDITIONS
    ),
    *(
        Broken("s3-tls-only", kinds.BUCKET_POLICY, "", only_resources(kept), missing)
        for kept, missing in (
            (lambda arn: not arn.endswith("/*"), "/* are"),
            (lambda arn: arn.endswith("/*"), "111122223333 are"),
        )
    ),
    *(
        Broken("s3-public-access-blocked", kinds.PUBLIC_ACCESS_BLOCK, "", change, f"{key} is not true")
        for key in ACCOUNT_BLOCKS
        for change in (put(**{key: False}), without(key))
    ),
    *(
        Broken("ec2-no-ingress-by-address", kinds.INGRESS_RULE, "", put(**{key: value}), key)
        for key, value in (("cidrIpv4", "10.0.0.0/8"), ("cidrIpv6", "::/0"), ("prefixListId", "pl-1"))
    ),
    Broken(HTTPS_ONLY, kinds.EGRESS_RULE, "", put(cidrIpv6="::/0"), "cidrIpv6"),
    Broken(HTTPS_ONLY, kinds.EGRESS_RULE, "", put(ipProtocol="-1"), "ipProtocol is -1"),
    Broken(HTTPS_ONLY, kinds.EGRESS_RULE, "", put(fromPort=0), "fromPort is 0"),
    Broken(HTTPS_ONLY, kinds.EGRESS_RULE, "", put(toPort=65_535), "toPort is 65535"),
    Broken(HTTPS_ONLY, kinds.EGRESS_RULE, "", without("toPort"), "toPort is None"),
    Broken(HTTPS_ONLY, kinds.SECURITY_GROUP, "", put(egress=[{"cidrBlocks": ["0.0.0.0/0"]}]), "egress"),
    *(
        Broken(
            "sqs-dlq-retention-14-days", kinds.QUEUE, "-dlq", put(messageRetentionSeconds=seconds), f"kept {seconds}"
        )
        for seconds in (13 * DAY, 14 * DAY - 1)
    ),
    *(
        Broken(
            "sqs-retention-at-most-7-days",
            kinds.QUEUE,
            "ingest-transform",
            put(messageRetentionSeconds=seconds),
            f"kept {seconds}",
        )
        for seconds in (10 * DAY, 7 * DAY + 1)
    ),
    Broken("sqs-retention-at-most-7-days", kinds.QUEUE, "ingest-transform", without("messageRetentionSeconds"), "None"),
    Broken("dynamodb-kms-encrypted", kinds.TABLE, "", put(serverSideEncryption={"enabled": False}), "enabled"),
    Broken("kms-rotation-on", kinds.KEY, "", without("enableKeyRotation"), "rotation is off"),
    Broken("logs-retention-set", kinds.LOG_GROUP, "", put(retentionInDays=0), "never expire"),
    Broken("tags-project-and-stack", kinds.TABLE, "", put(tags={"Stack": "prod"}), "tags Project are"),
    Broken("iam-no-action-wildcards", kinds.ROLE_POLICY, "thumbnail", first_statement(Action=["s3:Get*"]), "s3:Get*"),
    Broken("iam-no-action-wildcards", kinds.ROLE_POLICY, "thumbnail", first_statement(Action="*"), "allows *"),
    Broken(
        "iam-no-action-wildcards",
        kinds.ROLE_POLICY,
        "thumbnail",
        first_statement(Action=None, NotAction=["iam:*"]),
        "name the actions",
    ),
    Broken(
        "iam-no-resource-wildcards",
        kinds.ROLE_POLICY,
        "thumbnail",
        first_statement(Resource=["*"]),
        "s3:GetObjectVersion",
    ),
    Broken("iam-no-resource-wildcards", kinds.ROLE_POLICY, "pipe", first_statement(Resource="*"), "sqs:ReceiveMessage"),
    Broken(
        "iam-actions-match-resources",
        kinds.ROLE_POLICY,
        "thumbnail",
        first_statement(Action=["s3:ReadObject"]),
        "not have",
    ),
    Broken(
        "iam-actions-match-resources",
        kinds.ROLE_POLICY,
        "thumbnail",
        first_statement(Resource=["arn:aws:s3:::bucket"]),
        "does not apply to",
    ),
    Broken(
        "iam-no-privilege-escalation",
        kinds.ROLE_POLICY,
        "validate",
        all_of("iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"),
        "PassExistingRoleToNewLambdaThenInvoke",
    ),
    Broken("iam-no-privilege-escalation", kinds.ROLE_POLICY, "validate", all_of("sts:AssumeRole"), "sts:AssumeRole"),
    Broken(
        "iam-trust-this-account",
        kinds.ROLE,
        "validate",
        first_statement(Principal={"AWS": "arn:aws:iam::999999999999:root"}),
        "999999999999",
    ),
    Broken("iam-trust-this-account", kinds.ROLE, "validate", first_statement(Condition=None), "aws:SourceAccount"),
    Broken("resource-policy-not-public", kinds.BUCKET_POLICY, "", EVERYBODY, "allows everybody"),
    Broken(
        "resource-policy-not-public",
        kinds.TOPIC_POLICY,
        "",
        first_statement(Effect="Allow", Principal={"AWS": "*"}),
        "everybody",
    ),
    Broken(
        "resource-policy-not-public",
        kinds.QUEUE_POLICY,
        "",
        first_statement(Effect="Allow", Principal={"Service": "sns.amazonaws.com"}),
        "aws:SourceArn",
    ),
    *WITHOUT_TLS,
    Broken(
        "s3-public-access-blocked", kinds.PUBLIC_ACCESS_BLOCK, "", put(blockPublicPolicy=False), "blockPublicPolicy"
    ),
    Broken("s3-public-access-blocked", kinds.PUBLIC_ACCESS_BLOCK, "", without("ignorePublicAcls"), "ignorePublicAcls"),
    Broken(
        "s3-acls-disabled",
        kinds.OWNERSHIP_CONTROLS,
        "",
        put(rule={"objectOwnership": "ObjectWriter"}),
        "objectOwnership",
    ),
    Broken("ec2-no-ingress-by-address", kinds.INGRESS_RULE, "", put(cidrIpv4="0.0.0.0/0"), "cidrIpv4"),
    Broken(
        "ec2-no-ingress-by-address", kinds.SECURITY_GROUP, "", put(ingress=[{"cidrBlocks": ["0.0.0.0/0"]}]), "ingress"
    ),
    Broken("sqs-dlq-retention-14-days", kinds.QUEUE, "-dlq", put(messageRetentionSeconds=345_600), "1209600"),
    Broken("sqs-dlq-retention-14-days", kinds.QUEUE, "-dlq", without("messageRetentionSeconds"), "1209600"),
    Broken("sqs-dlq-required", kinds.QUEUE, "ingest-transform", without("redrivePolicy"), "dead-letter queue"),
    Broken(
        "sqs-retention-at-most-7-days",
        kinds.QUEUE,
        "ingest-transform",
        put(messageRetentionSeconds=1_209_600),
        "604800",
    ),
    Broken("sqs-encrypted", kinds.QUEUE, "", without("sqsManagedSseEnabled", "kmsMasterKeyId"), "not encrypted"),
    Broken("dynamodb-kms-encrypted", kinds.TABLE, "", without("serverSideEncryption"), "serverSideEncryption"),
    Broken("sns-encrypted", kinds.TOPIC, "results", without("kmsMasterKeyId"), "kmsMasterKeyId"),
    Broken(
        "sns-encrypted",
        kinds.TOPIC,
        "alerts",
        put(kmsMasterKeyId="alias/aws/sns"),
        "no notification of an alarm arrives",
    ),
    Broken("s3-encrypted", kinds.BUCKET_ENCRYPTION, "", put(rules=[AES]), "sseAlgorithm"),
    Broken("kms-rotation-on", kinds.KEY, "", put(enableKeyRotation=False), "enableKeyRotation"),
    Broken("logs-retention-set", kinds.LOG_GROUP, "", without("retentionInDays"), "retentionInDays"),
    Broken("tags-project-and-stack", kinds.BUCKET, "", without("tags"), "Project and Stack"),
    Broken("tags-project-and-stack", "aws:pipes/pipe:Pipe", "", put(tags={"Project": "img-pipeline"}), "tags Stack"),
    Broken("api-access-logged", kinds.API_STAGE, "", without("accessLogSettings"), "accessLogSettings"),
    Broken("api-throttled", kinds.API_STAGE, "", without("defaultRouteSettings"), "defaultRouteSettings"),
    Broken(
        "api-throttled", kinds.API_STAGE, "", put(defaultRouteSettings={"throttlingRateLimit": 50}), "BurstLimit of def"
    ),
    Broken("api-throttled", kinds.API_STAGE, "", put(routeSettings=[{"routeKey": "GET /jobs"}]), "of GET /jobs"),
    *(
        Broken(
            "api-cors-origins-named",
            kinds.API,
            "",
            put(corsConfiguration={"allowOrigins": ["https://a.example", origin], "allowCredentials": True}),
            f"{origin} may call",
        )
        for origin in ("*", "https://*")
    ),
    Broken("api-callers-authorized", kinds.API_ROUTE, "POST /uploads", without("authorizerId"), "everybody may call"),
    Broken(
        "cognito-no-implicit-flow",
        kinds.USER_POOL_CLIENT,
        "console",
        put(allowedOauthFlows=["code", "implicit"]),
        "implicit",
    ),
    *(
        Broken(
            "cognito-no-implicit-flow",
            kinds.USER_POOL_CLIENT,
            "machine",
            put(explicitAuthFlows=["ALLOW_REFRESH_TOKEN_AUTH", flow]),
            f"{flow} gives",
        )
        for flow in ("ALLOW_USER_PASSWORD_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH")
    ),
    *(
        Broken("cognito-machines-have-secrets", kinds.USER_POOL_CLIENT, "machine", change, "generateSecret")
        for change in (put(generateSecret=False), without("generateSecret"))
    ),
    Broken(
        "cloudfront-origin-access-control",
        kinds.DISTRIBUTION,
        "",
        put(origins=[{"originId": "files", "domainName": "site.s3.amazonaws.com"}]),
        "originAccessControlId",
    ),
    *(
        Broken(
            "cloudfront-origin-access-control",
            kinds.ORIGIN_ACCESS_CONTROL,
            "",
            put(signingBehavior=behavior),
            "not always signed",
        )
        for behavior in ("never", "no-override")
    ),
    *(
        Broken("cloudfront-https-only", kinds.DISTRIBUTION, "", put(**{key: value}), "without TLS")
        for key, value in (
            ("defaultCacheBehavior", {"viewerProtocolPolicy": "allow-all"}),
            ("orderedCacheBehaviors", [{"viewerProtocolPolicy": "allow-all"}]),
        )
    ),
    Broken("kms-one-key", kinds.QUEUE, "-dlq", without("kmsMasterKeyId"), "pass the key"),
    Broken("kms-one-key", kinds.TOPIC, "results", put(kmsMasterKeyId="alias/aws/sns"), "pass the key"),
    Broken("kms-one-key", kinds.TABLE, "", put(serverSideEncryption={"enabled": True}), "pass the key"),
    Broken("kms-one-key", kinds.BUCKET_ENCRYPTION, "", put(rules=[AES]), "pass the key"),
    Broken("kms-one-key", kinds.FUNCTION, "", without("kmsKeyArn"), "pass the key"),
    Broken("kms-one-key", kinds.SECRETS_MANAGER_ENTRY, "", without("kmsKeyId"), "pass the key"),
    Broken("kms-one-key", kinds.LOG_GROUP, "", put(kmsKeyId="arn:aws:kms:eu-west-1:1:key/other"), "use one key"),
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.rule)
def test_a_violation_names_the_resource_and_the_fix(full: Recording, broken: Broken) -> None:
    resource = next(found for found in full.of_type(broken.type) if found.name.endswith(broken.name))
    others = [other for other in full.cloud_resources if other is not resource]
    found = violations([replace(resource, inputs=broken.change(resource.inputs)), *others], only=broken.rule)
    messages = [violation.message for violation in found]
    assert any(message.startswith(f"{resource.name}: ") and broken.says in message for message in messages), found


KEPT = [
    Broken("sqs-retention-at-most-7-days", kinds.QUEUE, "ingest-transform", put(messageRetentionSeconds=7 * DAY), ""),
    Broken("iam-trust-this-account", kinds.ROLE, "validate", first_statement(), ""),
    Broken("logs-retention-set", kinds.LOG_GROUP, "", put(retentionInDays=1), ""),
    Broken("s3-encrypted", kinds.BUCKET_ENCRYPTION, "", lambda inputs: inputs, ""),
    Broken("api-cors-origins-named", kinds.API, "", put(corsConfiguration={"allowOrigins": ["*"]}), ""),
    Broken("api-callers-authorized", kinds.API_ROUTE, "GET /health", without("authorizerId"), ""),
    Broken("cognito-machines-have-secrets", kinds.USER_POOL_CLIENT, "console", put(generateSecret=False), ""),
    Broken(
        "cloudfront-https-only",
        kinds.DISTRIBUTION,
        "",
        put(defaultCacheBehavior={"viewerProtocolPolicy": "https-only"}),
        "",
    ),
]


@pytest.mark.parametrize("kept", KEPT, ids=lambda kept: kept.rule)
def test_the_limit_that_a_rule_allows_is_no_violation(full: Recording, kept: Broken) -> None:
    resource = next(found for found in full.of_type(kept.type) if found.name.endswith(kept.name))
    others = [other for other in full.cloud_resources if other is not resource]
    assert violations([replace(resource, inputs=kept.change(resource.inputs)), *others], only=kept.rule) == []


def test_a_stack_may_say_that_everybody_may_call_its_api(local: Recording) -> None:
    """The policy pack cannot see settings; it sees what the API's function is told of them."""
    function = next(
        function
        for function in local.of_type(kinds.FUNCTION)
        if "API_SETTINGS" in function.inputs.get("environment", {}).get("variables", {})
    )
    rest = [resource for resource in local.cloud_resources if resource is not function]
    assert violations(local.cloud_resources, only="api-callers-authorized") == []
    asks_for_tokens = replace(function, inputs={**function.inputs, "environment": told(function, auth="jwt")})
    assert violations([asks_for_tokens, *rest], only="api-callers-authorized") != []


def told(function: Resource, **settings: str) -> dict[str, Any]:
    """The environment of the API's function with other settings."""
    variables = function.inputs["environment"]["variables"]
    changed = json.dumps({**json.loads(variables["API_SETTINGS"]), **settings})
    return {"variables": {**variables, "API_SETTINGS": changed}}


GUARDS = [kinds.PUBLIC_ACCESS_BLOCK, kinds.OWNERSHIP_CONTROLS, kinds.BUCKET_ENCRYPTION, *kinds.TLS_POLICIES]


@pytest.mark.parametrize("guard", GUARDS)
def test_a_bucket_queue_or_topic_without_its_policies_is_a_violation(dev: Recording, guard: str) -> None:
    missing = dev.of_type(guard)[0]
    rest = [resource for resource in dev.cloud_resources if resource is not missing]
    (found,) = violations(rest)
    assert found.policy == "resource-policies-present"
    assert f"it has no {guard.rpartition(':')[2]}" in found.message


def test_two_queues_may_not_share_a_dead_letter_queue(full: Recording) -> None:
    one, other = [queue for queue in full.of_type(kinds.QUEUE) if "redrivePolicy" in queue.inputs][:2]
    shared = replace(other, inputs=one.inputs, property_dependencies=one.property_dependencies)
    rest = [resource for resource in full.cloud_resources if resource is not other]
    found = violations([shared, *rest], only="sqs-dlq-not-shared")
    assert {each.message.partition(":")[0] for each in found} == {one.name, other.name}


def test_a_dead_letter_queue_is_in_the_same_stack(dev: Recording) -> None:
    queue = next(queue for queue in dev.of_type(kinds.QUEUE) if "redrivePolicy" in queue.inputs)
    elsewhere = replace(queue, property_dependencies={})
    rest = [resource for resource in dev.cloud_resources if resource is not queue]
    (found,) = violations([elsewhere, *rest])
    assert found.message.startswith(f"{queue.name}: its redrivePolicy names no dead-letter queue of this stack")


def test_attached_managed_policies_are_a_violation(dev: Recording) -> None:
    role = dev.of_type(kinds.ROLE)[0]
    inputs = {"role": role.inputs["name"], "policyArn": "arn:aws:iam::aws:policy/AmazonS3FullAccess"}
    attached = replace(role, type=kinds.ROLE_POLICY_ATTACHMENT, name="all-of-s3", inputs=inputs)
    (found,) = violations([*dev.cloud_resources, attached])
    assert found.policy == "iam-inline-policies-only"
    assert "AmazonS3FullAccess" in found.message


def test_every_rule_has_a_test_of_a_violation() -> None:
    seen_elsewhere = {
        "resource-policies-present",
        "sqs-dlq-not-shared",
        "iam-inline-policies-only",
        "s3-unscanned-reads-denied",  # test_malware.py
    }
    assert {broken.rule for broken in BROKEN} | seen_elsewhere == {policy.name for policy in policies()}


def test_every_rule_applies_to_a_resource_of_the_stack(full: Recording) -> None:
    types = {resource.type for resource in full.cloud_resources} | {kinds.ROLE_POLICY_ATTACHMENT}
    assert {wanted for rule in RULES for wanted in rule.types} <= types


def test_values_unknown_in_a_preview_are_no_violation(full: Recording) -> None:
    """The engine runs the rules again with the values, before it creates the resource."""
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
