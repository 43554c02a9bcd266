"""Results of a check: findings, each with what was found and what to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from botocore.exceptions import ClientError

from client.errors import PipelineError, is_missing
from client.pipeline import Pipeline

# A command line of the AWS CLI: the service and the operation follow.
_AWS_COMMAND = re.compile(r"\baws(?= [a-z0-9-]+ [a-z0-9-]+)")
DENIED_CODES = frozenset(
    {"403", "AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"}
)


class Status(StrEnum):
    """The severity of a finding."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The result of checking one resource.

    Attributes:
        status: ok, or how severe the problem is.
        found: the resource's name and its state.
        advice: what to do; "" if there is no problem.
    """

    status: Status
    found: str
    advice: str = ""


Check = Callable[[Pipeline], Iterator[Finding]]
"""A check: examines a deployed stack and yields its findings. Errors of AWS may propagate."""


def ok(found: str) -> Finding:
    return Finding(status=Status.OK, found=found)


def warn(found: str, advice: str) -> Finding:
    return Finding(status=Status.WARN, found=found, advice=advice)


def fail(found: str, advice: str) -> Finding:
    return Finding(status=Status.FAIL, found=found, advice=advice)


def redeploy(pipeline: Pipeline) -> str:
    """Advice for what a deployment corrects."""
    return f"deploy again: img-pipeline deploy --stack {pipeline.stack}"


def run_check(check: Check, pipeline: Pipeline) -> list[Finding]:
    """Run a check; an error that prevents it is a finding too."""
    return [
        replace(finding, advice=_with_endpoint_url(finding.advice, pipeline)) for finding in _findings(check, pipeline)
    ]


def _with_endpoint_url(advice: str, pipeline: Pipeline) -> str:
    """Advice whose `aws` commands use the endpoint of an embedded cloud instead of an AWS account."""
    return _AWS_COMMAND.sub(f"aws --endpoint-url {pipeline.endpoint_url}", advice) if pipeline.local else advice


def _findings(check: Check, pipeline: Pipeline) -> list[Finding]:
    try:
        return list(check(pipeline))
    except PipelineError as error:
        return [fail(str(error), redeploy(pipeline))]
    except ClientError as error:
        if error.response["Error"]["Code"] in DENIED_CODES:
            return [
                warn(
                    f"not allowed to check: {error}",
                    f"allow the caller {error.operation_name}, or run this with that permission",
                )
            ]
        if is_missing(error):
            return [fail(str(error), redeploy(pipeline))]
        return [fail(f"could not check: {error}", "check whether the service has an outage, then run this again")]
