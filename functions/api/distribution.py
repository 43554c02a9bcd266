"""Signs URLs of the CloudFront distribution that sends renditions, where the stack's settings ask for it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import quote

from botocore.signers import CloudFrontSigner

from contract.api import DOWNLOAD_URL_SECONDS
from functions.shared.aws import client

STEP_SECONDS = 900
"""URLs expire at multiples of this, so that a browser that asks again gets the URL whose picture it has kept."""


def sends_renditions() -> bool:
    """Whether a distribution sends renditions."""
    return "RENDITIONS_URL" in os.environ


def signed_url(key: str) -> str:
    """The URL of a rendition, valid for an hour and at most `STEP_SECONDS` longer."""
    url = os.environ["RENDITIONS_URL"] + quote(key, safe="/~")
    return _signer().generate_presigned_url(url, date_less_than=datetime.fromtimestamp(_expiry(time.time()), UTC))


def _expiry(now: float) -> int:
    return (int(now) // STEP_SECONDS + 1) * STEP_SECONDS + DOWNLOAD_URL_SECONDS


@cache
def _signer() -> CloudFrontSigner:
    secret = client("secretsmanager").get_secret_value(
        SecretId=os.environ["URL_KEY_SECRET_ARN"], VersionId=os.environ["URL_KEY_SECRET_VERSION"]
    )
    return CloudFrontSigner(os.environ["URL_KEY_ID"], _sign_with(secret["SecretString"]))


def _sign_with(pem: str) -> Callable[[bytes], bytes]:
    # Not loaded by the stacks that sign none of these URLs, which are most.
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import padding  # noqa: PLC0415

    key: Any = serialization.load_pem_private_key(pem.encode(), None)
    # CloudFront checks SHA-1 ("Create a signed URL using a canned policy").
    return lambda policy: key.sign(policy, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303
