"""Permissions against the calls of a whole run: each is used, and none is missing."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from os.path import commonpath
from typing import Any

import pytest

from testing.pictures import photograph
from testing.stack import Stack, deployed_stack
from testing.waiting import eventually

# Granted, and used on AWS by what the embedded cloud does on its own behalf or does not have.
_NOT_CALLED_HERE = {"logs", "xray", "ec2", "kms"}


@pytest.mark.after_the_run
def test_no_call_of_the_run_was_denied(stack: Stack) -> None:
    journal = stack.cloud.journal()
    assert {decision.role for decision in journal} >= {
        role_arn.rsplit("/", 1)[-1] for role_arn in stack.outputs["roleArns"].values()
    }
    assert [decision for decision in journal if not decision.allowed] == []


@pytest.mark.after_the_run
def test_every_permission_was_used_on_every_resource_that_it_is_granted_for(stack: Stack) -> None:
    used = _used(stack)
    unused = {
        (role, action, pattern)
        for role, action, pattern in _granted(stack)
        if not any(fnmatchcase(resource, pattern) for resource in used[role, action])
    }
    assert unused == set()


@pytest.mark.after_the_run
def test_no_permission_covers_more_folders_than_were_used(stack: Stack) -> None:
    """`bucket/*` where only `bucket/uploads/` is read is a permission too wide."""
    used = _used(stack)
    wider = {
        (role, action, pattern): folder
        for role, action, pattern in _granted(stack)
        if pattern.endswith("/*") and (folder := _folder(used[role, action], pattern)) != pattern.removesuffix("*")
    }
    assert wider == {}


def _granted(stack: Stack) -> set[tuple[str, str, str]]:
    """(role, action, resource pattern) of every permission that the embedded cloud can see used."""
    return {
        (role, action, pattern)
        for role, _, document in _inline_policies(stack)
        for statement in document["Statement"]
        for action in _as_list(statement["Action"])
        for pattern in _as_list(statement["Resource"])
        if action.split(":")[0] not in _NOT_CALLED_HERE
    }


def _used(stack: Stack) -> Mapping[tuple[str, str], set[str]]:
    """The resources of all allowed calls, by role and action."""
    used: dict[tuple[str, str], set[str]] = defaultdict(set)
    for decision in stack.cloud.journal():
        if decision.allowed:
            used[decision.role, decision.action].add(decision.resource)
    return used


def _folder(resources: Iterable[str], pattern: str) -> str:
    """The deepest folder that holds all the resources that match a pattern, with its slash; "" where none matches."""
    folders = [resource.rpartition("/")[0] for resource in resources if fnmatchcase(resource, pattern)]
    return f"{commonpath(folders)}/" if folders else ""


@pytest.fixture(scope="module")
def spare_stack() -> Iterator[Stack]:
    """Another stack, so that what is denied here stays out of the run's journal."""
    with deployed_stack() as deployed:
        yield deployed


@pytest.mark.parametrize(
    ("role", "action"),
    [
        ("validate", "s3:GetObjectVersion"),
        ("validate", "dynamodb:GetItem"),
        ("thumbnail", "s3:PutObject"),
        ("metadata", "s3:GetObjectVersion"),
        ("workflow", "dynamodb:PutItem"),
        ("workflow", "sns:Publish"),
        ("pipe", "states:StartSyncExecution"),
    ],
)
def test_without_one_permission_the_file_fails_and_the_journal_names_the_call(
    spare_stack: Stack, role: str, action: str
) -> None:
    role_name = spare_stack.outputs["roleArns"][role].rsplit("/", 1)[-1]
    iam = spare_stack.cloud.client("iam")
    removed = 0
    originals = [policy for policy in _inline_policies(spare_stack) if policy[0] == role_name]
    for _, policy_name, document in originals:
        without, count = _without(document, action)
        removed += count
        if count:
            _put_policy(iam, role_name, policy_name, without)
    assert removed == 1, f"{role_name} has {action} {removed} times"
    seen = len(spare_stack.cloud.journal())

    upload = spare_stack.upload(f"uploads/{role}-{action.replace(':', '-')}.jpg", photograph())
    denied = eventually(
        lambda: [decision for decision in spare_stack.cloud.journal()[seen:] if not decision.allowed], "a denied call"
    )
    assert {(decision.role, decision.action) for decision in denied} == {(role_name, action)}
    job = spare_stack.pipeline.job(upload)
    assert job is None or "finishedAt" not in job

    for _, policy_name, document in originals:
        _put_policy(iam, role_name, policy_name, document)
    (job,) = spare_stack.finish(upload)
    assert job["status"] == "COMPLETED"


def _inline_policies(stack: Stack) -> list[tuple[str, str, dict[str, Any]]]:
    """(role name, policy name, document) of every inline policy of the stack's roles."""
    iam = stack.cloud.client("iam")
    roles = sorted(arn.rsplit("/", 1)[-1] for arn in stack.outputs["roleArns"].values())
    return [
        (role, name, iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])
        for role in roles
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
    ]


def _put_policy(iam: Any, role: str, name: str, document: dict[str, Any]) -> None:
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))


def _without(document: dict[str, Any], action: str) -> tuple[dict[str, Any], int]:
    """The document less one action, and how often it stood there."""
    statements, removed = [], 0
    for statement in document["Statement"]:
        actions = _as_list(statement["Action"])
        kept = [name for name in actions if name != action]
        removed += len(actions) - len(kept)
        if kept:
            statements.append({**statement, "Action": kept})
    return {**document, "Statement": statements}, removed


def _as_list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
