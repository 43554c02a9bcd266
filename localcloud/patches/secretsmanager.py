"""Secrets Manager: secrets without a value."""

from __future__ import annotations

import functools
from typing import Any

from ministack.services import secretsmanager


def install() -> None:
    """Apply this service's patches."""
    _create_without_version()


def _create_without_version() -> None:
    """Gap: a secret that is created without a value has a current version all the same; on AWS it has none."""
    create = secretsmanager._create_secret

    @functools.wraps(create)
    def create_secret(data: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        answer = create(data)
        if answer[0] == 200 and not {"SecretString", "SecretBinary"} & data.keys():
            secretsmanager._secrets[data["Name"]]["Versions"].clear()
        return answer

    secretsmanager._create_secret = create_secret
