"""Valid files that the decoders here cannot read: the file is not damaged, and its uploader should be told so."""

from __future__ import annotations


class UnsupportedVariantError(Exception):
    """A valid file of a supported format that uses a feature which is not supported.

    Args:
        variant: what the file is, with its article, as it stands behind "The file is": "a JPEG with arithmetic coding".
    """

    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        self.variant = variant
