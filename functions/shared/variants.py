"""The error for valid files that the decoders cannot read: the rejection must not call them damaged."""

from __future__ import annotations


class UnsupportedVariantError(Exception):
    """A valid file of a supported format that uses a feature which is not supported.

    Args:
        variant: completes the sentence "The file is …": "a JPEG with arithmetic coding".
    """

    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        self.variant = variant
