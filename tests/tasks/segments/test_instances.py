"""Grains and particles come out of probabilities, and classes of masks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.segmentation import watershed

from fedbragg.errors import InputError
from fedbragg.tasks.segments.instances import (
    Classes,
    _shared_out,
    find_instances,
    most_probable,
    true_instances,
)

CLASSES = Classes(("matrix", "boundary", "dot"))


def cross(gap: int = 0) -> np.ndarray:
    """Return classes of four grains between two crossing boundaries, with a gap in one, and a dot in a grain."""
    labels = np.zeros((80, 80), np.uint8)
    labels[39:41], labels[:, 39:41] = 1, 1
    labels[10 : 10 + gap, 39:41] = 0
    labels[60:66, 60:66] = 2
    return labels


def test_boundaries_that_are_absent_part_no_grains() -> None:
    labels = cross()
    sure = np.stack([labels != 2, np.zeros_like(labels), labels == 2]).astype(np.float32)
    classes = CLASSES.without(["boundary"])
    assert classes.boundary_index is None and classes.absent_indices == [1]
    np.testing.assert_array_equal(find_instances(sure, classes), labels == 2)


@pytest.mark.parametrize(
    ("absent", "said"), [(["pore"], "pore: not a class"), (["dot", "boundary"], "Leave two classes")]
)
def test_two_known_classes_are_left(absent: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        CLASSES.without(absent)


def test_four_grains_and_a_dot_are_found_from_boundaries() -> None:
    labels = cross()
    sure = np.stack([labels == i for i in range(3)]).astype(np.float32)
    for found in (find_instances(sure, CLASSES), true_instances(labels, CLASSES)):
        assert len(np.unique(found)) == 5  # the grains meet, so that no pixel belongs to none
        assert found[10, 10] != found[10, 70] != found[70, 70] != found[63, 63]
        assert (found == found[63, 63]).sum() == 36


def test_a_gap_in_a_boundary_does_not_join_two_grains() -> None:
    sure = np.stack([cross(gap=8) == i for i in range(3)]).astype(np.float32)
    found = find_instances(sure, CLASSES)
    assert found[20, 10] != found[20, 70]
    assert true_instances(cross(gap=8), CLASSES)[20, 10] == true_instances(cross(gap=8), CLASSES)[20, 70]


def test_without_a_boundary_class_the_particles_are_the_instances() -> None:
    classes = Classes(("matrix", "dot"))
    labels = np.zeros((40, 40), np.uint8)
    labels[5:10, 5:10], labels[20:30, 20:30], labels[35, 35] = 1, 1, 1
    found = true_instances(labels, classes)
    assert sorted(np.bincount(found.ravel())[1:]) == [25, 100]  # a single pixel is noise
    np.testing.assert_array_equal(
        found, find_instances(np.stack([labels == 0, labels == 1]).astype(np.float32), classes)
    )


def test_pixels_without_a_marker_are_shared_out_as_by_the_whole_watershed() -> None:
    generator = np.random.default_rng(4)
    height = generator.random((60, 70), dtype=np.float32)
    markers = np.where(generator.random((60, 70)) < 0.05, generator.integers(1, 9, (60, 70)), 0)
    markers[:20, :30] = 9
    np.testing.assert_array_equal(_shared_out(height, markers.astype(np.int32)), watershed(height, markers))


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@given(st.data())
def test_the_most_probable_class_is_the_first_of_the_largest(dtype: type, data: st.DataObject) -> None:
    """numpy's argmax is the other program; few values, so that many are equal."""
    shape = (data.draw(st.integers(1, 5)), 7, 9)
    values = data.draw(arrays(dtype, shape, elements=st.sampled_from([0.0, 6e-8, 0.25, 0.5, 1.0])))
    np.testing.assert_array_equal(most_probable(values), values.argmax(axis=0))
