"""Errors of a delivery; each is retried."""

from __future__ import annotations

from functions.shared.errors import PipelineError


class WebhookError(PipelineError):
    """A delivery failed because of an error in the function."""


class RefusedAddressError(WebhookError):
    """The URL or its address must not receive deliveries."""


class UndeliveredError(WebhookError):
    """The receiver was unreachable, or responded with neither 2xx nor 410."""


class MissingSecretError(WebhookError):
    """The stack's secret has no value yet."""
