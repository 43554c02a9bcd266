"""Cognito: temporary passwords of invited users."""

from __future__ import annotations

from ministack.services import cognito


def install() -> None:
    """Apply this service's patches."""
    _generate_long_passwords()


def _generate_long_passwords() -> None:
    """Gap: generated passwords have twelve characters, so a pool whose policy requires more refuses to invite users."""
    generate = cognito._generate_temp_password
    cognito._generate_temp_password = lambda: generate() + generate()
