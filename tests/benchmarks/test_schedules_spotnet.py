"""How the schedules' curves are compared: values worked by hand; and which models were the newest when."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest

from baselines.schedules_facilities import Condition, KeptModels, epochs_to
from fedbragg.federation import ProgressEvent
from schedules_spotnet import EIGHT, EQUAL, LOSSY, SYNC, jobs, smoothed, time_to


def test_a_value_is_reached_on_the_straight_line_between_two_points() -> None:
    curve = {"time": [0.0, 0.2, 0.4], "AUC": [0.5, 0.7, 0.9], "log loss": [0.8, 0.4, 0.6]}
    assert time_to(curve, "AUC", 0.8) == pytest.approx(0.3)
    assert time_to(curve, "AUC", 0.95) == inf
    assert time_to(curve, "log loss", 0.6) == pytest.approx(0.1)  # less is better


def test_a_point_is_averaged_with_those_before_it_alone() -> None:
    np.testing.assert_allclose(smoothed([0.0, 3.0, 6.0, 0.0]), [0.0, 1.5, 3.0, 3.0])


def test_sync_runs_at_equal_speeds_and_where_messages_are_lost() -> None:
    every = jobs(5)
    assert {condition for condition, way, _ in every if way == SYNC} == {EQUAL, LOSSY}
    assert len(every) == len(set(every))
    assert every[:5] == [(EQUAL, SYNC, seed) for seed in range(1, 6)]
    assert sum(condition == EIGHT for condition, _, _ in every) == 4 * 5  # three schedules and a variant


def test_the_newest_model_at_a_time_is_the_last_that_was_sent() -> None:
    kept = KeptModels()
    for version, time in ((0, 0.0), (3, 2.0), (5, 4.0), (3, 5.0)):
        kept.note(ProgressEvent("sent", time, version=version))
        kept.models[version] = {"w": np.array(version)}
    kept.note(ProgressEvent("update", 6.0, version=9))
    newest = [kept.newest(time) for time in (0.0, 1.9, 2.0, 9.0)]
    assert [int(model["w"]) for model in newest if model is not None] == [0, 0, 3, 5]


def test_the_slowest_site_trains_40_epochs_to_the_last_barrier_by_default() -> None:
    assert (epochs_to(1), epochs_to(6)) == (15, 40)
    assert Condition(8, loss=0.3).title == "8x, 30% lost"
