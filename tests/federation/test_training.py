"""Federations from a settings file: held-out frames, refusals, provenance."""

from __future__ import annotations

import pytest
import torch

from fedbragg.config import Federation
from fedbragg.errors import ConfigError, LabelError
from fedbragg.federation import FederationOutcome
from fedbragg.federation.training import provenance, split, train_together
from fedbragg.tasks.hits.features import MEASURES
from fedbragg.tasks.hits.learner import HitData


def frames(number: int) -> HitData:
    """One peak a frame, whose first measure is the frame's number."""
    measures = torch.zeros(number, MEASURES)
    measures[:, 0] = torch.arange(number)
    return HitData(measures, torch.arange(number + 1), torch.arange(number) % 2, -torch.ones(number))


def settings(**federation: object) -> Federation:
    site = {"name": "a", "runs": ["/secret/place/*.h5"], "labels": "/secret/labels.csv"}
    return Federation.model_validate({"federation": federation, "sites": [site]})


def test_the_last_frames_in_time_are_held_out() -> None:
    site = split("a", frames(10), share=0.2)
    assert site.train.measures[:, 0].tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    assert site.held_out.measures[:, 0].tolist() == [8, 9]


def test_a_site_with_nine_frames_is_refused_with_the_number_it_needs() -> None:
    with pytest.raises(LabelError, match="site a: 9 labelled frames; label at least 10"):
        split("a", frames(9), share=0.2)


def test_a_rule_that_trains_no_network_is_refused() -> None:
    with pytest.raises(ConfigError, match="fedboost"):
        train_together(settings(aggregation="fedboost", schedule="sync"), [split("a", frames(10), 0.2)], {})


def test_provenance_names_the_settings_but_no_path() -> None:
    written = provenance(settings(), FederationOutcome({}, [], 3, "done"))
    assert written["barriers"] == 3
    assert written["settings"]["sites"][0]["name"] == "a"
    assert "secret" not in str(written)
