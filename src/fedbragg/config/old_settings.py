"""Settings of earlier versions: their keys today, and today's settings as an earlier version wrote them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

Table = dict[str, Any]
Report = Callable[[str, str], None]
"""Called with a section and the change to make in it."""

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
"""By section, the new name of each key."""

REMOVED: Mapping[str, Mapping[str, str]] = {
    "federation": {
        "noise": "noise on whole updates is gone: it protected too little. Set epsilon in [privacy], which adds "
        "noise in training and says what it promises"
    }
}
"""By section, keys that no longer exist, and the replacement."""

MOVED: Mapping[str, Mapping[tuple[str, str], str | None]] = {
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
"""By task, section and key of version 0.1 and the key in the task's own section; None had no effect there."""

DEFAULTS: Mapping[str, Table] = {
    "model": {"name": "spotnet", "block": 8, "public_frames": 240, "public_epochs": 30},
    "training": {"hit_weight": 3.0},
    "phases": {
        "structures": ["bastnaesite", "calcite", "rhenium"],
        "wavelength": 0.5608,
        "two_theta": None,
        "loss": "plain",
        "one_sided": "ignore",
    },
}
"""Defaults in version 0.1 of the keys that the tasks' own sections hold today."""


RATE = 1e-3
"""[training] learning_rate in version 0.1."""
OTHER_RATE_WITHOUT = {"hits": "public_frames", "phases": "public_patterns", "tags": "public_images"}
"""By task, the key without which its sites train at another rate today: from the packaged model."""

ADDED: Mapping[str, Mapping[str, Any]] = {
    "federation": {
        "calibration_tau": 1.0,
        "feddyn_alpha": 0.01,
        "fedawa_steps": 10,
        "fedawa_rate": 0.01,
        "compass_epochs": [1, 5],
    },
    "training": {"precision": "float32", "fixed_statistics": False},
}
"""By section, keys that were added later, with their defaults."""


def without_added(table: Table) -> Table:
    """Return settings without later keys that hold their defaults, so that every version reads them."""
    return {
        section: {k: v for k, v in content.items() if ADDED[section].get(k, ...) != v}
        if section in ADDED
        else content
        for section, content in table.items()
    }


def with_new_keys(table: Table, report: Report = lambda section, text: None) -> Table:
    """Return settings with all keys of earlier versions replaced by today's; ``report`` hears of each.

    Where a key is present under both names the old one stays, to be refused as unknown.
    """
    changed = {name: dict(value) if isinstance(value, dict) else value for name, value in table.items()}
    for section, keys in RENAMED.items():
        if isinstance(content := changed.get(section), dict):
            for old in [key for key in content if key in keys and key not in _doubled(content, keys)]:
                report(section, f"{old} is now called {keys[old]}; rename it")
            changed[section] = _renamed(content, keys)
    for section, keys in REMOVED.items():
        if isinstance(content := changed.get(section), dict):
            changed[section] = {key: value for key, value in content.items() if key not in keys or value}
    _move_to_the_task(changed, str(changed.get("task", "hits")), report)
    return changed


def doubled_keys(table: Table) -> list[tuple[str, str, str]]:
    """Return section, old and new name of each renamed key that is present under both names."""
    return [
        (section, old, keys[old])
        for section, keys in RENAMED.items()
        if isinstance(table.get(section), dict)
        for old in sorted(_doubled(table[section], keys))
    ]


def removed_keys(table: Table) -> list[tuple[str, str, str]]:
    """Return section, key and replacement of each key that no longer exists; a key that is off does not count."""
    return [
        (section, key, advice)
        for section, keys in REMOVED.items()
        for key, advice in keys.items()
        if isinstance(table.get(section), dict) and table[section].get(key)
    ]


def as_version_0_1(table: Table) -> Table:
    """Return settings with the keys, sections and order of version 0.1.

    A checkpoint stores a hash of the settings, so the hashed settings must stay those of version 0.1.
    """
    task, table = table["task"], without_added(table)
    old = deepcopy({**DEFAULTS, "training": {**_with_rate(table), **DEFAULTS["training"]}})
    own = dict(table.get(task) or {})
    for (section, key), new in MOVED.get(task, {}).items():
        if new in own:
            old[section][key] = own.pop(new)
    if task in DEFAULTS:
        old[task].update({key: own.pop(key) for key in DEFAULTS[task] if key in own})
    for section, keys in RENAMED.items():
        if section in table:
            old[section] = _renamed(table[section], {new: key for key, new in keys.items()})
    if "federation" in old:
        old["federation"] = _with_removed_keys(old["federation"])
    order = ("task", "seed", "model", "training", "phases", "federation")
    result = {section: old.get(section, table.get(section)) for section in order}
    return {**result, "own": own} if own else result


def _with_rate(table: Table) -> Table:
    """Return [training] with version 0.1's learning rate where none is given and that still is the rate."""
    training, task = dict(table["training"]), table["task"]
    key = OTHER_RATE_WITHOUT.get(task)
    other = key is not None and (table.get(task) or {}).get(key) is None
    if training.get("learning_rate", ...) is None and not other:
        training["learning_rate"] = RATE
    return training


def _move_to_the_task(table: Table, task: str, report: Report) -> None:
    for (section, key), new in MOVED.get(task, {}).items():
        if not isinstance(table.get(section), dict) or key not in table[section]:
            continue
        value = table[section].pop(key)
        if new is None:
            report(section, f"{key} has no effect on task {task}; remove it")
        else:
            report(section, f"{key} is now [{task}] {new}; move it")
            table.setdefault(task, {}).setdefault(new, value)
    if table.get("model") == {}:
        del table["model"]
    for other in [name for name in MOVED if name != task and name in table]:
        report(other, f"the section has no effect on task {task}; remove it")
        del table[other]


def _with_removed_keys(federation: Table) -> Table:
    """Return the section with noise = 0 at its place behind clip."""
    return {
        name: value
        for key, content in federation.items()
        for name, value in ((key, content), *((("noise", 0.0),) if key == "clip" else ()))
    }


def _doubled(section: Table, keys: Mapping[str, str]) -> set[str]:
    return {old for old, new in keys.items() if old in section and new in section}


def _renamed(section: Table, names: Mapping[str, str]) -> Table:
    doubled = _doubled(section, names)
    return {key if key in doubled else names.get(key, key): value for key, value in section.items()}
