"""Where and when something was measured."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime


def measured_here() -> dict[str, str]:
    """The date and the machine, as a section's results begin."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} {platform.machine()} cores, {platform.system()}, "
        f"Python {platform.python_version()}",
    }
