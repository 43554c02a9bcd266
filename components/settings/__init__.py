"""The stack's settings: read once from the Pulumi configuration, checked before any resource exists."""

from components.settings.loading import config_schema, load_settings, parse_settings
from components.settings.mistakes import SettingsError
from components.settings.model import (
    API_MEMORY_MB,
    API_TIMEOUT_SECONDS,
    PROJECT_DIRECTORY,
    SMALL_MEMORY_MB,
    SOURCE_RETENTION_SECONDS,
    VISIBILITY_FACTOR,
    WEBHOOK_MEMORY_MB,
    Alarms,
    ApiSettings,
    ResultSubscriber,
    Settings,
    TransformFunction,
    Vpc,
)

__all__ = [
    "API_MEMORY_MB",
    "API_TIMEOUT_SECONDS",
    "PROJECT_DIRECTORY",
    "SMALL_MEMORY_MB",
    "SOURCE_RETENTION_SECONDS",
    "VISIBILITY_FACTOR",
    "WEBHOOK_MEMORY_MB",
    "Alarms",
    "ApiSettings",
    "ResultSubscriber",
    "Settings",
    "SettingsError",
    "TransformFunction",
    "Vpc",
    "config_schema",
    "load_settings",
    "parse_settings",
]
