"""Settings files, stored settings and checkpoints with old names of settings are still read."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fedbragg.config import Federation, FederationSettings, TrainingSettings, load, read_section
from fedbragg.config.old_settings import (
    ADDED,
    DEFAULTS,
    RENAMED,
    as_version_0_1,
    with_new_keys,
    without_added,
)
from fedbragg.errors import ConfigError, SettingsWarning
from fedbragg.federation.checkpoint import fingerprint
from fedbragg.tasks.hits.settings import HitsSettings
from fedbragg.tasks.phases.settings import PhasesSettings

SITE = '[[sites]]\nname = "a"\nruns = ["a.h5"]\nlabels = "a.csv"\n'
OLD: dict[str, dict[str, Any]] = {
    "federation": {"keep_norms": True, "travel": "quantised", "travel_bits": 4},
    "server": {"contact": 1.0, "lost": 2.0, "training": 3.0, "answer": 4.0, "away": 5.0},
}
NEW: dict[str, dict[str, Any]] = {
    "federation": {"local_batchnorm": True, "compression": "quantised", "compression_bits": 4},
    "server": {
        "heartbeat": 1.0,
        "site_timeout": 2.0,
        "training_timeout": 3.0,
        "message_timeout": 4.0,
        "server_timeout": 5.0,
    },
}
SITES = [{"name": "a", "runs": ["a.h5"], "labels": "a.csv"}]


def written(folder: Path, sections: dict[str, dict[str, Any]]) -> Path:
    lines = []
    for section, keys in sections.items():
        lines += [
            f"[{section}]",
            *(f"{key} = {value!r}".replace("True", "true") for key, value in keys.items()),
        ]
    path = folder / "federation.toml"
    path.write_text("\n".join(lines) + "\n" + SITE, encoding="utf-8")
    return path


def test_this_test_knows_every_renamed_key() -> None:
    assert {section: set(keys) for section, keys in RENAMED.items()} == {s: set(k) for s, k in OLD.items()}


def test_old_keys_in_a_file_are_read_with_one_line_of_warning_each(tmp_path: Path) -> None:
    path = written(tmp_path, OLD)
    with pytest.warns(SettingsWarning) as caught:
        plan = load(path)
    assert plan == Federation.model_validate({**NEW, "sites": SITES})
    messages = [str(warning.message) for warning in caught]
    assert f"{path} [server]: contact is now called heartbeat; rename it." in messages
    assert len(messages) == sum(len(keys) for keys in OLD.values())
    assert not any("\n" in line for line in messages)


def test_new_keys_are_read_without_a_warning(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load(written(tmp_path, NEW)) == Federation.model_validate({**NEW, "sites": SITES})


def test_an_old_key_beside_its_new_one_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, {"server": {"contact": 1.0, "heartbeat": 2.0}})
    with pytest.raises(ConfigError, match="contact is the old name of heartbeat; remove one of the two"):
        load(path)


def test_stored_settings_with_old_keys_equal_those_with_new_ones() -> None:
    """A server that is started again reads its settings from JSON; a warning would reach no user."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        old = Federation.model_validate({**OLD, "sites": SITES})
    assert old == Federation.model_validate({**NEW, "sites": SITES})


def test_today_s_names_are_written_as_before_in_the_same_order() -> None:
    current = with_new_keys(OLD)
    assert current == NEW
    old = as_version_0_1({"task": "hits", "seed": 1, "training": {}, **current})
    assert list(old["federation"].items()) == list(OLD["federation"].items())
    assert list(old) == ["task", "seed", "model", "training", "phases", "federation"]


@pytest.mark.parametrize("task", ["hits", "phases"])
def test_the_defaults_of_version_0_1_are_still_the_tasks_own(task: str) -> None:
    """Else a checkpoint would be resumed with other settings than it began with; it holds its start model itself."""
    stored = {section: dict(keys) for section, keys in DEFAULTS.items()}
    read = Federation.model_validate({"task": task, **stored, "sites": SITES})
    section = {"hits": HitsSettings(public_frames=240), "phases": PhasesSettings(public_patterns=240)}[task]
    assert read_section(read, type(section)) == section


def test_a_checkpoint_from_before_the_renames_can_be_resumed() -> None:
    """The fingerprint as version 0.1.0 computed it for the same settings under their old names."""
    settings = Federation.model_validate(
        {
            "seed": 7,
            "training": {"learning_rate": 0.00001},
            "federation": {**OLD["federation"], "deadline": float("inf")},
            "server": {"contact": 1.0},
            "sites": SITES,
        }
    )
    stored = "579a38498a708714d5ec50f6e4072838ed99fd304ea2e2c3eeec207c1e3414e7"
    assert fingerprint(settings, ["a"], {"w": np.zeros((2, 3), np.float32)}) == stored


@pytest.mark.parametrize(
    ("own", "same"),
    [
        ({"task": "segments"}, True),
        ({"task": "tags", "tags": {"public_images": 240}}, True),
        ({"task": "tags"}, False),
        ({"task": "phases", "phases": {"public_patterns": 240}}, True),
        ({"task": "phases"}, False),
        ({"task": "hits", "hits": {"public_frames": 240}}, True),
        ({"task": "hits"}, False),
    ],
)
def test_a_rate_left_out_is_version_0_1s_where_it_is_still_used(own: dict[str, Any], same: bool) -> None:
    """All but micrographs train at another rate from the packaged model, so a checkpoint from before is not resumed."""
    today, before = (
        fingerprint(
            Federation.model_validate({**own, "training": training, "sites": SITES}),
            ["a"],
            {"w": np.zeros(2)},
        )
        for training in ({}, {"learning_rate": 1e-3})
    )
    assert (today == before) == same


def test_keys_added_later_are_left_out_while_they_hold_their_defaults() -> None:
    """A site of an earlier version would refuse them, and a checkpoint's hash would change."""
    sections = {"federation": FederationSettings(), "training": TrainingSettings()}
    assert sections.keys() == ADDED.keys()
    for section, settings in sections.items():
        defaults, added = settings.model_dump(mode="json"), ADDED[section]
        assert {key: defaults[key] for key in added} == added
        assert not without_added({section: defaults})[section].keys() & added.keys()
    changed = FederationSettings(feddyn_alpha=0.5).model_dump(mode="json")
    assert without_added({"federation": changed, "seed": 1})["federation"]["feddyn_alpha"] == 0.5
