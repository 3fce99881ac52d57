"""Peaks on frames of known content: spots, zingers, rings, shoulders, noise."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import numpy as np
import pytest
from frames import gaussian_spot, radius, seen
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import poisson

from fedbragg.read_only import read_only
from fedbragg.tasks.hits.prepare import CHANNELS
from fedbragg.tasks.hits.prepare.likely_peaks import no_likely_peaks
from fedbragg.tasks.hits.prepare.mask_blocks import PARTLY, WHOLE, blocks_of_mask
from fedbragg.tasks.hits.prepare.peaks import Peaks, find_peaks
from fedbragg.tasks.hits.prepare.pixels import block_sums

WINGS, RIM = CHANNELS.index("wings"), CHANNELS.index("rim")


def peaks_on(background: float, counts: NDArray[np.integer]) -> Peaks:
    """Return the peaks, however weak, of a photon counter's frame with a known background."""
    return channels_and_peaks(background, counts)[1]


def channels_and_peaks(
    background: float, counts: NDArray[np.integer], least: float = 0.0
) -> tuple[NDArray[np.float32], Peaks]:
    mask = np.zeros(counts.shape, np.bool_)
    masked = blocks_of_mask(mask, 8)
    blocks = block_sums(read_only(counts), masked)
    level = np.full(blocks.peak.shape, background, np.float32)
    return find_peaks(read_only(counts), masked, level, blocks, (1.0, 0.0), least)


