"""The provider functions with which a program gets its account, region and partition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from localcloud.resources.base import Cloud, ResourceError


def _caller_identity(cloud: Cloud) -> dict[str, Any]:
    identity = cloud.client("sts").get_caller_identity()
    return {
        "id": identity["Account"],
        "accountId": identity["Account"],
        "arn": identity["Arn"],
        "userId": identity["UserId"],
    }


def _region(cloud: Cloud) -> dict[str, Any]:
    return {"id": cloud.region, "name": cloud.region, "region": cloud.region}


def _partition(_cloud: Cloud) -> dict[str, Any]:
    return {"id": "aws", "partition": "aws", "dnsSuffix": "amazonaws.com", "reverseDnsPrefix": "com.amazonaws"}


INVOKES: dict[str, Callable[[Cloud], dict[str, Any]]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": _caller_identity,
    "aws:index/getRegion:getRegion": _region,
    "aws:index/getPartition:getPartition": _partition,
}


def invoke(cloud: Cloud, token: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result of a provider function.

    Raises:
        ResourceError: the function is not supported, or not with these arguments.
    """
    if token not in INVOKES:
        raise ResourceError("this function is not supported: add it to INVOKES in localcloud/resources/invokes.py")
    for key in arguments:
        raise ResourceError(f"argument {key!r} is not supported: add it in localcloud/resources/invokes.py")
    return INVOKES[token](cloud)
