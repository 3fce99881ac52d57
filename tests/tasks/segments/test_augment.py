"""A crop that is magnified and tilted shows the same surface, and its labels move with it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fedbragg.tasks.segments.augment import FARTHEST, _moved, augmented
from fedbragg.tasks.segments.symmetry import Symmetry


class Drawn(np.random.Generator):
    """A generator whose normal numbers are given."""

    def __init__(self, *normal: float) -> None:
        super().__init__(np.random.PCG64(1))
        self._given = iter(normal)

    def normal(self, *args: object) -> float:  # type: ignore[override]
        return next(self._given)


def dot(side: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Return a dot of 24 x 60 pixels in the middle of a dark picture, and its labels."""
    labels = np.zeros((side, side), np.uint8)
    labels[side // 2 - 12 : side // 2 + 12, side // 2 - 30 : side // 2 + 30] = 2
    return np.repeat(labels[None], 3, axis=0).astype(np.float32), labels


@pytest.mark.parametrize("steps", [-0.3, 0.0, 0.25])
def test_areas_grow_with_the_square_of_the_magnification(steps: float) -> None:
    picture, labels = _moved(dot(), Drawn(steps, 0.0))
    assert (labels == 2).sum() == pytest.approx(24 * 60 * math.exp(2 * steps), rel=0.03)
    assert set(np.unique(labels)) == {0, 2}, "no class lies between two others"
    assert picture.shape == (3, 200, 200) and picture.dtype == np.float32 and labels.dtype == np.uint8


def test_the_magnification_has_a_limit() -> None:
    assert (_moved(dot(), Drawn(5.0, 0.0))[1] == _moved(dot(), Drawn(FARTHEST, 0.0))[1]).all()


def test_a_tilt_turns_by_its_angle() -> None:
    _, labels = _moved(dot(), Drawn(0.0, math.radians(20)))
    rows, cols = np.nonzero(labels)
    covariance = np.cov(rows, cols)
    angle = 0.5 * math.atan2(2 * covariance[0, 1], covariance[1, 1] - covariance[0, 0])
    assert abs(math.degrees(angle)) == pytest.approx(20, abs=1)
    assert (labels == 2).sum() == pytest.approx(24 * 60, rel=0.03)


def test_labels_move_with_the_picture() -> None:
    generator = np.random.default_rng(3)
    for _ in range(40):
        crop = dot()
        crop[0][:, 40:60, 150:190], crop[1][40:60, 150:190] = 2, 2
        picture, labels = augmented(crop, Symmetry.ALL, generator)
        inside, outside = picture[0][labels == 2].mean(), picture[0][labels == 0].mean()
        assert inside - outside > 0.7, "bright where the label says so, whatever the light"


def test_what_lies_outside_is_the_mirror_image() -> None:
    levels = np.random.default_rng(5).integers(1, 3, (64, 64)).astype(np.uint8)
    reduced = _moved((np.ones((3, 64, 64), np.float32), levels), Drawn(-0.35, 0.0))
    assert reduced[0] == pytest.approx(1) and (reduced[1] > 0).all()
