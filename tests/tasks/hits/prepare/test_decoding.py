"""Blocks that are reduced while a frame is decoded are those of the decoded frame, bit for bit."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import pytest
from frames import blocks_of
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fedbragg.images import ReadAhead, open_run
from fedbragg.images.codecs.bitshuffle import AS_EXPECTED, DAMAGED, UNEXPECTED
from fedbragg.images.open import open_files
from fedbragg.images.packed_frame import PackedFrame
from fedbragg.read_only import read_only
from fedbragg.tasks.hits.prepare import PrepareSettings, mask_block_cache, prepare_with_peaks
from fedbragg.tasks.hits.prepare.decoded_blocks import DecodedBlocks
from fedbragg.tasks.hits.prepare.decoding import BlockReducer
from fedbragg.tasks.hits.prepare.level_sample import GROUPS, add_to_groups, level_sample
from fedbragg.tasks.hits.prepare.mask_blocks import blocks_of_mask
from fedbragg.tasks.hits.prepare.pixels import Blocks
from fedbragg.types import Frame

REAL = Path(
    os.environ.get("FEDBRAGG_DATA", Path(__file__).parents[4] / ".." / "shared" / "data"),
    "powder2d",
    "EIG500_Ti_1_A-2_1_0_data_000001.h5",
).resolve()


def packed(
    counts: NDArray[Any], mask: NDArray[np.bool_], *, block: int = 0, packer: str = "lz4"
) -> PackedFrame:
    """Return the chunk that hdf5plugin makes of a frame, whose masked pixels hold the highest count."""
    with h5py.File(io.BytesIO(), "w") as file:
        filters = hdf5plugin.Bitshuffle(nelems=block, cname=packer)
        data = file.create_dataset("data", data=counts, chunks=counts.shape, **filters)
        chunk = np.frombuffer(data.id.read_direct_chunk((0, 0))[1], np.uint8)
    expected = np.packbits(mask.reshape(-1), bitorder="little")
    high = int(np.iinfo(counts.dtype).max) - 1
    return PackedFrame(chunk, np.zeros_like(counts), expected, high, packer == "zstd")


def assert_same(ours: Blocks, plain: Blocks) -> None:
    for field in fields(Blocks):
        if field.name != "likely":
            np.testing.assert_array_equal(getattr(ours, field.name), getattr(plain, field.name), field.name)
    (peaks, starts, *_), (others, others_starts, *_) = ours.likely, plain.likely
    np.testing.assert_array_equal(starts, others_starts)
    seen = slice(0, int(starts.max()))
    np.testing.assert_array_equal(peaks[seen, :3], others[seen, :3])
    single = peaks[seen, 1] >= 0
    np.testing.assert_array_equal(peaks[seen, 3:][single], others[seen, 3:][single])


@settings(max_examples=40, deadline=None)
@given(
    dtype=st.sampled_from(["u2", "i4"]),
    shape=st.tuples(st.integers(8, 90), st.integers(8, 90)),
    photons=st.sampled_from([0.03, 3.0, 40.0]),
    masked=st.sampled_from([0.0, 0.02, 0.5]),
    packing=st.tuples(st.sampled_from([0, 64, 512]), st.sampled_from(["lz4", "zstd"])),
    seed=st.integers(0, 2**32),
)
def test_a_frame_of_any_size_is_reduced_as_it_is_decoded(
    dtype: str,
    shape: tuple[int, int],
    photons: float,
    masked: float,
    packing: tuple[int, str],
    seed: int,
) -> None:
    generator = np.random.default_rng(seed)
    counts, mask = generator.poisson(photons, shape).astype(dtype), generator.random(shape) < masked
    counts[generator.random(shape) < 0.01] = 20_000  # the sums of columns overflow
    counts[mask] = np.iinfo(dtype).max
    frame = packed(counts, mask, block=packing[0], packer=packing[1])

    state, made = BlockReducer(blocks_of_mask)(frame, mask)

    assert state == AS_EXPECTED
    np.testing.assert_array_equal(frame.counts, counts)
    assert_same(made.blocks, blocks_of(counts, 8, mask))
    level = np.zeros(GROUPS)
    add_to_groups(read_only(counts.reshape(-1)), level_sample(mask).given, 0, shape[0], level)
    np.testing.assert_array_equal(made.level, level)


def test_another_mask_and_damage_are_told() -> None:
    counts, mask = np.full((64, 72), 3, np.uint16), np.zeros((64, 72), np.bool_)
    reduce = BlockReducer(blocks_of_mask)
    frame = packed(counts, mask)
    hot = counts.copy()
    hot[40, 7] = 65535
    assert reduce(packed(hot, mask), mask)[0] == UNEXPECTED
    assert reduce(replace(frame, chunk=frame.chunk[:-3]), mask)[0] == DAMAGED
    assert reduce(replace(frame, chunk=frame.chunk[:20]), mask)[0] == DAMAGED


def write(path: Path, frames: NDArray[Any]) -> Path:
    with h5py.File(path, "w") as file:
        filters = dict(hdf5plugin.Bitshuffle())
        file.create_dataset("entry/data/data", data=frames, chunks=(1, *frames.shape[1:]), **filters)
    return path


def reducing(path: Path) -> list[Frame]:
    one_by_one = ReadAhead(
        workers=0, depth=1
    )  # so that the first frame's mask is known when the second is read
    run = open_files(path, reading=one_by_one, reduce=BlockReducer(mask_block_cache()))
    return [frame for frame in run.frames() if isinstance(frame, Frame)]


def spotted(number: int) -> NDArray[np.uint16]:
    """Return frames with gaps and spots, of which the third has a saturated pixel."""
    generator = np.random.default_rng(4)
    frames = generator.poisson(0.4, (number, 131, 149)).astype(np.uint16)
    frames[:, generator.integers(0, 131, 30), generator.integers(0, 149, 30)] += 12
    frames[:, :, 70:75] = 65535
    frames[2, 9, 9] = 65535
    return frames


def views(frames: list[Frame]) -> list[tuple[Any, ...]]:
    """Return all that preparing makes of frames."""
    masks = mask_block_cache()
    made = [prepare_with_peaks(frame, PrepareSettings(), masks) for frame in frames]
    return [
        (
            view.channels,
            view.background,
            view.cells,
            view.profiles,
            peaks.significance,
            peaks.intensity,
            peaks.places,
        )
        for view, peaks in made
    ]


def test_a_runs_frames_are_reduced_but_the_first_and_those_with_another_mask(tmp_path: Path) -> None:
    path = write(tmp_path / "run.h5", spotted(5))
    frames = reducing(path)
    assert [isinstance(frame.reduced, DecodedBlocks) for frame in frames] == [False, True, False, True, True]
    plain = [frame for frame in open_run(path).frames() if isinstance(frame, Frame)]
    assert not any(frame.reduced for frame in plain)
    for ours, others in zip(views(frames), views(plain), strict=True):
        for one, other in zip(ours, others, strict=True):
            np.testing.assert_array_equal(one, other)
    assert max(len(view[2]) for view in views(plain)) > 10


@pytest.mark.parametrize("change", [
    lambda frame: replace(frame, counts=frame.counts * 2),
    lambda frame: replace(frame, mask=~frame.mask),
])  # fmt: skip
def test_blocks_of_other_counts_or_another_mask_are_not_used(
    tmp_path: Path, change: Callable[[Frame], Frame]
) -> None:
    frame = reducing(write(tmp_path / "run.h5", spotted(3)))[1]
    assert isinstance(frame.reduced, DecodedBlocks)
    changed = change(frame)
    ours, plain = views([changed])[0], views([replace(changed, reduced=None)])[0]
    for one, other in zip(ours, plain, strict=True):
        np.testing.assert_array_equal(one, other)


def test_frames_with_noise_below_zero_are_not_reduced(tmp_path: Path) -> None:
    """The decoder compares no negative counts with a mask, so nothing would tell whether the blocks' mask holds."""
    frames = np.random.default_rng(6).normal(0, 6, (2, 40, 48)).astype(np.int32)
    read = reducing(write(tmp_path / "run.h5", frames))
    assert [frame.reduced for frame in read] == [None, None]
    np.testing.assert_array_equal(read[1].counts, frames[1])
    assert not read[1].mask.any()


@pytest.mark.skipif(not REAL.is_file(), reason=f"there is no measured frame at {REAL} (set FEDBRAGG_DATA)")
def test_a_measured_frame_is_the_same_either_way() -> None:
    frame = open_run(REAL)[0]
    counts = frame.counts.astype(np.uint32)
    outside = counts == np.iinfo(np.uint32).max
    _, made = BlockReducer(blocks_of_mask)(packed(counts, outside), frame.mask)
    assert_same(made.blocks, blocks_of(counts, 8, frame.mask))
