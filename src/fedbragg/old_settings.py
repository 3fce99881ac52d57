"""Settings of earlier versions: where their keys are today."""

from __future__ import annotations

from typing import Any
from warnings import warn


class SettingsWarning(UserWarning):
    """A settings file uses keys of an earlier version; they are read, and the message says what to write today."""


MOVED: dict[str, dict[tuple[str, str], str | None]] = {
    "hits": {
        ("model", "name"): "network",
        ("model", "block"): "block",
        ("model", "public_frames"): "public_frames",
        ("model", "public_epochs"): "public_epochs",
        ("training", "hit_weight"): "hit_weight",
    },
    "phases": {
        ("model", "name"): None,
        ("model", "block"): None,
        ("model", "public_frames"): "public_patterns",
        ("model", "public_epochs"): "public_epochs",
        ("training", "hit_weight"): None,
    },
}
"""For each task, section and key of version 0.1 and the key in the task's own section; None had no effect there."""


def moved_to_the_task(table: dict[str, Any]) -> dict[str, Any]:
    """Return a settings table with the keys of version 0.1 moved to the task's own section, each with a warning."""
    task = table.get("task", "hits")
    changed = {name: dict(value) if isinstance(value, dict) else value for name, value in table.items()}
    for (section, key), new in MOVED.get(task, {}).items():
        if not isinstance(changed.get(section), dict) or key not in changed[section]:
            continue
        value = changed[section].pop(key)
        if new is None:
            _warn(f"[{section}] {key} has no effect on task {task}; remove it")
        else:
            _warn(f"[{section}] {key} is now [{task}] {new}")
            changed.setdefault(task, {}).setdefault(new, value)
    if changed.get("model") == {}:
        del changed["model"]
    for other in MOVED.keys() - {task}:
        if other in changed:
            _warn(f"[{other}] has no effect on task {task}; remove it")
            del changed[other]
    return changed


def _warn(text: str) -> None:
    warn(f"settings: {text}", SettingsWarning, stacklevel=2)
