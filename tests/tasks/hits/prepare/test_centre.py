"""The beam centre from the light between the spots."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedbragg.tasks.hits.prepare.centre import estimated_centre, refined_centre

EVERY = np.ones((60, 70), np.bool_)


def halo(centre: tuple[float, float], seed: int, photons: float = 20.0) -> np.ndarray:
    """Return the means of cells of 64 pixels: a broad ring about a centre (column, row), in Poisson counts."""
    rows, cols = np.indices(EVERY.shape)
    radius = np.hypot(cols - centre[0], rows - centre[1])
    expected = photons * (0.2 + np.exp(-0.5 * ((radius - 22) / 6) ** 2) + np.exp(-radius / 15))
    return (np.random.default_rng(seed).poisson(expected * 64) / 64).astype(np.float32)


@settings(max_examples=20, deadline=None)
@given(st.floats(15, 55), st.floats(10, 50), st.integers(0, 1000))
def test_the_centre_of_a_halo_is_found_within_the_reach_of_the_peaks(
    column: float, row: float, seed: int
) -> None:
    found = estimated_centre(halo((column, row), seed), EVERY, 64)
    assert found is not None
    assert found[0] == pytest.approx((column, row), abs=2.5)
    assert found[1] > 0.5


def test_the_centre_may_lie_beyond_the_frame() -> None:
    found = estimated_centre(halo((-12.0, 30.0), 1), EVERY, 64)
    assert found is not None
    assert found[0] == pytest.approx((-12.0, 30.0), abs=5)


def test_half_of_the_frame_is_enough() -> None:
    used = EVERY.copy()
    used[:, 40:] = False
    found = estimated_centre(halo((35.0, 30.0), 2), used, 64)
    assert found is not None
    assert found[0] == pytest.approx((35.0, 30.0), abs=1.5)


def test_an_even_frame_has_no_centre() -> None:
    flat = (np.random.default_rng(3).poisson(64 * 5, EVERY.shape) / 64).astype(np.float32)
    assert estimated_centre(flat, EVERY, 64) is None


def test_light_without_symmetry_is_not_round() -> None:
    """A slope's lines never meet, however many there are."""
    slope = np.broadcast_to(5 + np.arange(70) * 0.5, EVERY.shape).astype(np.float32)
    noisy = (np.random.default_rng(4).poisson(slope * 64) / 64).astype(np.float32)
    found = estimated_centre(noisy, EVERY, 64)
    assert found is None or found[1] < 0.3


def test_peaks_on_rings_choose_their_centre() -> None:
    generator = np.random.default_rng(5)
    angle, ring = generator.uniform(0, 2 * np.pi, 200), generator.choice([120.5, 200.5, 260.5], 200)
    rows, cols = (300 + ring * np.sin(angle)).astype(int), (310 + ring * np.cos(angle)).astype(int)
    found = refined_centre(
        np.stack([rows, cols], axis=1), np.full(200, 9.0, np.float32), (318.0, 289.0), 24.0
    )
    assert found == pytest.approx((310, 300), abs=1.5)


def test_a_single_peak_moves_no_centre() -> None:
    one = np.array([[5, 5]])
    assert refined_centre(one, np.ones(1, np.float32), (3.0, 4.0), 6.0) == (3.0, 4.0)
