"""Until when AWS supports each Python runtime of Lambda.

Dates: AWS Lambda Developer Guide, "Building Lambda functions with Python" (3.12, 3.13), and endoflife.date,
"AWS Lambda" (3.14), a secondary source; read in November 2026. AWS forecasts them and has moved some.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, kw_only=True)
class RuntimeSupport:
    """`deprecated`: no more security patches. `update_blocked`: functions can no longer be changed."""

    deprecated: date
    update_blocked: date


PYTHON_RUNTIMES = {
    "python3.12": RuntimeSupport(deprecated=date(2028, 10, 31), update_blocked=date(2029, 1, 10)),
    "python3.13": RuntimeSupport(deprecated=date(2029, 6, 30), update_blocked=date(2029, 8, 31)),
    "python3.14": RuntimeSupport(deprecated=date(2029, 6, 30), update_blocked=date(2029, 8, 31)),
}
