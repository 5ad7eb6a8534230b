"""The settings, and the only reader of the environment. Imported by the composition roots only."""

from settings.all import LOOPBACK, Settings, SettingsError, load_settings

__all__ = ["LOOPBACK", "Settings", "SettingsError", "load_settings"]
