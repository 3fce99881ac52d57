"""The area under the ROC curve: its interval covers the truth as often as stated."""

from __future__ import annotations

import numpy as np
import pytest

from fedbragg.metrics.roc import area_under_curve


def test_an_auc_of_one_is_not_certain() -> None:
    positive = np.repeat([True, False], 10)
    estimate = area_under_curve(positive, np.arange(20.0)[::-1])
    assert estimate.value == estimate.high == 1.0
    assert 0.6 < estimate.low < 0.95
    more = np.repeat([True, False], 1000)
    assert estimate.low < area_under_curve(more, np.arange(2000.0)[::-1]).low < 1.0


def test_an_auc_of_zero_mirrors_one() -> None:
    positive = np.repeat([True, False], 10)
    best = area_under_curve(positive, np.arange(20.0)[::-1])
    worst = area_under_curve(positive, np.arange(20.0))
    assert worst.value == worst.low == 0.0
    assert worst.high == pytest.approx(1 - best.low)


@pytest.mark.slow
def test_the_interval_covers_the_truth_as_often_as_stated() -> None:
    """Scores 1 sigma apart have AUC Phi(1 / sqrt 2) = 0.7602; 95 % of intervals hold it, to 3 %."""
    generator = np.random.default_rng(1)
    positive = np.arange(80) < 30
    covered = 0
    for _ in range(600):
        estimate = area_under_curve(positive, generator.normal(size=80) + positive)
        covered += estimate.low <= 0.7602 <= estimate.high
    assert covered / 600 == pytest.approx(0.95, abs=0.03)
