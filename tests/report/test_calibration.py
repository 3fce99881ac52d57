"""The report beside a calibrated model, of frames with known figures."""

from __future__ import annotations

import numpy as np
import pytest
from pages import loads_nothing, parsed

from fedbragg.metrics.reliability import brier
from fedbragg.report.calibration import sections
from fedbragg.report.page import page
from fedbragg.screening.guarantee.calibrate import make_calibration
from fedbragg.screening.guarantee.demand import Demand, Guarantee
from fedbragg.screening.guarantee.labelled_frames import LabelledFrames
from fedbragg.screening.guarantee.score_map import cross_fitted
from fedbragg.tasks.hits.calibration_card import Origin


@pytest.fixture(scope="module")
def frames() -> LabelledFrames:
    generator = np.random.default_rng(1)
    hit = generator.random(1500) < 0.4
    odds = np.where(hit, generator.normal(4, 2, 1500), generator.normal(-1, 1, 1500))
    level = generator.uniform(20, 30, 1500)
    return LabelledFrames(1 / (1 + np.exp(-odds)), hit, level, np.arange(1500), unreadable_hits=7)


def words_of(frames: LabelledFrames, demand: Demand, warnings: list[str]) -> str:
    found = make_calibration(frames, demand, Origin("0.1.0", "m" * 64, "l" * 64))
    html = page("Calibration report", demand.text, sections(found, frames, demand, warnings))
    assert loads_nothing(html)
    assert html.count("<svg") == 2
    return " ".join(parsed(html).words)


def test_the_figures_are_those_of_the_frames(frames: LabelledFrames) -> None:
    demand = Demand(max_loss=0.02)
    found = make_calibration(frames, demand, Origin("", "", ""))
    text = words_of(frames, demand, ["<b>beware</b>"])
    below = np.sum(frames.score[~frames.hit] < found.raw_threshold)
    assert f"{100 * below / frames.misses:.1f} %" in text
    assert "At most 2 % of hits lost, with 95 % confidence. It is based on" in text
    assert "<b>beware</b>" in text  # as text
    assert f"{brier(frames.hit, frames.score):.4f}" in text
    assert f"{brier(frames.hit, cross_fitted(frames.score, frames.hit)):.4f}" in text
    assert "hits that could not be read: kept, never lost, not counted 7" in text
    assert "m" * 64 in text


def test_promises_that_need_more_hits_are_not_priced(frames: LabelledFrames) -> None:
    text = words_of(frames, Demand(max_loss=0.01), [])
    assert "0.1 % too few hits – –" in text
    assert "0.2 % too few hits – –" in text
    assert text.count("too few hits") == 2  # 0.5 % needs 598, and there are some more


def test_a_bound_of_the_mean_is_called_one(frames: LabelledFrames) -> None:
    text = words_of(frames, Demand(guarantee=Guarantee.EXPECTED), [])
    assert "At most 1 % of hits lost on average over calibrations" in text
    assert "on average confidence" in text
