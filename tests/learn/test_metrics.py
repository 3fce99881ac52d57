"""The figures, against scikit-learn; their intervals, against published examples."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics as peer

from fedbragg.metrics.classification import (
    Confusion,
    Estimate,
    area_under_curve,
    confusion,
    proportion,
    summary,
)


@st.composite
def judged(draw: st.DrawFn) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Labels of both classes and scores with ties."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    number = draw(st.integers(2, 80))
    positive = generator.random(number) < draw(st.sampled_from([0.1, 0.5, 0.9]))
    positive[0], positive[1] = True, False
    score = generator.random(number) + 0.3 * positive
    return positive, np.round(score / 1.3, draw(st.sampled_from([1, 2, 8])))


@given(judged())
@settings(max_examples=100, deadline=None)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
def test_every_figure_is_scikit_learns(made: tuple[NDArray[np.bool_], NDArray[np.float64]]) -> None:
    positive, score = made
    kept = score >= 0.5
    figures = summary(positive, score, 0.5)
    assert figures["accuracy"].value == pytest.approx(peer.accuracy_score(positive, kept))
    assert figures["balanced accuracy"].value == pytest.approx(peer.balanced_accuracy_score(positive, kept))
    assert figures["recall"].value == pytest.approx(peer.recall_score(positive, kept))
    assert figures["AUC"].value == pytest.approx(peer.roc_auc_score(positive, score))
    assert figures["F1"].value == pytest.approx(peer.f1_score(positive, kept))
    if kept.any():
        assert figures["precision"].value == pytest.approx(peer.precision_score(positive, kept))
    else:
        assert math.isnan(figures["precision"].value)
    for estimate in figures.values():
        if not math.isnan(estimate.value):
            assert -1e-9 <= estimate.low <= estimate.value + 1e-9
            assert estimate.value - 1e-9 <= estimate.high <= 1 + 1e-9


@given(judged())
def test_the_four_counts_are_scikit_learns(made: tuple[NDArray[np.bool_], NDArray[np.float64]]) -> None:
    positive, score = made
    kept = score >= 0.5
    counts = confusion(positive, kept)
    expected = peer.confusion_matrix(positive, kept, labels=[True, False]).ravel().tolist()
    assert [
        counts.true_positive,
        counts.false_negative,
        counts.false_positive,
        counts.true_negative,
    ] == expected


@pytest.mark.parametrize(
    ("right", "total", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilsons_limits_are_the_published_ones(right: int, total: int, low: float, high: float) -> None:
    """Newcombe, Statistics in Medicine 17, 857 (1998), table I, method 3."""
    estimate = proportion(right, total)
    assert (estimate.low, estimate.high) == (pytest.approx(low, abs=6e-5), pytest.approx(high, abs=6e-5))


def test_all_right_is_not_certain() -> None:
    assert proportion(20, 20).low == pytest.approx(1 - 0.1611, abs=6e-5)


def test_an_auc_of_one_is_not_certain() -> None:
    positive = np.repeat([True, False], 10)
    estimate = area_under_curve(positive, np.arange(20.0)[::-1])
    assert estimate.value == estimate.high == 1.0
    assert 0.6 < estimate.low < 0.95
    more = np.repeat([True, False], 1000)
    assert estimate.low < area_under_curve(more, np.arange(2000.0)[::-1]).low < 1.0


def test_an_auc_of_none_mirrors_one() -> None:
    positive = np.repeat([True, False], 10)
    best = area_under_curve(positive, np.arange(20.0)[::-1])
    worst = area_under_curve(positive, np.arange(20.0))
    assert worst.value == worst.low == 0.0
    assert worst.high == pytest.approx(1 - best.low)


@pytest.mark.slow
def test_the_aucs_interval_holds_the_truth_as_often_as_it_says() -> None:
    """Scores 1 sigma apart have AUC Phi(1 / sqrt 2) = 0.7602; 95 % of intervals hold it, to 3 %."""
    generator = np.random.default_rng(1)
    positive = np.arange(80) < 30
    held = 0
    for _ in range(600):
        estimate = area_under_curve(positive, generator.normal(size=80) + positive)
        held += estimate.low <= 0.7602 <= estimate.high
    assert held / 600 == pytest.approx(0.95, abs=0.03)


@pytest.mark.parametrize("positive", [True, False])
def test_one_class_alone_has_no_auc_and_no_balanced_accuracy(positive: bool) -> None:
    figures = summary(np.full(5, positive), np.linspace(0, 1, 5), 0.5)
    assert math.isnan(figures["AUC"].value)
    assert math.isnan(figures["balanced accuracy"].value)
    assert figures["accuracy"].value == pytest.approx(0.6 if positive else 0.4)


def test_nothing_judged_has_no_figures() -> None:
    figures = summary(np.zeros(0, np.bool_), np.zeros(0), 0.5)
    assert all(math.isnan(estimate.value) for estimate in figures.values())


def test_a_score_on_the_threshold_is_kept() -> None:
    counts = confusion(np.array([True]), np.array([0.5]) >= 0.5)
    assert counts == Confusion(1, 0, 0, 0)
    assert summary(np.array([True]), np.array([0.5]), 0.5)["recall"].value == 1.0


def test_an_estimate_reads_well() -> None:
    assert str(Estimate(0.9123, 0.88, 0.9412)) == "0.912 [0.880, 0.941]"
