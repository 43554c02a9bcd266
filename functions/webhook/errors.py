"""What can go wrong with a delivery; each is tried again."""

from __future__ import annotations

from functions.shared.errors import PipelineError


class WebhookError(PipelineError):
    """A delivery failed for a reason that lies in the function."""


class RefusedAddressError(WebhookError):
    """A URL leads to where deliveries must not go."""


class UndeliveredError(WebhookError):
    """The receiver could not be reached, or answered neither 2xx nor 410."""


class MissingSecretError(WebhookError):
    """The stack's secret has no value yet."""
