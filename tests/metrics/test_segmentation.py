"""Agreement of segmented pictures, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.metrics import adapted_rand_error

from fedbragg.metrics.segmentation import (
    boundary_f1,
    compare_instances,
    confusion,
    edges,
    instance_overlaps,
    mean_precision,
    overlaps,
)


def test_confusion_counts_true_by_answered_and_leaves_unknown_out() -> None:
    truth = np.array([[0, 0, 1], [1, 255, 255]], np.uint8)
    answer = np.array([[0, 1, 1], [1, 0, 1]], np.uint8)
    np.testing.assert_array_equal(confusion(truth, answer, 2), [[1, 1], [0, 2]])


def test_overlap_is_both_by_either() -> None:
    np.testing.assert_allclose(overlaps(np.array([[6, 2, 0], [1, 3, 0], [0, 0, 0]])), [6 / 9, 3 / 6, np.nan])


def test_a_boundary_within_the_tolerance_counts_as_found() -> None:
    true, near, far = (np.zeros((40, 40), bool) for _ in range(3))
    true[10], near[12], far[20] = True, True, True
    assert boundary_f1(true, true) == boundary_f1(true, near) == 1.0
    assert boundary_f1(true, far) == 0.0


def test_boundary_f1_is_the_harmonic_mean() -> None:
    true, half = np.zeros((40, 40), bool), np.zeros((40, 40), bool)
    true[10], half[10, :20] = True, True
    recall = 22 / 40  # the end of the found half reaches two pixels farther
    assert boundary_f1(true, half) == pytest.approx(2 * recall / (1 + recall))


def test_without_a_boundary_there_is_none_to_find() -> None:
    none, some = np.zeros((9, 9), bool), np.eye(9, dtype=bool)
    assert np.isnan(boundary_f1(none, none))
    assert boundary_f1(none, some) == boundary_f1(some, none) == 0.0


def test_edges_lie_between_regions() -> None:
    regions = np.array([[1, 1, 2], [1, 1, 2], [3, 3, 2]])
    np.testing.assert_array_equal(edges(regions), [[0, 1, 0], [1, 1, 0], [0, 1, 0]])


def two_and_one() -> tuple[np.ndarray, np.ndarray]:
    """Return two true squares of 100 pixels, and an answer that has 80 pixels of the first alone."""
    truth, answer = np.zeros((20, 30), np.int32), np.zeros((20, 30), np.int32)
    truth[:10, :10], truth[:10, 15:25] = 1, 2
    answer[:8, :10] = 1
    return truth, answer


def test_mean_precision_counts_matches_at_every_threshold() -> None:
    """0.8 exceeds six of the ten thresholds 0.50 to 0.95; each gives 1 / (1 + 0 + 1), the others 0."""
    truth, answer = two_and_one()
    np.testing.assert_allclose(instance_overlaps(truth, answer), [0.8])
    assert mean_precision(truth, answer) == pytest.approx(6 / 10 * 1 / 2)


def test_a_split_costs_one_bit_and_the_rand_error_is_scikit_images() -> None:
    truth = np.ones((10, 10), np.int32)
    answer = truth.copy()
    answer[:, 5:] = 2
    found = compare_instances(truth, answer)
    assert found.information == pytest.approx(1.0)
    assert found.rand_error == pytest.approx(adapted_rand_error(truth, answer)[0])
    assert compare_instances(truth, truth).information == 0
    assert compare_instances(truth, truth).mean_precision == 1.0


def test_nothing_found_is_the_worst_and_nothing_there_the_best() -> None:
    truth, nothing = two_and_one()[0], np.zeros((20, 30), np.int32)
    assert compare_instances(truth, nothing).mean_precision == 0
    assert compare_instances(nothing, nothing).mean_precision == 1
