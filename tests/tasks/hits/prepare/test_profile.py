"""The shape of a peak: a hand calculation, and Gaussians in any orientation."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from frames import gaussian_spot
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fedbragg.tasks.hits.prepare import PROFILE
from fedbragg.tasks.hits.prepare.mask_blocks import PARTLY, WHOLE, blocks_of_mask
from fedbragg.tasks.hits.prepare.profile import LARGEST, profiles_of

Counts = NDArray[np.integer]


def profile(
    counts: Counts,
    row: int,
    column: int,
    mask: NDArray[np.bool_] | None = None,
    scale: float = 1.0,
    shift: float = 0,
) -> dict[str, float]:
    hidden = np.zeros(counts.shape, np.bool_) if mask is None else mask
    values = profiles_of(counts, blocks_of_mask(hidden, 8), np.array([[row, column]]), (scale, shift))
    assert values.shape == (1, len(PROFILE))
    return dict(zip(PROFILE, values[0].tolist(), strict=True))


def test_every_number_by_hand() -> None:
    """A level of 2 everywhere, 9 photons in the middle, 1, 2, 3 beside it and nothing else."""
    counts = np.full((15, 15), 2, np.uint16)
    counts[7, 7] += 9
    counts[6, 7] += 3
    counts[7, 6] += 1
    counts[8, 7] += 2
    found = profile(counts, 7, 7)
    assert [found[f"side {n}"] for n in (1, 2, 3, 4)] == pytest.approx([0, 1 / 9, 2 / 9, 3 / 9])
    assert [found[f"corner {n}"] for n in (1, 2, 3, 4)] == [0, 0, 0, 0]
    assert [found[f"within {n}"] for n in (3, 5, 7)] == pytest.approx([math.log(15 / 9)] * 3)
    assert found["height"] == pytest.approx(math.log(10))
    assert found["masked"] == 0
    # variance down: 5/15 - (1/15)^2; across: 1/15 - (1/15)^2; covariance -(1/15)(1/15)
    down, across, both = 5 / 15 - 1 / 225, 1 / 15 - 1 / 225, -1 / 225
    apart = math.hypot((down - across) / 2, both)
    assert found["long"] == pytest.approx(math.sqrt((down + across) / 2 + apart), rel=1e-3)
    assert found["short"] == pytest.approx(math.sqrt((down + across) / 2 - apart), rel=1e-3)


@pytest.mark.parametrize("sigma", [0.5, 0.7, 1.0])
def test_a_gaussian_spot_has_a_gaussians_sides_and_width(sigma: float) -> None:
    counts = np.rint(10 + gaussian_spot((31, 31), 15, 15, 1e6, sigma)).astype(np.uint32)
    beside = math.exp(-1 / (2 * sigma**2))
    found = profile(counts, 15, 15)
    for n in (1, 2, 3, 4):
        assert found[f"side {n}"] == pytest.approx(beside, rel=2e-2)
        assert found[f"corner {n}"] == pytest.approx(beside**2, rel=4e-2)
    steps = np.arange(-3, 4)
    weight = np.exp(-(steps**2) / (2 * sigma**2))
    assert found["long"] == pytest.approx(
        math.sqrt(weight @ steps**2 / weight.sum()), rel=0.06
    )  # its foot sets the level
    assert found["short"] == pytest.approx(found["long"], rel=1e-3)


def test_a_track_lacks_sides_that_a_spot_of_the_same_photons_has() -> None:
    counts = np.zeros((15, 15), np.uint16)
    counts[7, 7], counts[8, 8], counts[8, 9], counts[9, 10] = 40, 35, 30, 25
    track = profile(counts, 7, 7)
    spot = profile(np.rint(gaussian_spot((15, 15), 7, 7, 130, 0.7)).astype(np.uint16), 7, 7)
    assert track["side 4"] == 0 < spot["side 1"]
    assert track["long"] > 1.3 * spot["long"]
    assert track["short"] < 0.5 * spot["short"]


@given(
    st.integers(0, 2**32),
    st.integers(0, 3),
    st.booleans(),
    st.sampled_from([0.05, 3.0, 400.0]),
    st.floats(0, 0.5),
)
@settings(max_examples=60, deadline=None)
def test_rotations_and_mirrors_change_nothing(
    seed: int, turns: int, mirrored: bool, level: float, masked: float
) -> None:
    generator = np.random.default_rng(seed)
    counts = generator.poisson(level, (7, 7)).astype(np.int32)
    mask = generator.random((7, 7)) < masked

    def moved(values: NDArray[np.generic]) -> NDArray[np.generic]:
        turned = np.rot90(values, turns)
        return np.ascontiguousarray(np.fliplr(turned) if mirrored else turned)

    before = profile(counts, 3, 3, mask)
    after = profile(moved(counts), 3, 3, moved(mask))
    assert list(after.values()) == pytest.approx(list(before.values()), abs=1e-5)
    assert all(0 <= value <= LARGEST for value in before.values())


@pytest.mark.parametrize(("gain", "offset"), [(4.0, 100.0), (25.0, 7.0)])
def test_gain_and_offset_change_nothing(gain: float, offset: float) -> None:
    counts = np.random.default_rng(2).poisson(gaussian_spot((15, 15), 7, 7, 500, 0.8) + 3)
    there = profile((gain * counts + offset).astype(np.int32), 7, 7, None, 1 / gain, -offset / gain)
    assert list(there.values()) == pytest.approx(list(profile(counts, 7, 7).values()), abs=1e-5)


@pytest.mark.parametrize("place", [(0, 0), (0, 9), (14, 14), (3, 0)])
def test_pixels_beyond_the_frame_count_as_masked(place: tuple[int, int]) -> None:
    counts = np.full((15, 15), 3, np.uint16)
    counts[place] = 90
    wide = np.pad(counts, 5, constant_values=65535)
    hidden = np.pad(np.zeros(counts.shape, np.bool_), 5, constant_values=True)
    inside = profile(counts, *place)
    assert inside == profile(wide, place[0] + 5, place[1] + 5, hidden)
    assert inside["masked"] > 0
    assert inside["height"] == pytest.approx(math.log(88))


def test_the_mask_is_read_only_where_it_could_matter() -> None:
    """Bit for bit the same as with the mask read for every peak; peaks anywhere, also in rows that fill no block."""
    generator = np.random.default_rng(8)
    counts, mask = generator.poisson(4.0, (83, 70)).astype(np.uint16), generator.random((83, 70)) < 0.002
    masked = blocks_of_mask(mask, 8)
    assert (masked.state == WHOLE).any() and (masked.state == PARTLY).any()
    places = np.argwhere(counts > 6)
    always = replace(masked, state=np.full_like(masked.state, PARTLY))
    found, expected = (profiles_of(counts, one, places, (0.7, 0.1)) for one in (masked, always))
    np.testing.assert_array_equal(found, expected)
    assert 0 < (found[:, PROFILE.index("masked")] > 0).sum() < len(places)


def test_no_peaks_have_no_profiles() -> None:
    nothing, masked = np.zeros((0, 2), np.int64), blocks_of_mask(np.zeros((9, 9), np.bool_), 8)
    assert profiles_of(np.zeros((9, 9), np.uint8), masked, nothing, (1.0, 0.0)).shape == (0, 15)
