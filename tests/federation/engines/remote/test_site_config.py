"""A site's own file: what it limits, and what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from in_process import SITE_CONFIG, settings

from fedbragg.errors import ConfigError, FederationError
from fedbragg.federation.engines.remote.site_config import Limits, ParticipationLimits, load_site_config


def test_rounds_are_counted_over_restarts_and_forgotten_after_a_day(tmp_path: Path) -> None:
    record = tmp_path / "rounds.json"
    for _ in range(2):
        ParticipationLimits(Limits(rounds_a_day=2), record).take_round()
    with pytest.raises(FederationError, match="2 times a day"):
        ParticipationLimits(Limits(rounds_a_day=2), record).take_round()
    record.write_text(json.dumps([moment - 86_401 for moment in json.loads(record.read_text())]))
    ParticipationLimits(Limits(rounds_a_day=2), record).take_round()


@pytest.mark.parametrize(("tasks", "refused"), [((), False), (("hits",), False), (("phases",), True)])
def test_a_site_takes_part_in_the_tasks_of_its_limits(
    tmp_path: Path, tasks: tuple[str, ...], refused: bool
) -> None:
    table = settings()
    del table["sites"]
    refusal = ParticipationLimits(Limits(tasks=tasks), tmp_path / "rounds.json").refusal(table)
    assert (refusal is not None) == refused


def test_settings_that_a_site_cannot_read_are_refused_without_their_content(tmp_path: Path) -> None:
    limits = ParticipationLimits(Limits(), tmp_path / "rounds.json")
    refusal = limits.refusal({"federation": {"a_later_key": 1}})
    assert refusal is not None
    assert "install the same version of fedbragg" in refusal.public
    assert "a_later_key" in refusal.local
    assert "a_later_key" not in refusal.public


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("runs = [", "not valid TOML"),
        ('labels = "a"', "runs: "),
        (SITE_CONFIG + "[limits]\ncolour = 1", "limits.colour"),
    ],
)
def test_a_mistake_in_a_sites_file_is_named(tmp_path: Path, text: str, part: str) -> None:
    path = tmp_path / "site.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=part):
        load_site_config(path)
