"""The /tmp storage of each function, from the settings of the files that it reads."""

from components.settings.declared import family_limits, transform_settings
from components.settings.model import Settings
from contract.memory import LEAST_STORAGE_MB, storage_mb


def validate_storage_mb(settings: Settings) -> int:
    """Megabytes of storage that validate needs."""
    return max(_megabytes(settings, family, family_limits(family).disk_bytes_per_byte) for family in settings.media)


def transform_storage_mb(settings: Settings, transform: str) -> int:
    """Megabytes of storage that a transform needs."""
    own = transform_settings(transform).disk_bytes_per_byte
    families = [
        family
        for family, accepted in settings.media.items()
        if any(map(settings.transforms[transform].takes, accepted.accepted))
    ]
    needed = (_megabytes(settings, family, own or family_limits(family).disk_bytes_per_byte) for family in families)
    return max(needed, default=LEAST_STORAGE_MB)


def snap_started(settings: Settings) -> dict[str, int]:
    """The functions that start from a snapshot, with their memory in megabytes.

    Lambda excludes provisioned concurrency and more storage than every function has ("Improving startup performance
    with Lambda SnapStart").
    """
    excluded = {name for name in settings.transforms if transform_storage_mb(settings, name) > LEAST_STORAGE_MB}
    if settings.validate_.provisioned_concurrency or validate_storage_mb(settings) > LEAST_STORAGE_MB:
        excluded.add("validate")
    memory = settings.function_memory_mb if settings.snap_start else {}
    return {name: megabytes for name, megabytes in memory.items() if name not in excluded}


def _megabytes(settings: Settings, family: str, bytes_per_byte: int) -> int:
    return storage_mb(max_bytes=settings.family_max_bytes(family), bytes_per_byte=bytes_per_byte)
