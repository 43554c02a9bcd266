"""The stack's settings: read once from the Pulumi configuration, checked before any resource exists."""

from components.settings.loading import config_schema, load_settings, parse_settings
from components.settings.mistakes import SettingsError
from components.settings.model import (
    PROJECT_DIRECTORY,
    SOURCE_RETENTION_SECONDS,
    Alarms,
    ResultSubscriber,
    Settings,
    TransformFunction,
    Vpc,
)

__all__ = [
    "PROJECT_DIRECTORY",
    "SOURCE_RETENTION_SECONDS",
    "Alarms",
    "ResultSubscriber",
    "Settings",
    "SettingsError",
    "TransformFunction",
    "Vpc",
    "config_schema",
    "load_settings",
    "parse_settings",
]
