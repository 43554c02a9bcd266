"""Runs one step on a file within a hard limit on memory: python -m tests.unit.limited STEP FILE MEGABYTES.

Linux counts against RLIMIT_DATA what a process may write to, whether it does or not, so the limit is stricter than the
one on a Lambda function's resident memory. Prints the reason code, COMPLETED, or the name of the failure.
"""

from __future__ import annotations
