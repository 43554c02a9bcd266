"""Who calls, and whose jobs and assets that caller sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contract.api import ANONYMOUS, OPERATORS, Scope
from contract.assets import NO_OWNER
from functions.http_api.problems import Problem, ProblemCode

# An owner is part of keys, which have at most 2,048 bytes ("Quotas in Amazon DynamoDB"); OpenID Connect's sub has at
# most 255 characters.
_MAX_OWNER_BYTES = 1024
_RESERVED = frozenset({"", ANONYMOUS, NO_OWNER})


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who calls. That the token allows the route, the API's authorizer has checked.

    Args:
        owner: what the caller's jobs and assets have as `owner`.
        is_operator: whether the caller sees everybody's.
    """

    owner: str
    is_operator: bool

    def sees(self, row: Mapping[str, Any]) -> bool:
        """Whether a job or asset is shown to the caller."""
        return self.is_operator or row.get("owner") == self.owner


def caller_of(event: Mapping[str, Any], *, auth: str) -> Caller:
    """The caller of a request.

    Args:
        event: an HTTP API's event, payload format 2.0.
        auth: ``jwt`` or ``none``, as in the stack's settings.

    Raises:
        Problem: the token has no name of a caller, or one that is too long.
    """
    if auth == "none":
        return Caller(owner=ANONYMOUS, is_operator=True)
    claims = event["requestContext"].get("authorizer", {}).get("jwt", {}).get("claims", {})
    owner = claims.get("sub") or claims.get("client_id") or ""
    if owner in _RESERVED or len(owner.encode(errors="surrogatepass")) > _MAX_OWNER_BYTES:
        raise Problem(ProblemCode.UNAUTHENTICATED)
    scopes = _words(claims.get("scope") or claims.get("scp") or "")
    return Caller(
        owner=owner,
        is_operator=not scopes.isdisjoint(Scope.OPERATE.spellings)
        or OPERATORS in _words(claims.get("cognito:groups") or ""),
    )


def _words(claim: str) -> set[str]:
    """A claim's members: separated by spaces, and in brackets where the token holds a list."""
    return set(claim.removeprefix("[").removesuffix("]").split())
