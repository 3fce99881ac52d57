"""The map from scores to probabilities: known maps are recovered, and the order of frames never changes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize

from fedbragg.errors import LabelError
from fedbragg.metrics.beta_calibration import ScoreMap
from fedbragg.screening.guarantee.score_map import cross_fitted, fit_map


def scores_and_labels(
    number: int, seed: int, slope: float = 1.0, offset: float = 0.0
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Scores, and labels whose log odds are slope * log odds of the score + offset."""
    generator = np.random.default_rng(seed)
    odds = generator.normal(0, 2, number)
    hit = generator.random(number) < 1 / (1 + np.exp(-(slope * odds + offset)))
    return 1 / (1 + np.exp(-odds)), hit


def test_true_probabilities_are_not_changed() -> None:
    found = fit_map(*scores_and_labels(40_000, 1))
    assert (found.a, found.b, found.c) == pytest.approx((1, 1, 0), abs=0.06)


def test_a_known_distortion_is_found() -> None:
    found = fit_map(*scores_and_labels(40_000, 2, slope=2.0, offset=-1.0))
    assert (found.a, found.b, found.c) == pytest.approx((2, 2, -1), abs=0.12)
    assert found(0.5) == pytest.approx(1 / (1 + np.e), abs=0.02)


def test_the_fit_has_the_least_cross_entropy() -> None:
    """Against scipy's own minimiser, with Platt's targets."""
    scores, hit = scores_and_labels(800, 3, slope=0.7)
    target = np.where(hit, (hit.sum() + 1) / (hit.sum() + 2), 1 / ((~hit).sum() + 2))

    def entropy(values: NDArray[np.float64]) -> float:
        odds = values[0] * np.log(scores) - values[1] * np.log1p(-scores) + values[2]
        return float(np.sum(np.logaddexp(0, odds) - target * odds))

    best = minimize(entropy, np.array([1.0, 1.0, 0.0]), tol=1e-10).x
    found = fit_map(scores, hit)
    assert (found.a, found.b, found.c) == pytest.approx(tuple(best), abs=1e-3)


@given(
    st.floats(0, 20),
    st.floats(0, 20),
    st.floats(-20, 20),
    st.lists(st.floats(0, 1, width=32), min_size=2, max_size=30),
)
@settings(max_examples=200, deadline=None)
def test_the_order_of_frames_never_changes(a: float, b: float, c: float, scores: list[float]) -> None:
    rising = sorted(scores)
    mapped = [ScoreMap(a + 0.01, b + 0.01, c)(score) for score in rising]
    assert all(0 <= value <= 1 for value in mapped)
    assert mapped == sorted(mapped)


def test_different_scores_stay_different_even_where_they_saturate() -> None:
    found = fit_map(*scores_and_labels(500, 4))
    values = [0.0, 1e-9, 1e-8, 1e-4, 0.5, 1 - 1e-4, 1.0]
    mapped = [found(value) for value in values]
    assert sorted(set(mapped)) == mapped
    assert 0 < mapped[0] < mapped[-1] < 1


@pytest.mark.parametrize("high", [0.9, 1.0])
def test_classes_that_do_not_overlap_give_no_certainty(high: float) -> None:
    hit = np.arange(200) < 100
    found = fit_map(np.where(hit, high, 0.1), hit)
    assert 0.95 < found(high) < 0.999
    assert 0.001 < found(0.1) < 0.05  # Platt's target: 1 in 102


def test_scores_that_are_lower_for_hits_are_refused() -> None:
    scores, hit = scores_and_labels(300, 5)
    with pytest.raises(LabelError, match="do not score higher"):
        fit_map(1 - scores, hit)


def test_cross_fitting_uses_a_map_fitted_without_the_frame() -> None:
    """A changed label changes the probabilities of the other parts, not of its own."""
    scores, hit = scores_and_labels(400, 6)
    changed = hit.copy()
    first = np.flatnonzero(hit)[0]
    changed[first] = False
    before, after = cross_fitted(scores, hit), cross_fitted(scores, changed)
    assert np.isfinite(before).all()
    assert np.mean(before != after) > 0.7
    assert np.corrcoef(before, scores)[0, 1] > 0.95
