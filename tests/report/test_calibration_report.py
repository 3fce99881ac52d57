"""The report beside a calibrated model, made from frames whose figures are known."""

from __future__ import annotations

import numpy as np
import pytest
from pages import loads_nothing, parsed

from fedbragg.metrics.reliability import brier
from fedbragg.report.calibration import sections
from fedbragg.report.page import page
from fedbragg.screening.guarantee.calibrate import Demand, calibrated
from fedbragg.screening.guarantee.frames import Labelled
from fedbragg.screening.guarantee.score_map import cross_fitted
from fedbragg.tasks.hits.calibration_card import Origin


@pytest.fixture(scope="module")
def frames() -> Labelled:
    generator = np.random.default_rng(1)
    hit = generator.random(1500) < 0.4
    odds = np.where(hit, generator.normal(4, 2, 1500), generator.normal(-1, 1, 1500))
    level = generator.uniform(20, 30, 1500)
    return Labelled(1 / (1 + np.exp(-odds)), hit, level, np.arange(1500), unreadable_hits=7)


def words(frames: Labelled, demand: Demand, warnings: list[str]) -> str:
    found = calibrated(frames, demand, Origin("0.1.0", "m" * 64, "l" * 64))
    text = page("Calibration report", demand.text, sections(found, frames, demand, warnings))
    assert loads_nothing(text)
    assert text.count("<svg") == 2
    return " ".join(parsed(text).words)


def test_the_figures_are_those_of_the_frames(frames: Labelled) -> None:
    demand = Demand(max_loss=0.02)
    found = calibrated(frames, demand, Origin("", "", ""))
    said = words(frames, demand, ["<b>beware</b>"])
    below = np.sum(frames.score[~frames.hit] < found.raw_threshold)
    assert f"{100 * below / frames.misses:.1f} %" in said
    assert "at most 2 % of hits lost, with 95 % confidence. It rests on" in said
    assert "<b>beware</b>" in said  # as text
    assert f"{brier(frames.hit, frames.score):.4f}" in said
    assert f"{brier(frames.hit, cross_fitted(frames.score, frames.hit)):.4f}" in said
    assert "hits that could not be read: kept, never lost, not counted 7" in said
    assert "m" * 64 in said


def test_promises_that_need_more_hits_are_not_priced(frames: Labelled) -> None:
    said = words(frames, Demand(max_loss=0.01), [])
    assert "0.1 % too few hits – –" in said
    assert "0.2 % too few hits – –" in said
    assert said.count("too few hits") == 2  # 0.5 % needs 598, and there are some more


def test_an_average_is_called_one(frames: Labelled) -> None:
    said = words(frames, Demand(guarantee="expected"), [])
    assert "at most 1 % of hits lost on average over calibrations" in said
    assert "on average confidence" in said
