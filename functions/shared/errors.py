"""Failures: what went wrong that is not the file's fault. The class name is the error code that the workflow records.

A file that cannot be accepted is no failure but a verdict, see `reasons.py`.
"""

from __future__ import annotations


class PipelineError(Exception):
    """Base of every failure that a function names; its message says what happened and what to do."""


class TransientError(PipelineError):
    """An AWS call was throttled, timed out or met a service error. The workflow retries this one, and no other."""


class AccessError(PipelineError):
    """An AWS call was refused: a permission, a bucket or a table is missing."""


class SourceMissingError(PipelineError):
    """The file version named by the event is no longer in the bucket."""


class ConfigurationError(PipelineError):
    """A setting that reached the function through its environment cannot be used."""


class ValidateError(PipelineError):
    """The file could not be judged, for a reason that lies in the function."""


class ThumbnailError(PipelineError):
    """The smaller renditions could not be made."""


class WatermarkError(PipelineError):
    """The watermarked rendition could not be made."""


class MetadataError(PipelineError):
    """The image could not be described."""
