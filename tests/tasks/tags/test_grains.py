import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedbragg.tasks.tags.grains import FINE, graininess

SIDE, PART = 512, 8
STARTS = np.arange(0, SIDE + 1, PART)
NOTHING = np.zeros((SIDE, SIDE), bool)


def contrast(counts: np.ndarray, mask: np.ndarray = NOTHING) -> np.ndarray:
    """Contrast of each part of 8 x 8 pixels."""
    return (graininess(counts, mask, STARTS, STARTS) - 1) * FINE


def ring(sigma: float) -> np.ndarray:
    y, x = np.indices((SIDE, SIDE))
    return np.exp(-0.5 * ((np.hypot(x - 255.3, y - 255.8) - 170) / sigma) ** 2)


def on_ring(found: np.ndarray) -> np.ndarray:
    """Values of the parts through which the middle of the ring passes."""
    y, x = (np.indices(found.shape) + 0.5) * PART
    return found[abs(np.hypot(x - 255.3, y - 255.8) - 170) < 3]


def test_the_contrast_of_two_values_at_random_is_the_one_worked_out_by_hand() -> None:
    # each pixel 10 or 30 at even odds: a squared diagonal difference is 400 half of the time; mean 20
    counts = np.full((SIDE, SIDE), 20, np.int32)
    counts[:256] = np.random.default_rng(1).choice([10, 30], (256, SIDE))
    found = contrast(counts)
    assert np.median(found[2:30]) == pytest.approx(
        np.sqrt(200 / 400), rel=0.12
    )  # eigenvalues split by chance
    assert (found[33:] == 0).all()


@pytest.mark.parametrize("mean", [0.02, 0.5, 10.0, 5000.0])
@pytest.mark.parametrize("gain", [0.1, 1.0, 4.0])
def test_counting_noise_is_not_grainy_at_any_exposure_and_gain(mean: float, gain: float) -> None:
    photons = np.random.default_rng(2).poisson(mean, (SIDE, SIDE))
    assert np.mean(contrast((photons * gain).astype(np.float32)) > 0) < 0.02


def test_a_ring_of_grains_stands_out_and_a_smooth_one_does_not() -> None:
    generator = np.random.default_rng(3)
    smooth = 5 + 400 * ring(1.5)
    grains = 5 + 400 * ring(1.5) * generator.gamma(0.3, 1 / 0.3, (SIDE, SIDE))
    of_smooth, of_grains = (
        on_ring(contrast(generator.poisson(light).astype(np.int32))) for light in (smooth, grains)
    )
    assert np.median(of_grains) > 0.5
    assert np.median(of_grains) > 5 * np.quantile(of_smooth, 0.9)


@given(st.floats(-np.pi, np.pi), st.floats(0.8, 20))
def test_a_straight_edge_is_not_grainy(direction: float, width: float) -> None:
    y, x = np.indices((SIDE, SIDE))
    away = (x - 255) * np.cos(direction) + (y - 255) * np.sin(direction)
    counts = (100 + 1000 / (1 + np.exp(-np.clip(away / width, -50, 50)))).astype(np.float32)
    assert contrast(counts).max() < 0.15


def test_what_is_masked_or_not_finite_adds_nothing() -> None:
    counts = np.random.default_rng(5).poisson(50, (SIDE, SIDE)).astype(np.float32)
    mask = np.random.default_rng(6).random((SIDE, SIDE)) < 0.1
    spoilt = np.where(mask, 1e6, counts).astype(np.float32)
    spoilt[100:110, 100] = np.nan
    np.testing.assert_array_equal(
        contrast(spoilt, mask), contrast(np.where(mask, 0, spoilt).astype(np.float32), mask)
    )
    assert np.mean(contrast(spoilt, mask) > 0) < 0.02
    assert (contrast(spoilt, np.ones((SIDE, SIDE), bool)) == 0).all()


def test_parts_of_two_pixels_tell_nothing() -> None:
    counts = np.random.default_rng(7).integers(0, 100, (64, 64)).astype(np.int32)
    starts = np.arange(0, 65, 2)
    assert (graininess(counts, np.zeros((64, 64), bool), starts, starts) == 1).all()
