"""The figures of a classifier, against scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics as peer

from fedbragg.metrics.classification import Confusion, confusion, summary


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
