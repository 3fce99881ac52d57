"""What the rest of a frame says about a peak: the noise's blur, and crowded rings."""

from __future__ import annotations

import math

import numpy as np
import pytest
from frames import blocks_of

from fedbragg.tasks.hits.prepare import CONTEXT, PROFILE, PrepareSettings, prepare
from fedbragg.tasks.hits.prepare.context import Centre, context_of, crowding, noise_correlation
from fedbragg.tasks.hits.prepare.peaks import deviance
from fedbragg.types import Frame

NO_MASK = np.zeros((320, 320), np.bool_)


def poisson(mean: float, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).poisson(mean, NO_MASK.shape).astype(np.int32)


def blurred(counts: np.ndarray) -> np.ndarray:
    """Return the counts with (1, 2, 1) / 4 along both axes."""
    rows = np.pad(counts, 1, mode="edge").astype(float)
    rows = (rows[:-2] + 2 * rows[1:-1] + rows[2:]) / 4
    return ((rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) / 4).astype(np.float32)


def correlation(counts: np.ndarray) -> tuple[float, float]:
    return noise_correlation(blocks_of(counts, 8))


def test_independent_pixels_have_the_correlation_that_taking_off_means_gives() -> None:
    """Without its mean, a row of n independent numbers has correlation -1 / n between neighbours: -1 / 8."""
    along, across = correlation(poisson(20))
    assert along == pytest.approx(-1 / 8, abs=0.03)
    assert across == pytest.approx(-1 / 8, abs=0.03)


def test_blur_correlates_neighbours() -> None:
    """(1, 2, 1) / 4 gives neighbours a correlation of 2/3, less what taking off the means of 8 pixels removes."""
    along, across = correlation(blurred(poisson(20)))
    assert 0.35 < across <= along < 2 / 3


def test_a_slope_is_no_correlation() -> None:
    slope = np.add.outer(np.arange(320) * 3, np.arange(320) * 2).astype(np.int32)
    along, _ = correlation(poisson(20) + slope)
    assert along == pytest.approx(-1 / 8, abs=0.03)


def test_a_constant_frame_has_no_noise_to_correlate() -> None:
    assert correlation(np.full(NO_MASK.shape, 7, np.int32)) == (0.0, 0.0)


def test_ten_peaks_on_a_ring_against_eight_beside_it() -> None:
    """Each of the ten has nine others within 2 pixels; eight lie 3 to 9 pixels away: (8 + 1) / 4 are expected."""
    radius = np.array([100.0] * 10 + [103.5, 104, 105, 106, 96, 95, 94, 93])
    found = crowding(radius, np.ones(18, np.bool_), (2.0,))[0]
    assert found[:10] == pytest.approx(math.log1p(deviance(9, 9 / 4)))
    assert found[-1] < 0


def test_peaks_spread_evenly_are_on_no_ring() -> None:
    places = np.random.default_rng(2).uniform(0, 1000, (400, 2))
    found = crowding(np.hypot(*(places - 500).T), np.ones(400, np.bool_), (2.0,))[0]
    assert abs(found.mean()) < 0.3


def test_without_any_centre_the_rings_are_unknown() -> None:
    blocks = blocks_of(poisson(5), 8)
    places, significance = np.array([[10, 20], [30, 40]]), np.full(2, 9.0, np.float32)
    assert not context_of(blocks, places, significance, None)[:, 2:].any()
    known = context_of(blocks, places, significance, Centre(160.0, 160.0, 1.0, 6.0))
    assert (known[:, 2] == 1).all()


def test_weak_peaks_are_on_no_ring() -> None:
    blocks = blocks_of(poisson(5), 8)
    places, significance = np.array([[10, 20], [30, 40]]), np.full(2, 5.0, np.float32)
    assert not context_of(blocks, places, significance, Centre(160.0, 160.0, 1.0, 6.0))[:, 2:].any()


def test_a_quarter_turn_changes_no_number() -> None:
    """The noise is sampled in other blocks, so it changes by the sample's error."""
    counts = poisson(3)
    counts[
        np.random.default_rng(4).integers(20, 300, 40), np.random.default_rng(5).integers(20, 300, 40)
    ] += 60
    frame = Frame(counts, NO_MASK, "upright", 0, beam_centre=(150.0, 170.0))
    turned = Frame(np.rot90(counts).copy(), NO_MASK, "turned", 0, beam_centre=(170.0, 319 - 150.0))
    columns = slice(len(PROFILE), len(PROFILE) + len(CONTEXT))
    one, other = (prepare(shown).profiles[:, columns] for shown in (frame, turned))
    assert np.sort(one[:, 2:], axis=0) == pytest.approx(np.sort(other[:, 2:], axis=0), abs=1e-5)
    assert one[:, :2] == pytest.approx(other[:, :2], abs=0.02)


def test_a_model_that_knew_no_context_gets_none() -> None:
    written = PrepareSettings().as_metadata()
    del written["context"]
    settings = PrepareSettings.from_metadata(written)
    assert not settings.context
    counts = poisson(3)
    counts[100, 100] += 80
    assert prepare(Frame(counts, NO_MASK, "frame", 0), settings).profiles.shape[1] == len(PROFILE)
