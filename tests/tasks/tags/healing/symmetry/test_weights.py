from __future__ import annotations

import numpy as np
import pytest

from fedbragg.tasks.tags.healing.symmetry.weights import Trial, best_weights, combined, errors_of, untested


def test_independent_estimates_count_by_their_inverse_variance() -> None:
    assert best_weights(np.diag([1.0, 3.0])) == pytest.approx([0.75, 0.25], abs=0.002)


def test_an_estimate_that_only_repeats_another_with_more_error_counts_nothing() -> None:
    """Errors e and 2e: with weights of 0 or more the best is the first alone."""
    assert best_weights(np.array([[1.0, 2.0], [2.0, 4.0]])) == pytest.approx([1, 0], abs=1e-6)


def test_three_weights_match_the_closed_form() -> None:
    """Without a weight at 0 the minimum of w' P w is P^-1 1 over its sum."""
    products = np.array([[2.0, 0.3, 0.1], [0.3, 1.0, 0.2], [0.1, 0.2, 4.0]])
    closed = np.linalg.solve(products, np.ones(3))
    assert best_weights(products) == pytest.approx(closed / closed.sum(), abs=0.005)


def test_the_better_estimate_wins_where_it_is_better() -> None:
    """The first estimate is right near the beam, the second far away."""
    generator = np.random.default_rng(1)
    radius = np.linspace(0, 100, 4000).astype(np.float32)
    truth = np.full(4000, 100, np.float32)
    noise = generator.normal(0, 50, (4000, 2)).astype(np.float32)
    near = radius < 50
    noise[near, 0] = noise[~near, 1] = 0
    trial = Trial(truth[:, None] + noise, truth, radius, (~near).astype(np.int64))
    errors = errors_of(trial, 2)
    places = np.array([10, 90], np.float32), np.array([0, 1])
    _, weights = combined(np.full((2, 2), 100, np.float32), *errors.at(*places))
    assert weights[0, 0] > 0.8
    assert weights[1, 1] > 0.8


def test_a_missing_estimate_leaves_its_weight_to_the_others() -> None:
    errors = untested(3)
    estimates = np.array([[10, np.nan, 20], [np.nan, np.nan, 7], [np.nan] * 3], np.float32)
    mean, weights = combined(estimates, *errors.at(np.zeros(3, np.float32), np.zeros(3, np.int64)))
    assert mean[0] == pytest.approx(15)
    assert mean[1] == 7
    assert np.isnan(mean[2])
    assert weights.sum(axis=1) == pytest.approx([1, 1, 0])
