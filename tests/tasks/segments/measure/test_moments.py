"""The measures of all instances, against scikit-image and shapes measured by hand."""

from __future__ import annotations

import numpy as np
import pytest

from fedbragg.tasks.segments.measure.moments import moments_of

skimage = pytest.importorskip("skimage.measure")


def test_the_measures_are_scikit_images() -> None:
    field = np.random.default_rng(3).normal(size=(90, 130)).cumsum(axis=0).cumsum(axis=1)
    instances = skimage.label(np.round(field / 30), background=0, connectivity=1).astype(np.int32)
    instances[instances == 3] = 0  # a number may be missing
    found = moments_of(instances, np.zeros(instances.shape, np.uint8), 1)
    wanted = skimage.regionprops_table(
        instances, properties=("label", "area", "centroid", "axis_major_length", "axis_minor_length")
    )
    assert len(found.number) > 50
    assert found.number.tolist() == wanted["label"].tolist()
    assert found.area.tolist() == wanted["area"].tolist()
    assert np.allclose(found.row, wanted["centroid-0"]), "rows"
    assert np.allclose(found.col, wanted["centroid-1"]), "columns"
    assert np.allclose(found.longer, wanted["axis_major_length"], atol=1e-6), "long axes"
    assert np.allclose(found.shorter, wanted["axis_minor_length"], atol=1e-6), "short axes"


def test_a_rectangle_has_the_variances_of_its_sides() -> None:
    """A row of n pixels has the variance (n**2 - 1) / 12."""
    instances = np.zeros((40, 40), np.int32)
    instances[5:10, 0:21] = 7
    found = moments_of(instances, np.zeros(instances.shape, np.uint8), 1)
    assert (found.number.tolist(), found.area.tolist(), found.touches_edge.tolist()) == ([7], [105.0], [True])
    assert (found.row[0], found.col[0]) == (7.0, 10.0)
    assert found.longer[0] == pytest.approx(4 * np.sqrt((21**2 - 1) / 12))
    assert found.shorter[0] == pytest.approx(4 * np.sqrt((5**2 - 1) / 12))


def test_an_instance_far_from_the_first_pixel_is_measured_as_well() -> None:
    instances = np.zeros((4, 60_000), np.int32)
    instances[1:4, -4:-1] = 1
    found = moments_of(instances, np.zeros(instances.shape, np.uint8), 1)
    assert found.longer[0] == pytest.approx(4 * np.sqrt(8 / 12), rel=1e-6)
    assert found.shorter[0] == pytest.approx(4 * np.sqrt(8 / 12), rel=1e-6)


def test_the_pixels_of_each_class_are_counted() -> None:
    instances = np.array([[1, 1, 2], [1, 0, 2]], np.int32)
    labels = np.array([[0, 2, 1], [2, 0, 1]], np.uint8)
    assert moments_of(instances, labels, 3).classes.tolist() == [[1, 0, 2], [0, 2, 0]]


def test_a_picture_without_instances_has_no_measures() -> None:
    assert len(moments_of(np.zeros((5, 6), np.int32), np.zeros((5, 6), np.uint8), 2).number) == 0
