"""CloudFront: the check of signed URLs, which the emulator sends like any other."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs
from xml.etree.ElementTree import Element

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from ministack.services import cloudfront

SIGNATURE = ("Expires", "Signature", "Key-Pair-Id")
NO_SIGNATURE = "Missing Key-Pair-Id query parameter or cookie value"
DENIED = "Access denied"


def refusal(label: str, path: str, url: str, query: str) -> str | None:
    """Why a distribution does not answer a request, or None where it does.

    Gap: the emulator answers requests whose behavior trusts key groups whether or not they are signed. URLs signed with
    a canned policy are checked, which are those that the API makes; other signatures are refused.

    Args:
        label: the first label of the distribution's domain name.
        path: the request's path at the distribution.
        url: the URL that was requested, without its query.
        query: the URL's query.
    """
    distribution = cloudfront.find_distribution_for_label(label)
    trusted = _trusted_keys(distribution, path) if distribution else None
    if trusted is None:
        return None
    given = {name: values[0] for name, values in parse_qs(query).items()}
    if not all(name in given for name in SIGNATURE):
        return NO_SIGNATURE
    key = trusted.get(given["Key-Pair-Id"])
    is_valid = key is not None and given["Expires"].isdecimal() and _has_signed(key, url, given)
    return None if is_valid and int(given["Expires"]) > time.time() else DENIED


def _trusted_keys(distribution: dict[str, Any], path: str) -> dict[str, str] | None:
    """The public keys by id that the path's behavior trusts; None where it asks for no signature."""
    config = cloudfront._dist_config_el(distribution)
    matching = cloudfront._match_behavior(cloudfront.parse_distribution_dataplane_config(distribution), path)
    pattern = matching["path_pattern"]
    behavior = next(each for each in _behaviors(config) if cloudfront._opt_text(each, "PathPattern") == pattern)
    groups = [group for group in behavior.iter() if cloudfront._local_tag_name(group) == "KeyGroup"]
    if not groups:
        return None
    ids = [key for group in groups for key in cloudfront._key_groups[group.text]["Config"]["Items"]]
    return {key_id: cloudfront._public_keys[key_id]["Config"]["EncodedKey"] for key_id in ids}


def _behaviors(config: Element) -> Iterator[Element]:
    names = ("DefaultCacheBehavior", "CacheBehavior")
    return (each for each in config.iter() if cloudfront._local_tag_name(each) in names)


def _has_signed(pem: str, url: str, given: Mapping[str, str]) -> bool:
    condition = {"DateLessThan": {"AWS:EpochTime": int(given["Expires"])}}
    policy = json.dumps({"Statement": [{"Resource": url, "Condition": condition}]}, separators=(",", ":"))
    key: Any = serialization.load_pem_public_key(pem.encode())
    # The three characters that base64 has and URLs do not ("Create a signed URL using a canned policy").
    signature = given["Signature"].translate(str.maketrans("-_~", "+=/"))
    try:
        key.verify(base64.b64decode(signature, validate=True), policy.encode(), padding.PKCS1v15(), hashes.SHA1())  # noqa: S303
    except (InvalidSignature, ValueError):
        return False
    return True
