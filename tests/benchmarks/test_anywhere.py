"""Facilities drawn at random: each can be built, none is like the next."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from baselines.anywhere import anywhere
from fedbragg.simulation import simulate_run
from fedbragg.simulation.artefacts.catalogue import ARTEFACTS


def test_the_same_seed_draws_the_same_facility_and_another_seed_another() -> None:
    one, again, other = (anywhere(np.random.default_rng(seed), 1) for seed in (1, 1, 2))
    assert one == again
    assert one.detector != other.detector
    assert one.sample != other.sample
    assert one.name == "anywhere 1"


def test_what_is_drawn_is_possible() -> None:
    lines = [anywhere(np.random.default_rng([5, number]), number) for number in range(300)]
    for line in lines:
        detector = line.detector
        assert 0.02 <= detector.distance < 5  # metre
        assert 0 < detector.beam_centre[0] < detector.cols
        assert 0 < detector.beam_centre[1] < detector.rows
        assert np.iinfo(detector.dtype).min <= detector.gap_value <= np.iinfo(detector.dtype).max
        assert detector.saturation <= np.iinfo(detector.dtype).max
        assert {kind for kind, _ in line.mix.misses} == set(ARTEFACTS)
    shares = [
        np.mean([line.detector.integrating for line in lines]),
        np.mean([max(line.sample.cell[:3]) < 20 for line in lines]),
    ]
    assert shares == pytest.approx([0.4, 0.3], abs=0.1)
    assert {line.sample.space_group for line in lines} >= {"P 1", "P 43 21 2", "I 2 3"}


@pytest.mark.slow
@pytest.mark.parametrize("number", range(6))
def test_its_frames_hold_hits_and_misses(number: int) -> None:
    line = anywhere(np.random.default_rng([9, number]), number)
    line = replace(line, mix=replace(line.mix, rates=((0.5, 0.0),), artefact_share=0.0))
    stills = list(simulate_run(line, 12, seed=number))
    positive = [still.label.positive for still in stills]
    assert 2 <= sum(positive) <= 10  # 6 drawn
    for still in stills:
        assert still.counts.shape == (line.detector.rows, line.detector.cols)
        assert still.counts.dtype == line.detector.dtype
        assert still.mask.mean() < 0.3
