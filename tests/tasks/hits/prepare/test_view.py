"""The View of a frame: what does not change it, and settings that are refused or read back."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from frames import frame_of, gaussian_spot, radius, seen
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from fedbragg.errors import ConfigError, FrameError
from fedbragg.tasks.hits.prepare import (
    CHANNELS,
    PROFILE,
    Peaks,
    PrepareSettings,
    prepare,
    prepare_with_peaks,
    spots,
)
from fedbragg.types import Frame


def spotted(seed: int, shape: tuple[int, int] = (96, 120)) -> NDArray[np.float64]:
    """Photons expected on a frame with a hump and a few spots."""
    generator = np.random.default_rng(seed)
    expected = 1 + 5 * np.exp(-((radius(shape) / 40) ** 2))
    for _ in range(12):
        row, column = generator.uniform(4, shape[0] - 4), generator.uniform(4, shape[1] - 4)
        expected += gaussian_spot(shape, row, column, generator.uniform(30, 400), 1.0)
    return expected


@given(st.integers(0, 2**32), st.sampled_from(["uint8", "uint16", "uint32", "int32"]))
@settings(max_examples=40, deadline=None)
def test_masked_pixels_never_matter(seed: int, dtype: str) -> None:
    generator = np.random.default_rng(seed)
    counts = np.minimum(generator.poisson(spotted(seed)), 255).astype(dtype)
    mask = generator.random(counts.shape) < 0.1
    mask[40:48] = mask[:, 60:70] = True  # gaps between modules
    view, peaks = seen(counts, mask)
    limits = np.iinfo(dtype)
    other = counts.copy()
    other[mask] = generator.integers(limits.min, limits.max, int(mask.sum()), dtype, endpoint=True)
    changed, changed_peaks = seen(other, mask)
    np.testing.assert_array_equal(changed.channels, view.channels)
    np.testing.assert_array_equal(changed_peaks.places, peaks.places)
    np.testing.assert_array_equal(changed_peaks.intensity, peaks.intensity)


@pytest.mark.parametrize("dtype", ["uint16", "uint32", "int32"])
def test_the_dtype_does_not_matter(dtype: str) -> None:
    counts = np.random.default_rng(5).poisson(spotted(5))
    view, _ = seen(counts.astype(dtype))
    same, _ = seen(counts.astype(np.uint16))
    np.testing.assert_array_equal(view.channels, same.channels)


def integrating(gain: float, offset: float) -> NDArray[np.uint16]:
    """The same exposure of a CCD with half a photon of read noise, read with another gain and offset."""
    expected = 3 + 15 * np.exp(-((radius((512, 512)) / 150) ** 2)) + spotted(6, (512, 512))
    photons = np.random.default_rng(6).poisson(expected).astype(np.float64)
    charge = gaussian_filter(photons, 0.6) + np.random.default_rng(7).normal(0, 0.5, photons.shape)
    counts: NDArray[np.uint16] = np.rint(gain * charge + offset).astype(np.uint16)
    return counts


@pytest.mark.parametrize(("gain", "offset"), [(4.0, 1000.0), (12.0, 20.0), (20.0, 500.0)])
def test_a_ccds_gain_and_offset_change_the_view_little(gain: float, offset: float) -> None:
    """Clear peaks keep their places up to the rounding of counts, and their measures within a tenth."""
    view, peaks = seen(integrating(4.0, 20.0))
    other, other_peaks = seen(integrating(gain, offset))
    same = (other_peaks.places == peaks.places).all(axis=0)
    found = peaks.significance > 6
    clear = found & same
    assert found.sum() >= 10
    assert clear.sum() >= found.sum() - 1
    np.testing.assert_allclose(other_peaks.significance[clear], peaks.significance[clear], rtol=0.1)
    assert np.abs(other.channels - view.channels)[:, clear].max() < 0.15
    np.testing.assert_allclose(np.log1p(other.background), np.log1p(view.background), atol=0.15)


def test_a_rotated_frame_shows_the_same_peaks_rotated() -> None:
    """Up to the background's median of row medians, which differs from that of column medians."""
    counts = np.random.default_rng(8).poisson(spotted(8, (96, 96))).astype(np.uint16)
    _, peaks = seen(counts)
    _, turned = seen(np.ascontiguousarray(np.rot90(counts)))
    before = np.rot90(peaks.significance)
    clear = before > 5
    assert clear.sum() >= 5
    np.testing.assert_allclose(turned.significance[clear], before[clear], rtol=0.03)
    np.testing.assert_array_equal(turned.places[0][clear], 95 - np.rot90(peaks.places[1])[clear])


