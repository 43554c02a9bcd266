"""Points in time, as the tables' rows and HTTP answers write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def now() -> datetime:
    """The current time, in UTC."""
    return datetime.now(UTC)


def as_text(time: datetime) -> str:
    """ISO 8601 with milliseconds, ``2026-11-27T21:15:12.123Z``: what the workflow writes, so that texts compare."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds_until_midnight(time: datetime) -> int:
    """Whole seconds until the day in UTC is over, at least 1."""
    midnight = time.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return max(1, round((midnight - time).total_seconds()))
