"""The photon scale of detectors with known gain, offset, read noise and blur."""

from __future__ import annotations

import numpy as np
import pytest
from frames import blocks_of, gaussian_spot, radius
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from fedbragg.tasks.hits.prepare.noise import COUNTER, PhotonScale, photon_scale

SHAPE = (600, 600)


def scale_of(counts: NDArray[np.integer], mask: NDArray[np.bool_] | None = None) -> PhotonScale:
    return photon_scale(blocks_of(counts, 8, mask))


@pytest.mark.parametrize("level", [0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 10_000.0])
@pytest.mark.parametrize("even", [True, False])
def test_a_photon_counters_scale_is_exactly_one(level: float, even: bool) -> None:
    profile = np.ones((400, 400)) if even else 0.2 + np.exp(-((radius((400, 400)) / 120) ** 2))
    counts = np.random.default_rng(1).poisson(level * profile).astype(np.int32)
    assert scale_of(counts) == COUNTER


def test_a_photon_counter_full_of_spots_is_recognised() -> None:
    generator = np.random.default_rng(2)
    expected = np.full((400, 400), 1.5)
    for row, column in generator.uniform(10, 390, (150, 2)):
        expected += gaussian_spot((400, 400), row, column, generator.uniform(20, 2000), 1.0)
    counts = generator.poisson(expected).astype(np.uint16)
    assert scale_of(counts) == COUNTER


def shared_by_blur(blur: float) -> float:
    """Variance of a sum over 3 x 3 pixels of blurred white noise, relative to that without blur."""
    impulse = np.zeros((41, 41))
    impulse[19:22, 19:22] = 1.0
    return float((gaussian_filter(impulse, blur) ** 2).sum() / 9) if blur else 1.0


def integrating(gain: float, offset: float, noise: float, blur: float, seed: int) -> NDArray[np.int32]:
    """A CCD's frame: 5 to 65 photons a pixel in a broad hump."""
    generator = np.random.default_rng(seed)
    photons = generator.poisson(5 + 60 * np.exp(-((radius(SHAPE) / 150) ** 2))).astype(np.float64)
    charge = gaussian_filter(photons, blur) if blur else photons
    counts: NDArray[np.int32] = np.rint(charge * gain + offset + generator.normal(0, noise, SHAPE)).astype(
        np.int32
    )
    return counts


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    ("gain", "offset", "noise", "blur", "tolerance"),
    [
        (2.0, 100.0, 3.0, 0.0, 0.08),
        (4.0, 200.0, 6.0, 0.0, 0.08),  # variance = mean over the whole frame, by chance
        (0.5, 10.0, 2.0, 0.5, 0.08),
        (0.3, 20.0, 1.0, 0.6, 0.10),
        (3.0, 1000.0, 10.0, 0.7, 0.16),
        (10.0, 30.0, 4.0, 1.0, 0.30),  # contrasts between sums that blur has made alike come out too low
    ],
)
def test_a_ccds_gain_offset_and_read_noise_are_found(
    gain: float, offset: float, noise: float, blur: float, tolerance: float, seed: int
) -> None:
    """The gain is that of sums over 3 x 3 pixels, which the peak test uses; blur reduces it by a known factor."""
    counts = integrating(gain, offset, noise, blur, seed)
    found = scale_of(counts)
    assert 1 / found.scale == pytest.approx(gain * shared_by_blur(blur), rel=tolerance)
    # In the dark, where the counts are the offset, the equivalent photons are the read noise's variance in photons.
    dark = found.scale * offset + found.shift
    assert dark == pytest.approx((noise * found.scale) ** 2, rel=0.15, abs=0.5)


@pytest.mark.parametrize("block", [6, 7, 10, 16, 24, 32])
def test_the_gain_is_found_in_blocks_of_any_size(block: int) -> None:
    counts = integrating(10.0, 100.0, 5.0, 0.0, 3)
    mask = np.zeros(counts.shape, np.bool_)
    assert 1 / photon_scale(blocks_of(counts, block, mask)).scale == pytest.approx(10.0, rel=0.1)


@pytest.mark.parametrize(("gain", "blur"), [(4.0, 0.0), (2.0, 0.5), (4.0, 0.5)])
def test_equivalent_photons_have_the_variance_of_photons(gain: float, blur: float) -> None:
    """Sums over 3 x 3 equivalent photons have variance = mean, whatever gain, offset and read noise are."""
    counts = integrating(gain, 200.0, 6.0, blur, 1)
    found = scale_of(counts)
    even = counts[:90, :90] * found.scale + found.shift  # a corner, far from the hump
    threes = even.reshape(30, 3, 30, 3).sum(axis=(1, 3))
    assert threes.var() / threes.mean() == pytest.approx(1.0, abs=0.25)  # 900 sums: 5 % by chance


def test_an_even_dark_subtracted_frame_is_gaussian_noise() -> None:
    counts = np.rint(np.random.default_rng(1).normal(0, 8, (400, 400))).astype(np.int32)
    found = scale_of(counts)
    equivalent = counts * found.scale + found.shift
    assert equivalent.var() == pytest.approx(equivalent.mean(), rel=0.1)


def test_masked_blocks_do_not_count() -> None:
    counts = integrating(2.0, 100.0, 3.0, 0.0, 1)
    mask = np.zeros(counts.shape, np.bool_)
    mask[:, 100:140] = True
    spoilt = counts.copy()
    spoilt[mask] = np.random.default_rng(5).integers(0, 60_000, int(mask.sum()))
    assert scale_of(spoilt, mask) == scale_of(counts, mask)


def test_too_few_whole_blocks_make_a_photon_counter() -> None:
    counts = integrating(5.0, 100.0, 3.0, 0.0, 1)[:24, :24]
    assert scale_of(counts) == COUNTER


def test_a_dead_frame_is_a_photon_counter() -> None:
    counts = np.zeros((200, 200), np.uint16)
    assert scale_of(counts) == COUNTER
