"""Paths on the embedded cloud's endpoint that stand for host names of AWS."""

from __future__ import annotations

DISTRIBUTIONS = "/_aws/cloudfront/"
"""Before the first label of a CloudFront distribution's domain name."""
