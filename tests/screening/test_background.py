"""A frame's background level."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import pytest

from fedbragg.images.open import open_files
from fedbragg.screening.background import BackgroundLevel, background_level
from fedbragg.tasks.hits.prepare import mask_block_cache
from fedbragg.tasks.hits.prepare.decoded_blocks import DecodedBlocks
from fedbragg.tasks.hits.prepare.decoding import BlockReducer
from fedbragg.types import Frame


def frame(counts: np.ndarray, mask: np.ndarray | None = None) -> Frame:
    return Frame(counts, np.zeros(counts.shape, np.bool_) if mask is None else mask, "made.h5", 0)


@pytest.mark.parametrize("level", [0.0, 0.05, 1.0, 40.0, 3000.0])
@pytest.mark.parametrize("shape", [(300, 400), (2167, 2070)])
def test_the_level_is_the_mean_of_an_even_frame(level: float, shape: tuple[int, int]) -> None:
    counts = np.random.default_rng(1).poisson(level, shape).astype(np.uint16)
    assert background_level(frame(counts)) == pytest.approx(level, rel=0.1 if level < 1 else 0.02)


def test_spots_hot_pixels_and_gaps_do_not_change_it() -> None:
    generator = np.random.default_rng(2)
    counts = generator.poisson(10, (1000, 1000)).astype(np.int32)
    plain = background_level(frame(counts))
    mask = np.zeros(counts.shape, np.bool_)
    mask[400:420] = True
    counts[400:420] = -1
    counts[generator.integers(0, 1000, 400), generator.integers(0, 1000, 400)] = 1_000_000
    assert background_level(frame(counts, mask)) == pytest.approx(plain, rel=0.03)


def test_it_depends_on_gain_and_offset() -> None:
    """They may drift, and the View does not depend on them."""
    counts = np.random.default_rng(3).poisson(10, (500, 500)).astype(np.int32)
    level = background_level(frame(counts))
    assert level is not None
    assert background_level(frame(2 * counts)) == pytest.approx(2 * level, rel=1e-3)
    assert background_level(frame(counts - 20)) == pytest.approx(level - 20, rel=1e-3)


def test_a_masked_frame_has_no_level() -> None:
    counts = np.ones((64, 64), np.uint16)
    assert background_level(frame(counts, np.ones(counts.shape, np.bool_))) is None


def test_it_is_the_same_of_a_frame_reduced_while_it_was_decoded(tmp_path: Path) -> None:
    counts = np.random.default_rng(5).poisson(2, (3, 131, 149)).astype(np.uint16)
    with h5py.File(tmp_path / "run.h5", "w") as file:
        packing = dict(hdf5plugin.Bitshuffle())
        file.create_dataset("entry/data/data", data=counts, chunks=(1, 131, 149), **packing)
    run = open_files(tmp_path / "run.h5", reduce=BlockReducer(mask_block_cache()))
    level, frames = BackgroundLevel(), [run[index] for index in range(3)]
    assert [isinstance(one.reduced, DecodedBlocks) for one in frames] == [False, True, True]
    assert [level(one) for one in frames] == [background_level(frame(one)) for one in counts]
    assert level(replace(frames[1], counts=2 * counts[1])) == background_level(frame(2 * counts[1]))


def test_it_is_the_same_when_read_from_a_table() -> None:
    counts = np.random.default_rng(4).poisson(12.3456, (500, 500)).astype(np.uint16)
    level = background_level(frame(counts))
    assert level == float(f"{level:.4g}")