def test_the_measures_of_a_spot_equal_a_hand_calculation() -> None:
    """20 photons in 3 x 3 pixels on a background of exactly 2: 38 where 18 are expected, 28 where 16 are."""
    counts = np.full((64, 64), 2, np.uint16)
    counts[26:29, 34:37] += np.array([[1, 2, 1], [2, 8, 2], [1, 2, 1]], np.uint16)
    channels, peaks = channels_and_peaks(2.0, counts)
    assert peaks.places.tolist() == [[27, 35]]
    assert peaks.cells.tolist() == [[27 // 8, 35 // 8]]
    assert peaks.significance == pytest.approx(4.0973, abs=1e-3)  # sqrt(2 (38 ln(38/18) - 20))
    assert peaks.intensity.tolist() == [20.0]
    core, wings, rim, masked = channels[:, 27 // 8, 35 // 8]
    assert core == pytest.approx(math.log1p(4.0973), abs=1e-3)
    assert wings == pytest.approx(math.log1p(2.7090), abs=1e-3)  # sqrt(2 (28 ln(28/16) - 12))
    assert rim == 0.0 == masked
    assert np.count_nonzero(channels) == 2
    assert channels_and_peaks(2.0, counts, least=4.1)[1].cells.shape == (0, 2)


def test_a_gaussian_spot_of_known_photons_has_the_significance_of_its_share() -> None:
    """400 photons, sigma 1 pixel: 0.7795 of them in 3 x 3 pixels, (1 + 2 exp(-1/2))^2 / 2 pi, on 9 x 10."""
    share = 0.7795
    by_hand = math.sqrt(2 * ((90 + 400 * share) * math.log(1 + 400 * share / 90) - 400 * share))
    generator = np.random.default_rng(11)
    expected = np.full((640, 640), 10.0)
    middles = [(row, column) for row in range(28, 620, 40) for column in range(28, 620, 40)]
    for row, column in middles:
        expected += gaussian_spot((640, 640), row, column, 400, 1.0)
    _, peaks = seen(generator.poisson(expected).astype(np.uint16))
    found = [peaks.significance[row // 8, column // 8] for row, column in middles]
    assert by_hand == pytest.approx(24.06, abs=0.01)
    # The highest pixel is not always the middle one, which loses a few percent.
    assert np.mean(found) == pytest.approx(by_hand, rel=0.03)


@pytest.mark.parametrize("level", [0.0, 0.0001, 0.001, 0.01])
def test_single_photons_on_an_empty_frame_are_no_spots(level: float) -> None:
    """Four million pixels; (x - b) / sqrt(b) would make every single photon of the last a 10-sigma spot."""
    counts = np.random.default_rng(1).poisson(level, (2000, 2000)).astype(np.uint16)
    _, peaks = seen(counts)
    assert peaks.significance.max() < 4.5


@pytest.mark.parametrize("level", [0.02, 0.1, 1.0, 10.0, 1000.0])
def test_noise_alone_shows_no_more_peaks_than_chance_allows(level: float) -> None:
    """At most pixels x P(n or more in 3 x 3) windows reach a significance; a block shows one of them at most."""
    counts = np.random.default_rng(7).poisson(level, (1600, 1600)).astype(np.uint16)
    _, peaks = seen(counts)
    expected = 9 * level
    for sigma in (4.0, 4.5, 5.5):
        fewest = int(expected) + 1
        while 2 * (fewest * math.log(fewest / expected) - (fewest - expected)) < sigma**2:
            fewest += 1
        allowed = counts.size * poisson.sf(fewest - 1, expected)
        # The background is itself estimated, from 500 pixels or so: half as many again, and chance.
        assert (peaks.significance >= sigma).sum() <= 1.5 * allowed + 4 * math.sqrt(allowed) + 2


def test_a_zinger_has_no_wings() -> None:
    counts = np.full((64, 64), 3, np.uint16)
    counts[20, 20] = 400
    channels, peaks = channels_and_peaks(3.0, counts)
    assert peaks.significance == pytest.approx(math.sqrt(2 * (424 * math.log(424 / 27) - 397)), rel=1e-5)
    assert channels[WINGS, 2, 2] == 0.0


def test_zingers_on_noise_have_wings_like_noise_and_spots_of_the_same_strength_do_not() -> None:
    generator = np.random.default_rng(3)
    expected = np.full((800, 400), 5.0)
    struck = [(row, column) for row in range(20, 380, 40) for column in range(20, 380, 40)]
    for row, column in struck:
        expected += gaussian_spot((800, 400), row + 400, column, 300, 0.9)
    counts = generator.poisson(expected).astype(np.uint16)
    for row, column in struck:
        counts[row, column] += 300
    view, peaks = seen(counts)
    wings = np.expm1(view.channels[WINGS])
    zingers = [wings[row // 8, column // 8] for row, column in struck]
    spots = [wings[(row + 400) // 8, column // 8] for row, column in struck]
    assert all(peaks.significance[row // 8, column // 8] > 15 for row, column in struck)
    assert max(zingers) < 4 < 10 < min(spots)
    assert np.mean(zingers) < 1


def test_a_rings_rim_is_bright_and_a_spots_is_not() -> None:
    generator = np.random.default_rng(4)
    ring = 1 + 50 * np.exp(-((radius((400, 400)) - 120) ** 2) / (2 * 3.0**2))
    view, peaks = seen(generator.poisson(ring).astype(np.uint16))
    on_ring = peaks.significance > 6
    assert on_ring.sum() > 80
    bright = view.channels[RIM][on_ring].min()

    spots = np.full((400, 400), 1.0)
    for row in range(20, 380, 40):
        for column in range(20, 380, 40):
            spots += gaussian_spot((400, 400), row + 0.3, column - 0.2, 150, 0.8)
    view, peaks = seen(generator.poisson(spots).astype(np.uint16))
    on_spot = peaks.significance > 6
    assert on_spot.sum() == 81
    assert view.channels[RIM][on_spot].max() < bright - 1  # it holds an eighth of a spot all the same
    assert np.median(view.channels[RIM][on_spot]) < math.log1p(3)


@given(st.integers(0, 16), st.integers(0, 16), st.sampled_from([0.6, 1.0, 1.4]))
@settings(max_examples=60, deadline=None)
def test_a_spot_on_the_border_of_blocks_gives_one_peak(down: int, right: int, sigma: float) -> None:
    """At every half pixel of a block, on the lines and corners between blocks as well; ties included."""
    expected = gaussian_spot((64, 64), 24 + down / 2, 24 + right / 2, 800, sigma)
    peaks = peaks_on(1.0, (np.rint(expected) + 1).astype(np.uint16))
    ((row, column),) = peaks.places
    assert abs(row - 24 - down / 2) <= 0.5
    assert abs(column - 24 - right / 2) <= 0.5


def test_two_spots_in_neighbouring_blocks_are_two_peaks() -> None:
    counts = np.ones((64, 64), np.uint16)
    counts[20, 22] = counts[20, 25] = 90
    assert len(peaks_on(1.0, counts).cells) == 2


def test_a_spot_at_the_frames_corner_is_seen() -> None:
    counts = np.ones((64, 64), np.uint16)
    counts[0, 0], counts[0, 1], counts[1, 0] = 60, 20, 20
    # 101 photons in the 4 pixels that exist, where 4 are expected
    by_hand = math.sqrt(2 * (101 * math.log(101 / 4) - 97))
    assert peaks_on(1.0, counts).significance == pytest.approx(by_hand, abs=1e-3)


@given(
    st.integers(0, 2**32),
    st.sampled_from([0.05, 3.0, 400.0]),
    st.sampled_from(["uint16", "int32", "float32"]),
)
@settings(max_examples=25, deadline=None)
def test_peaks_seen_early_are_what_pixel_by_pixel_gives(seed: int, level: float, dtype: str) -> None:
    """Likely peaks are measured before the background is known, and the mask is not read: bit for bit the same."""
    generator = np.random.default_rng(seed)
    counts = read_only(generator.poisson(generator.gamma(1.0, level, (96, 112))).astype(dtype))
    mask = np.zeros(counts.shape, np.bool_)
    mask[40:43], mask[70, 90] = True, True
    masked = blocks_of_mask(mask, 8)
    blocks = block_sums(counts, masked)
    background = np.full(blocks.total.shape, level, np.float32)
    fast, fast_peaks = find_peaks(counts, masked, background, blocks, (1.0, 0.0), 1.0)
    slow = replace(masked, state=np.full_like(masked.state, PARTLY))
    assert masked.state.min() == WHOLE and len(fast_peaks.cells) and blocks.likely[1].max() > 0
    late = replace(blocks, likely=no_likely_peaks(background.shape, 8))
    channels, peaks = find_peaks(counts, slow, background, late, (1.0, 0.0), 1.0)
    np.testing.assert_array_equal(fast, channels)
    for field in fields(Peaks):
        np.testing.assert_array_equal(getattr(fast_peaks, field.name), getattr(peaks, field.name))