def test_the_view_has_the_documented_channels_and_shape() -> None:
    counts = np.random.default_rng(1).poisson(2, (67, 50)).astype(np.uint16)
    mask = np.zeros(counts.shape, np.bool_)
    mask[:8, :4] = mask[8:16, 8:16] = True
    view, _ = seen(counts, mask)
    assert view.channels.shape == (4, 8, 6)
    assert view.background.shape == (8, 6)
    assert view.cells.shape == (len(view.profiles), 2)
    assert view.channels.dtype == np.float32
    assert view.block == 8
    assert np.isfinite(view.channels).all()
    masked = view.channels[CHANNELS.index("masked")]
    assert masked[0, 0] == 0.5
    assert masked[1, 1] == 1.0
    assert masked.sum() == 1.5


def test_a_fully_masked_frame_has_no_peaks() -> None:
    counts = np.full((64, 64), 2**32 - 1, np.uint32)
    view, peaks = seen(counts, np.ones(counts.shape, np.bool_))
    assert not peaks.significance.any()
    assert np.isfinite(view.channels).all()


@pytest.mark.parametrize(("shape", "block"), [((23, 100), 8), ((100, 23), 8), ((40, 40), 16), ((1, 1), 8)])
def test_a_frame_smaller_than_three_blocks_is_refused(shape: tuple[int, int], block: int) -> None:
    with pytest.raises(FrameError, match=r"made.h5 frame 0: .* too small to score"):
        prepare(frame_of(np.zeros(shape, np.uint16)), PrepareSettings(block))


def test_the_smallest_frame_is_taken() -> None:
    assert prepare(frame_of(np.zeros((24, 24), np.uint16)), PrepareSettings()).channels.shape == (4, 3, 3)


def test_peaks_above_the_least_significance_are_described() -> None:
    counts = np.random.default_rng(9).poisson(spotted(9)).astype(np.uint16)
    _, known = prepare_with_peaks(frame_of(counts), PrepareSettings(least=1.0))
    for least in (3.5, 4.0, 8.0):
        view, peaks = prepare_with_peaks(frame_of(counts), PrepareSettings(least=least))
        strong = known.significance > least
        for ours, all_of_them in (
            (view.cells, known.cells),
            (peaks.places, known.places),
            (peaks.significance, known.significance),
        ):
            np.testing.assert_array_equal(ours, all_of_them[strong])
    assert 0 < len(view.cells) < min(20, len(known.cells))


def test_settings_come_back_from_their_metadata() -> None:
    kept = json.loads(json.dumps(PrepareSettings(12, 5.0).as_metadata()))
    assert PrepareSettings.from_metadata(kept) == PrepareSettings(12, 5.0)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "crop"},
        {"channels": ["core"]},
        {"channels": [*CHANNELS[::-1]]},
        {"profile": ["height"]},
        {"kind": None},
    ],
)
def test_another_kind_of_input_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="another kind of input"):
        PrepareSettings.from_metadata(PrepareSettings().as_metadata() | change)


def test_spots_are_listed_from_the_most_significant() -> None:
    peaks = Peaks(
        cells=np.array([[0, 0], [0, 2]]),
        places=np.array([[3, 1], [4, 17]]),
        significance=np.array([5.0, 9.0], np.float32),
        intensity=np.array([20.0, 80.0], np.float32),
    )
    listed = spots(peaks, np.array([[0.5, 0.9, 0.9]], np.float32))
    assert [(s.column, s.row, s.intensity, s.significance) for s in listed] == [(17, 4, 80, 9), (1, 3, 20, 5)]
    assert spots(peaks, np.array([[0.49, 0.9, 0.1]], np.float32)) == []


def corrected(photons: np.ndarray, energy: float, noise: float) -> Frame:
    """Return photons as an integrating detector's corrected floats: keV with read noise about a subtracted pedestal."""
    values = photons * energy + np.random.default_rng(5).normal(0, noise, photons.shape)
    return Frame(values.astype(np.float32), np.zeros(photons.shape, np.bool_), "a.cxi", 3)


@pytest.mark.parametrize(("energy", "noise"), [(9.5, 0.9), (1.0, 0.1), (250.0, 60.0)])
def test_corrected_floats_of_any_unit_give_the_view_of_their_photons(energy: float, noise: float) -> None:
    """Read noise of a tenth to a quarter of a photon changes little; the unit changes nothing."""
    photons = np.random.default_rng(4).poisson(np.linspace(0.5, 6, 640), (640, 640)).astype(np.uint16)
    for row, col in ((100, 120), (300, 500), (600, 30)):
        photons[row : row + 3, col : col + 3] += 40
    whole = prepare(Frame(photons, np.zeros(photons.shape, np.bool_), "a.h5", 3))
    view = prepare(corrected(photons, energy, noise))
    assert np.median(view.background / whole.background) == pytest.approx(1, abs=0.15)
    strongest = [
        {tuple(cell) for cell in v.cells[v.profiles[:, PROFILE.index("height")] > 3]} for v in (whole, view)
    ]
    assert {(12, 15), (37, 62), (75, 3)} <= strongest[1]
    assert len(strongest[1]) <= len(strongest[0]) + 2
