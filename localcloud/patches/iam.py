"""IAM: roles, trust policies, condition keys, and the journal of every decision."""

from __future__ import annotations

import contextvars
import functools
import json
import re
import secrets
import threading
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import ministack.app
from ministack.core import iam_actions, iam_evaluator, lambda_runtime, responses
from ministack.services import (
    iam,
    s3,
    sts,
)

SEARCH_ALARMS = "cloudwatch:DescribeAlarms"


def install(journal: Path) -> None:
    """Apply this service's patches."""
    _journal_decisions(journal)
    _enforce_lambda_trust_policies()
    _treat_loopback_as_tls()
    _use_role_arn_as_principal_arn()
    _add_object_tag_condition_keys()
    _name_log_streams()
    _name_alarms()
    _name_actions_of_batches()


class NotAssumable(LookupError):
    """A service cannot assume a role; the message names both and the reason."""


def assume_role(role_arn: str, service: str, source_arn: str) -> dict[str, str]:
    """Assume a role as an AWS service does; the role's trust policy must allow it.

    Args:
        role_arn: the role.
        service: for example ``pipes.amazonaws.com``.
        source_arn: the pipe, state machine or function that the service acts for.

    Raises:
        NotAssumable: the role does not exist, or its trust policy does not allow the service for that resource.
    """
    check_trust(role_arn, service, source_arn)
    return open_session(role_arn.rsplit("/", 1)[-1])


def check_trust(role_arn: str, service: str, source_arn: str) -> None:
    """Gap: services can assume any role. AWS evaluates its trust policy with the service, resource and account."""
    name = role_arn.rsplit("/", 1)[-1]
    role = iam._roles.get(name)
    if role is None:
        raise NotAssumable(f"{service} cannot assume the role {name}, which does not exist")
    context = iam_evaluator.EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action="sts:AssumeRole",
        resource_arn=role_arn,
        region=responses.get_region(),
        service_context={"aws:sourcearn": source_arn, "aws:sourceaccount": responses.get_account_id()},
    )
    # The statements of a trust policy have no resource: it is the role itself.
    statements = json.loads(role["AssumeRolePolicyDocument"])["Statement"]
    document = {"Statement": [statement | {"Resource": "*"} for statement in statements]}
    if iam_evaluator.evaluate_resource_policy(document, context, service=service).decision != "Allow":
        raise NotAssumable(f"{service} cannot assume the role {name}: the trust policy does not allow {source_arn}")


def _enforce_lambda_trust_policies() -> None:
    """Gap: a function runs with a role whose trust policy does not allow Lambda."""
    credentials_for = lambda_runtime.execution_credentials

    @functools.wraps(credentials_for)
    def execution_credentials(config: dict[str, Any]) -> dict[str, str]:
        function_arn = ":".join(config["FunctionArn"].split(":")[:7])
        check_trust(config["Role"], "lambda.amazonaws.com", function_arn)
        return credentials_for(config)

    lambda_runtime.execution_credentials = execution_credentials


def _journal_decisions(journal: Path) -> None:
    """Gap: nothing records which role was allowed or denied which action on which resource."""
    journal.unlink(missing_ok=True)
    decide = iam_evaluator.enforce
    writing = threading.Lock()

    @functools.wraps(decide)
    def enforce(
        access_key_id: str, iam_action: str, service: str, region: str, resource_arn: str = "*", **context: Any
    ) -> Any:
        verdict = decide(access_key_id, iam_action, service, region, resource_arn, **context)
        role = _role_of(access_key_id)
        if role and not isinstance(verdict, iam_evaluator.AuthError):
            decision = {"role": role, "action": iam_action, "resource": resource_arn, "allowed": verdict is None}
            with writing, journal.open("a", encoding="utf-8") as file:
                file.write(json.dumps(decision) + "\n")
        return verdict

    # Callers import it inside their functions, so they all get the replaced attribute.
    iam_evaluator.enforce = enforce


def _role_of(access_key_id: str) -> str | None:
    arn = str(sts._sessions.get(access_key_id, {}).get("Arn", ""))
    return arn.split(":assumed-role/")[1].split("/", maxsplit=1)[0] if ":assumed-role/" in arn else None


def scope() -> str:
    """Return region and account in the format of ARNs."""
    return f"{responses.get_region()}:{responses.get_account_id()}"


def is_allowed(
    access_key_id: str, action: str, resource_arn: str, condition_keys: dict[str, Any] | None = None
) -> bool:
    """Whether a role's policies allow a call that is not a request; the decision is written to the journal."""
    context = contextvars.copy_context()
    # The signature of the request that this thread is handling is another caller's.
    context.run(iam_evaluator._signed_request.set, None)
    # AWS services call each other by TLS.
    context.run(iam_evaluator.pin_request_origin, "", secure_transport=True)
    service, region = action.split(":", 1)[0], responses.get_region()
    enforce = functools.partial(iam_evaluator.enforce, resource_arn=resource_arn, service_context=condition_keys)
    return context.run(enforce, access_key_id, action, service, region) is None


