"""Summits: by hand, and beside scikit-image's h-maxima."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fedbragg.tasks.segments.summits import summits

pytest.importorskip("skimage")


def test_a_saddle_less_deep_than_asked_joins_two_summits() -> None:
    ridge = np.array([[0, 5, 3, 4, 0, 2, 0]], np.float32)  # saddles at 3 and 0
    assert summits(ridge, 1.0).tolist() == [[False, True, False, True, False, True, False]]
    assert summits(ridge, 2.0).tolist() == [[False, True, False, False, False, True, False]]
    assert summits(ridge, 3.0).tolist() == [[False, True, False, False, False, False, False]]


def test_a_plateau_is_one_summit_and_a_flat_picture_is_one_too() -> None:
    plateau = np.zeros((5, 6), np.float32)
    plateau[1:3, 2:5] = 2
    np.testing.assert_array_equal(summits(plateau, 1.0), plateau > 0)
    assert summits(np.ones((3, 3), np.float32), 0.5).all()


@example(871, 4.0)  # flatter than the depth
@given(st.integers(0, 2**32), st.sampled_from([0.3, 1.0, 4.0]))
@settings(max_examples=25, deadline=None)
def test_summits_are_scikit_images_h_maxima(seed: int, depth: float) -> None:
    from scipy.ndimage import gaussian_filter
    from skimage.morphology import h_maxima

    generator = np.random.default_rng(seed)
    height = 10 * gaussian_filter(generator.normal(size=generator.integers(3, 60, 2)), 2).astype(np.float32)
    if depth > np.ptp(height):  # scikit-image then finds none; by the definition the highest point is one
        np.testing.assert_array_equal(summits(height, depth), height == height.max())
    else:
        np.testing.assert_array_equal(summits(height, depth), h_maxima(height, depth).astype(bool))
