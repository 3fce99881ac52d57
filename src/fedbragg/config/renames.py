"""Old names of settings: files and checkpoints that have them are still read."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fedbragg.errors import ConfigError, SettingsWarning

RENAMED: Mapping[str, Mapping[str, str]] = {
    "federation": {
        "keep_norms": "local_batchnorm",
        "travel": "compression",
        "travel_bits": "compression_bits",
    },
    "server": {
        "contact": "heartbeat",
        "lost": "site_timeout",
        "training": "training_timeout",
        "answer": "message_timeout",
        "away": "server_timeout",
    },
}
"""By section, the new name for each old one."""


def with_new_keys(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return stored settings with every old key renamed; an old key whose new one is there too stays."""
    return _renamed(table, RENAMED)


def with_old_keys(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with every renamed key under its old name, in the same order.

    A checkpoint stores a hash of the settings as they were written first, so that is what must be hashed.
    """
    return _renamed(table, {name: {new: old for old, new in keys.items()} for name, keys in RENAMED.items()})


def warn_of_old_keys(path: Path, table: Mapping[str, Any]) -> None:
    """Warn of each old key in a user's file; raise ConfigError where the new one is there too."""
    for section, keys in RENAMED.items():
        found = table.get(section)
        if not isinstance(found, dict):
            continue
        for old, new in keys.items():
            if old in found and new in found:
                raise ConfigError(
                    f"{path} [{section}]: {old} is the old name of {new}; remove one of the two."
                )
            if old in found:
                warnings.warn(
                    f"{path} [{section}]: {old} is now called {new}; rename it in the file.",
                    SettingsWarning,
                    stacklevel=3,
                )


def _renamed(table: Mapping[str, Any], names: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    return {
        section: _section(content, names[section])
        if section in names and isinstance(content, dict)
        else content
        for section, content in table.items()
    }


def _section(content: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {
        names[key] if key in names and names[key] not in content else key: value
        for key, value in content.items()
    }
