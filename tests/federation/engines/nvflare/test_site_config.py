"""A site's own file: what it limits, and what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from house import OWN

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


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("runs = [", "not valid TOML"),
        ('labels = "a"', "runs: "),
        (OWN + "[limits]\ncolour = 1", "limits.colour"),
    ],
)
def test_a_sites_site_config_is_checked(tmp_path: Path, text: str, part: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=part):
        load_site_config(path)
