"""Blocks are joined to what the whole picture shows, however instances lie across them."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.metrics import adapted_rand_error

from fedbragg.simulation.micrograph.potts import GrainGrowth, grow_grains
from fedbragg.tasks.segments import blocks
from fedbragg.tasks.segments.blocks import Joiner, label_in_blocks, segment_in_blocks
from fedbragg.tasks.segments.instances import Classes, find_instances
from fedbragg.tasks.segments.prepare import Scaling, scaling_of
from fedbragg.tasks.segments.tiles import Tile

CLASSES = Classes(("matrix", "boundary", "dot"))


def certain(labels: np.ndarray, scaling: Scaling | None = None) -> np.ndarray:
    """Return a picture's levels 0, 100, 200 as sure probabilities of the three classes."""
    return np.stack([labels == level for level in (0, 100, 200)]).astype(np.float32)


def grains(shape: tuple[int, int]) -> np.ndarray:
    numbers = grow_grains(GrainGrowth(shape, 24.0), np.random.default_rng(1)).grains
    apart = np.zeros(shape, bool)
    for axis in (0, 1):
        across = np.roll(numbers, -1, axis) != numbers
        apart |= across | np.roll(across, 1, axis)
    picture = np.where(apart, 100, 0).astype(np.uint8)
    picture[::60, ::60] = 200
    return picture


def test_grains_of_blocks_are_those_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 192)
    monkeypatch.setattr(blocks, "MARGIN", 64)
    picture = grains((320, 448))
    whole = find_instances(certain(picture), CLASSES)
    found = segment_in_blocks(picture, certain, CLASSES)
    assert found.instances.max() == pytest.approx(whole.max(), rel=0.01)
    np.testing.assert_array_equal(np.unique(found.instances), np.arange(1, found.instances.max() + 1))
    assert adapted_rand_error(whole, found.instances)[0] < 0.005
    np.testing.assert_array_equal(found.classes, picture // 100)
    np.testing.assert_array_equal(label_in_blocks(picture, certain), found.classes)


def test_every_block_is_scaled_as_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 192)
    monkeypatch.setattr(blocks, "MARGIN", 64)
    picture = np.random.default_rng(1).integers(0, 255, (300, 300), dtype=np.uint8)
    seen = set()

    def answer(part: np.ndarray, scaling: Scaling) -> np.ndarray:
        seen.add(scaling)
        return certain(part)

    label_in_blocks(picture, answer)
    assert seen == {scaling_of(picture)}


def test_one_instance_across_four_blocks_is_one() -> None:
    joiner = Joiner(np.zeros((40, 40), np.int32))
    instance = np.zeros((40, 40), np.int32)
    instance[5:35, 5:35] = 1
    instance[0:3, 0:3] = 2
    for rows, row_kept in ((slice(0, 30), slice(0, 20)), (slice(10, 40), slice(20, 40))):
        for cols, col_kept in ((slice(0, 30), slice(0, 20)), (slice(10, 40), slice(20, 40))):
            inside = (
                slice(row_kept.start - rows.start, row_kept.stop - rows.start),
                slice(col_kept.start - cols.start, col_kept.stop - cols.start),
            )
            joiner.add(Tile((rows, cols), (row_kept, col_kept), inside), instance[rows, cols])
    joined = joiner.joined()
    assert joined.max() == 2
    assert len(np.unique(joined[5:35, 5:35])) == 1
    assert ((joined > 0) == (instance > 0)).all()
