"""Flooding: by hand, and beside scikit-image's watershed."""

from __future__ import annotations

import numpy as np
import pytest

from fedbragg.tasks.segments.flooding import flood

pytest.importorskip("skimage")


def test_two_basins_meet_on_the_ridge() -> None:
    height = np.array([[0, 1, 5, 1, 0]] * 3, np.float32)
    markers = np.zeros((3, 5), np.int32)
    markers[1, 0], markers[1, 4] = 1, 2
    found = flood(height, markers, markers == 0)
    assert (found[:, :2] == 1).all() and (found[:, 3:] == 2).all() and (found > 0).all()


def test_water_flows_through_the_lowest_gap_of_a_wall() -> None:
    """The marker on the right is walled in but for a gap; the left one's water comes over the lower sill first."""
    height = np.zeros((5, 7), np.float32)
    height[:, 2], height[:, 4] = 3, 4
    markers = np.zeros((5, 7), np.int32)
    markers[2, 0], markers[2, 6] = 1, 2
    found = flood(height, markers, markers == 0)
    assert (found[:, 3] == 1).all()  # between the walls: reached over 3 before over 4
    assert (found[:, 5:] == 2).all()


def test_what_is_not_free_keeps_its_marker_and_what_no_water_reaches_has_none() -> None:
    height, markers = np.zeros((4, 6), np.float32), np.zeros((4, 6), np.int32)
    markers[:, 0], markers[:, 5] = 1, 2
    free = np.ones((4, 6), np.bool_)
    free[:, [0, 2, 3, 5]] = False
    found = flood(height, markers, free)
    assert found.tolist() == [[1, 1, 0, 0, 2, 2]] * 4


@pytest.mark.parametrize("seed", range(3))
def test_regions_are_those_of_scikit_images_watershed(seed: int) -> None:
    from scipy.ndimage import gaussian_filter
    from skimage.metrics import adapted_rand_error
    from skimage.segmentation import watershed

    generator = np.random.default_rng(seed)
    height = gaussian_filter(generator.normal(size=(200, 230)), 4).astype(np.float32)
    markers = np.zeros(height.shape, np.int32)
    places = generator.choice(height.size, 60, replace=False)
    markers.flat[places] = np.arange(1, 61)
    found = flood(height, markers, markers == 0)
    expected = watershed(height, markers)
    assert (found > 0).all()
    assert adapted_rand_error(expected, found)[0] < 0.02
    assert (found == expected).mean() > 0.98
