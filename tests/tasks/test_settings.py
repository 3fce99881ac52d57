"""Each task checks its own section of the settings; one line names the section, the key and the remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fedbragg.config import Federation
from fedbragg.errors import ConfigError
from fedbragg.tasks.registry import open_task

SITES = [{"name": "a", "runs": ["a"], "labels": "a.csv"}]


@pytest.mark.parametrize(
    ("task", "section", "message"),
    [
        (
            "hits",
            {"network": "resnet"},
            "[hits]: network: Input should be 'spotnet', 'spotnet-small' or 'kindnet'.",
        ),
        ("hits", {"blocks": 8}, "[hits]: unknown key 'blocks'. Known keys: network, block, hit_weight, "),
        ("hits", {"hit_weight": 0}, "[hits]: hit_weight: Input should be greater than 0."),
        ("phases", {"loss": "huber"}, "[phases]: loss: Input should be 'plain', 'tailored', 'positive', "),
        (
            "phases",
            {"structures": []},
            "[phases]: structures: the list is empty; name at least one structure.",
        ),
        ("phases", {"structures": ["gold"]}, "[phases]: structures: 'gold' is not a shipped structure (bast"),
        ("phases", {"two_theta": [20.0]}, "[phases]: two_theta: [20.0] is not a range; give [LOW, HIGH] in"),
        ("phases", {"two_theta": 20}, "[phases]: two_theta: 20 is not a range; give [LOW, HIGH] in degrees."),
        (
            "phases",
            {"two_theta": [20, 10]},
            "[phases]: two-theta 20 to 10 degrees is not a range for a pattern",
        ),
        (
            "phases",
            {"wavelength": 3.0},
            "[phases]: wavelength 3 angstrom cannot reach the default range of q",
        ),
    ],
)
def test_a_wrong_setting_is_named_in_one_line(task: str, section: dict[str, Any], message: str) -> None:
    settings = Federation.model_validate({"task": task, task: section, "sites": SITES})
    with pytest.raises(ConfigError) as caught:
        open_task(settings, Path())
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_cif_from_another_machine_is_refused() -> None:
    table = {"task": "phases", "phases": {"structures": ["/elsewhere/quartz.cif"]}, "sites": SITES}
    with pytest.raises(
        ConfigError, match=r"\[phases\]: structures: quartz.cif: real sites have only the shipped"
    ):
        open_task(Federation.model_validate(table), None)
