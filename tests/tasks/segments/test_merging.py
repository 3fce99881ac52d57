"""Grains without a boundary between them are one; grains with one stay apart, though it has gaps."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fedbragg.tasks.segments.instances import Classes, find_instances
from fedbragg.tasks.segments.merging import EVIDENCE, merged


def halves(rows: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Return two grains that meet in the middle, and a picture without any boundary."""
    grains = np.ones((rows, 40), np.int32)
    grains[:, 20:] = 2
    return grains, np.zeros(grains.shape, np.float32)


def test_parts_without_a_boundary_between_them_are_one() -> None:
    assert (merged(*halves()) == 1).all()


def test_the_mean_along_the_whole_border_decides() -> None:
    grains, boundary = halves()
    boundary[: round(40 * EVIDENCE) + 1, 19] = 1  # the rest is a gap
    assert (merged(grains, boundary) == grains).all()
    boundary[:2, 19] = 0
    assert (merged(grains, boundary) == 1).all()


def test_grains_that_only_touch_the_same_third_stay_apart() -> None:
    grains = np.repeat(np.array([[1, 3, 2]], np.int32), 10, axis=1).repeat(10, axis=0)
    boundary = np.zeros(grains.shape, np.float32)
    boundary[:, 9] = 1
    assert np.unique(merged(grains, boundary)).tolist() == [1, 2]
    assert (merged(grains, boundary)[:, 10:] == 2).all()


def test_pixels_of_no_grain_stay_so() -> None:
    grains, boundary = halves()
    grains[:, 19:21] = 0
    assert (merged(grains, boundary) == grains).all()
    assert not merged(np.zeros((5, 5), np.int32), np.zeros((5, 5), np.float32)).any()


@given(
    arrays(np.int32, (9, 9), elements=st.integers(0, 5)),
    arrays(np.float32, (9, 9), elements=st.sampled_from([0, 1])),
)
def test_merging_only_joins_and_is_done_at_once(grains: np.ndarray, boundary: np.ndarray) -> None:
    found = merged(grains, boundary)
    assert ((found == 0) == (grains == 0)).all()
    assert all(len(np.unique(found[grains == number])) == 1 for number in np.unique(grains))
    kept = np.unique(found[found > 0])
    lowest = [grains[found == number].min() for number in kept]
    assert lowest == sorted(lowest), "the order stays"


def test_the_matrix_around_particles_is_not_cut_at_its_necks() -> None:
    rows, cols = np.indices((160, 160))
    dots = (rows // 20 + cols // 20) % 2 == 1
    dots &= ((rows % 20 - 10) ** 2 + (cols % 20 - 10) ** 2) < 81
    generator = np.random.default_rng(5)
    boundary = np.where(generator.random(dots.shape) < 0.01, 0.9, 0.05).astype(np.float32)  # false specks
    boundary[dots] = 0
    rest = 1 - boundary
    answer = np.stack([np.where(dots, 0, rest), boundary, np.where(dots, rest, 0)])
    found = find_instances(answer, Classes(("matrix", "boundary", "dot")))
    sizes = np.bincount(found[~dots])[1:]
    assert sizes.max() > 0.95 * sizes.sum()
    assert len(np.unique(found[dots])) == 32
