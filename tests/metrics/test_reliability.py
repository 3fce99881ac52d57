"""Reliability, against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss

from fedbragg.metrics.proportions import proportion
from fedbragg.metrics.reliability import brier, calibration_error, reliability


@given(st.integers(0, 2**32), st.integers(2, 400))
@settings(max_examples=60, deadline=None)
def test_the_brier_score_is_scikit_learns(seed: int, number: int) -> None:
    generator = np.random.default_rng(seed)
    positive, probability = generator.random(number) < 0.4, generator.random(number)
    positive[:2] = True, False
    assert brier(positive, probability) == pytest.approx(brier_score_loss(positive, probability))


def test_bins_by_hand() -> None:
    positive = np.array([False, False, False, True, True, True, False, True])
    probability = np.array([0.1, 0.1, 0.2, 0.2, 0.8, 0.9, 0.9, 1.0])
    low, high = reliability(positive, probability, bins=2)
    assert (low.frames, low.predicted, low.observed) == (4, pytest.approx(0.15), proportion(1, 4))
    assert (high.frames, high.predicted, high.observed) == (4, pytest.approx(0.9), proportion(3, 4))
    assert calibration_error(positive, probability, bins=2) == pytest.approx((0.10 + 0.15) / 2)


@given(st.integers(0, 2**32), st.integers(1, 300), st.sampled_from([1, 2, 8]))
@settings(max_examples=100, deadline=None)
def test_every_frame_is_in_one_bin_and_ties_stay_together(seed: int, number: int, digits: int) -> None:
    generator = np.random.default_rng(seed)
    positive, probability = generator.random(number) < 0.4, generator.random(number).round(digits)
    found = reliability(positive, probability)
    assert sum(part.frames for part in found) == number
    assert 1 <= len(found) <= 10
    predicted = [part.predicted for part in found]
    assert predicted == sorted(predicted)
    assert len(found) <= len(np.unique(probability))
    total = sum(part.frames * part.observed.value for part in found)
    assert total == pytest.approx(positive.sum())


def test_true_probabilities_have_next_to_no_error() -> None:
    generator = np.random.default_rng(1)
    probability = generator.random(100_000)
    positive = generator.random(100_000) < probability
    assert calibration_error(positive, probability) < 0.01
    assert calibration_error(positive, probability**2) > 0.1