def _treat_loopback_as_tls() -> None:
    """Gap: the loopback endpoint has no TLS, so a policy that denies plain HTTP would deny every call."""

    def pin_request_origin(source_ip: str, _secure_transport: bool) -> None:
        iam_evaluator.pin_request_origin(source_ip, secure_transport=True)

    ministack.app.pin_request_origin = pin_request_origin


def _use_role_arn_as_principal_arn() -> None:
    """Gap: `aws:PrincipalArn` is a session's ARN; on AWS it is that of the role ("IAM User Guide", global keys)."""
    resolve = iam_evaluator._resolve_condition_key

    @functools.wraps(resolve)
    def resolve_condition_key(key: str, context: Any) -> Any:
        value = resolve(key, context)
        session = re.fullmatch(r"arn:aws:sts::(\d+):assumed-role/([^/]+)/.*", value) if isinstance(value, str) else None
        if session and key.lower() == "aws:principalarn":
            return f"arn:aws:iam::{session[1]}:role/{session[2]}"
        return value

    iam_evaluator._resolve_condition_key = resolve_condition_key


def _add_object_tag_condition_keys() -> None:
    """Gap: requests that set object tags lack `s3:RequestObjectTagKeys` and `s3:ExistingObjectTag`."""
    context_of = iam_actions.s3_service_context

    @functools.wraps(context_of)
    def s3_service_context(
        iam_action: str, query_params: Any, path: str = "", headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        context = context_of(iam_action, query_params, path, headers)
        requested: list[str] = []
        if iam_action == "s3:PutObject":
            requested = list(parse_qs((headers or {}).get("x-amz-tagging", ""), keep_blank_values=True))
        elif iam_action.startswith(("s3:PutObject", "s3:DeleteObject")) and iam_action.endswith("Tagging"):
            bucket, _, key = path.lstrip("/").partition("/")
            there = s3.object_tags_for_condition(bucket, key, query_params or {})
            context |= {f"s3:ExistingObjectTag/{name}": value for name, value in there.items()}
            request = iam_evaluator._signed_request.get()
            if request and request.body:
                requested = list(s3._parse_tags_xml(request.body))
        return context | ({"s3:RequestObjectTagKeys": requested} if requested else {})

    iam_actions.s3_service_context = s3_service_context


def _name_log_streams() -> None:
    """Gap: CreateLogStream and PutLogEvents are checked on the log group; on AWS the resource is the log stream."""
    extract = iam_actions.extract_resource_arn

    @functools.wraps(extract)
    def extract_resource_arn(service: str, method: str, path: str, headers: Any, body: bytes, *rest: Any) -> str:
        resource = extract(service, method, path, headers, body, *rest)
        if service != "logs" or not headers.get("x-amz-target", "").endswith((".CreateLogStream", ".PutLogEvents")):
            return resource
        return f"{resource}:log-stream:{json.loads(body)['logStreamName']}"

    iam_actions.extract_resource_arn = extract_resource_arn


def _name_alarms() -> None:
    """Gap: DescribeAlarms is checked on `*`; on AWS the resource of a search is every alarm of the account's region."""
    extract = iam_actions.extract_resource_arn

    @functools.wraps(extract)
    def extract_resource_arn(service: str, *request: Any) -> str:
        resource = extract(service, *request)
        if service != "monitoring" or iam_actions.extract_iam_action(service, *request[:5]) != SEARCH_ALARMS:
            return resource
        return f"arn:aws:cloudwatch:{scope()}:alarm:*" if resource == "*" else resource

    iam_actions.extract_resource_arn = extract_resource_arn


def _name_actions_of_batches() -> None:
    """Gap: a batch of SQS is checked as an action of its own; on AWS, DeleteMessageBatch needs sqs:DeleteMessage."""
    extract = iam_actions.extract_iam_action

    @functools.wraps(extract)
    def extract_iam_action(service: str, *request: Any) -> str | None:
        action = extract(service, *request)
        return action.removesuffix("Batch") if action and service == "sqs" else action

    iam_actions.extract_iam_action = extract_iam_action


def role_credentials(role_name: str) -> dict[str, str] | None:
    """Return credentials of a role, as the AWS service in its trust policy would get; None if it does not exist.

    AssumeRole cannot do this: trust policies name services and source ARNs, which a caller cannot provide.
    """
    return None if iam._roles.get(role_name) is None else open_session(role_name)


def open_session(role_name: str) -> dict[str, str]:
    credentials = {
        "accessKeyId": "ASIA" + secrets.token_hex(8).upper(),
        "secretAccessKey": secrets.token_hex(20),
        "sessionToken": secrets.token_hex(20),
    }
    session = {
        "Arn": session_arn(role_name),
        "UserId": f"{role_name}:localcloud",
        "SecretAccessKey": credentials["secretAccessKey"],
        "SessionToken": credentials["sessionToken"],
    }
    sts.register_session(credentials["accessKeyId"], session)
    return credentials


def session_arn(role_name: str) -> str:
    return f"arn:aws:sts::{responses.get_account_id()}:assumed-role/{role_name}/localcloud"
