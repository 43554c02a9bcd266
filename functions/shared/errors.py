"""Failures that the file did not cause. The class name is the error code that the workflow records.

A file that is not accepted is not a failure but a rejection, see `reasons.py`.
"""

from __future__ import annotations


class PipelineError(Exception):
    """Base class of the functions' failures; the message says what happened and what to do."""


class TransientError(PipelineError):
    """An AWS call was throttled, timed out or failed with a service error. The workflow retries only this error."""


class AccessError(PipelineError):
    """An AWS call was denied: a permission, a bucket or a table is missing."""


class SourceMissingError(PipelineError):
    """The file version in the event is no longer in the bucket."""


class ConfigurationError(PipelineError):
    """An environment variable of the function has an invalid value."""


class ValidateError(PipelineError):
    """The file could not be validated because of an error in the function."""


class ThumbnailError(PipelineError):
    """The smaller renditions could not be made."""


class WatermarkError(PipelineError):
    """The watermarked rendition could not be made."""


class MetadataError(PipelineError):
    """The image could not be described."""


class TableError(PipelineError):
    """The table could not be converted."""


class EraseError(PipelineError):
    """What was made from a deleted file could not be removed."""


class FulfilError(PipelineError):
    """The renditions of an order could not be made."""


class SimulatedError(PipelineError):
    """The attempt failed on purpose, because the setting orders.successRate is less than 1."""
