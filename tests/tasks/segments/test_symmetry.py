"""Turns and mirror images are made only where they give a picture that could be."""

from __future__ import annotations

import numpy as np
import pytest

from fedbragg.simulation.micrograph.micrograph import draw_structure
from fedbragg.simulation.micrograph.structure import CLASSES
from fedbragg.tasks.segments import augment
from fedbragg.tasks.segments.augment import augmented
from fedbragg.tasks.segments.data import UNKNOWN
from fedbragg.tasks.segments.symmetry import FEWEST_STEPS, Symmetry, symmetry_of


def layers() -> np.ndarray:
    labels = np.zeros((256, 256), np.uint8)
    labels[100:160] = 1
    labels[100:160, 40:44] = labels[100:160, 200:203] = 2  # cracks across the layer
    return labels


def test_layers_that_lie_across_may_only_change_left_and_right() -> None:
    assert symmetry_of(layers(), 3) is Symmetry.LEFT_RIGHT
    assert symmetry_of(layers().T.copy(), 3) is Symmetry.UP_DOWN


def test_squares_have_no_direction() -> None:
    labels = np.zeros((256, 256), np.uint8)
    for row in range(10, 200, 60):
        labels[row : row + 30, row : row + 30] = 1
    assert symmetry_of(labels, 2) is Symmetry.ALL


def test_an_outline_of_few_steps_has_no_direction() -> None:
    labels = np.zeros((256, 256), np.uint8)
    labels[100, 50 : 50 + FEWEST_STEPS // 2 - 3] = 1
    assert symmetry_of(labels, 2) is Symmetry.ALL


def test_unknown_pixels_do_not_count() -> None:
    labels = layers()
    labels[90:170] = UNKNOWN
    assert symmetry_of(labels, 3) is Symmetry.ALL


def test_grains_have_no_direction() -> None:
    generator = np.random.default_rng(4)
    for _ in range(3):
        labels = draw_structure("grains", (256, 256), generator).classes
        assert symmetry_of(labels, len(CLASSES)) is Symmetry.ALL


@pytest.mark.parametrize(
    ("symmetry", "views"), [(Symmetry.ALL, 8), (Symmetry.LEFT_RIGHT, 2), (Symmetry.UP_DOWN, 2)]
)
def test_every_allowed_view_is_seen_and_no_other(
    symmetry: Symmetry, views: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(augment, "MOVED", 0)
    labels = np.arange(16, dtype=np.uint8).reshape(4, 4)
    picture = np.zeros((3, 4, 4), np.float32)
    generator = np.random.default_rng(1)
    seen = {augmented((picture, labels), symmetry, generator)[1].tobytes() for _ in range(200)}
    assert len(seen) == views
    if symmetry is not Symmetry.ALL:
        axis = 1 if symmetry is Symmetry.LEFT_RIGHT else 0
        assert seen == {labels.tobytes(), np.flip(labels, axis).tobytes()}
