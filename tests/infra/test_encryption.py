"""A stack with a customer-managed key: every role and service has the permissions on the key that it needs."""

import json
from fnmatch import fnmatchcase
from typing import Any

import pytest

from policies.recording import ACCOUNT_ID, REGION, Recording, run
from tests.infra.conftest import FULL

READ, WRITE = {"kms:Decrypt"}, {"kms:Decrypt", "kms:GenerateDataKey"}
# What a principal needs of the key for what it does with encrypted data ("Using AWS KMS encryption with S3", where
# writing in parts also decrypts; "Key management" of SQS and of SNS; "Encryption at rest" of DynamoDB).
NEEDED = {
    "s3:GetObject": READ,
    "s3:GetObjectVersion": READ,
    "s3:PutObject": {"kms:GenerateDataKey"},
    "sqs:ReceiveMessage": READ,
    "sqs:SendMessage": WRITE,
    "sns:Publish": WRITE,
    "secretsmanager:GetSecretValue": READ,
    "dynamodb:BatchGetItem": READ,
    "dynamodb:GetItem": READ,
    "dynamodb:Query": READ,
    "dynamodb:PutItem": READ,
    "dynamodb:UpdateItem": READ,
}


@pytest.fixture(scope="module")
def stack() -> Recording:
    """prod with its own key and every option."""
    return run("prod", {**FULL, "malwareScan": True, "backfill": {"enabled": True}})


def allowed(stack: Recording, role: str) -> list[dict[str, Any]]:
    document = json.loads(stack.one("RolePolicy", role=role).inputs["policy"])
    return [statement for statement in document["Statement"] if statement["Effect"] == "Allow"]


def test_every_role_may_use_the_key_for_what_it_reads_and_writes(stack: Recording) -> None:
    roles = [role.inputs["name"] for role in stack.of_type("Role")]
    assert len(roles) == len(stack.outputs["roleArns"])
    for role in roles:
        actions = {action for statement in allowed(stack, role) for action in statement["Action"]}
        data = actions & set(NEEDED)
        (use_key,) = [statement for statement in allowed(stack, role) if statement["Sid"] == "UseKey"]
        assert set(use_key["Action"]) >= set().union(*(NEEDED[action] for action in data)), role
        via = {service.split(".")[0] for service in use_key["Condition"]["StringEquals"]["kms:ViaService"]}
        assert via == {action.split(":")[0] for action in data}, role
        assert use_key["Resource"] == [stack.one("aws:kms/key:Key").arn]


def test_functions_that_write_renditions_may_encrypt_them(stack: Recording) -> None:
    writes = {"thumbnail": True, "watermark": True, "table": True, "metadata": False, "validate": False}
    for function, written in writes.items():
        (use_key,) = [each for each in allowed(stack, f"img-pipeline-prod-{function}") if each["Sid"] == "UseKey"]
        assert ("kms:GenerateDataKey" in use_key["Action"]) is written, function


def test_the_consoles_distribution_may_decrypt_what_it_reads(stack: Recording) -> None:
    policy = json.loads(stack.one("aws:kms/key:Key").inputs["policy"])
    (cloudfront,) = [statement for statement in policy["Statement"] if statement["Sid"] == "CloudFront"]
    assert cloudfront["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    assert cloudfront["Action"] == ["kms:Decrypt"]
    assert fnmatchcase(stack.one("Distribution").arn, cloudfront["Condition"]["ArnLike"]["aws:SourceArn"])


def test_key_encrypts_the_log_groups_of_this_stack_only(stack: Recording) -> None:
    policy = json.loads(stack.one("aws:kms/key:Key").inputs["policy"])
    (logs,) = [statement for statement in policy["Statement"] if statement["Sid"] == "Logs"]
    assert logs["Principal"] == {"Service": f"logs.{REGION}.amazonaws.com"}
    allowed_arns = logs["Condition"]["ArnEquals"]["kms:EncryptionContext:aws:logs:arn"]

    def is_allowed(group: str, account: str = ACCOUNT_ID) -> bool:
        arn = f"arn:aws:logs:{REGION}:{account}:log-group:{group}"
        return any(fnmatchcase(arn, pattern) for pattern in allowed_arns)

    ours = [group.inputs["name"] for group in stack.of_type("LogGroup")]
    assert ours
    assert all(map(is_allowed, ours))
    assert not is_allowed("/aws/lambda/img-pipeline-dev-validate")
    assert not is_allowed("/aws/lambda/img-pipeline-prod-eu-validate")
    assert not is_allowed("/aws/lambda/billing")
    assert not is_allowed(ours[0], "999999999999")
