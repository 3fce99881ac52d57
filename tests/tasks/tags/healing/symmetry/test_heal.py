from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fedbragg.tasks.tags.healing.healed import FilledBy, GappedImage
from fedbragg.tasks.tags.healing.symmetry.heal import heal_by_symmetry

from ..conftest import bars, drawn, without

Rings = tuple[NDArray[np.float32], tuple[float, float]]


def sector(
    shape: tuple[int, int], beam: tuple[float, float], middle: float, width: float
) -> NDArray[np.bool_]:
    """Return (rows, cols) the pixels within ``width`` / 2 degrees of an azimuth, 15 to 45 pixels from the beam."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    away = np.angle(np.exp(1j * (np.arctan2(y - beam[1], x - beam[0]) - np.deg2rad(middle))))
    r = np.hypot(x - beam[0], y - beam[1])
    return (np.abs(away) < np.deg2rad(width / 2)) & (r > 15) & (r < 45)


def test_rings_go_on_through_gaps(rings: Rings) -> None:
    truth, beam = rings
    gap = bars(truth.shape)
    healed = heal_by_symmetry(without(truth, gap), beam)
    assert np.isfinite(healed.counts).all()
    error = np.abs(healed.counts - truth)[gap] / truth[gap]
    assert np.median(error) < 0.005
    assert np.percentile(error, 99) < 0.05


def test_measured_pixels_are_unchanged_bit_for_bit(rings: Rings) -> None:
    truth, beam = rings
    gap = bars(truth.shape)
    image = without(truth, gap)
    healed = heal_by_symmetry(image, beam)
    assert (healed.counts[~gap].view(np.uint32) == truth[~gap].view(np.uint32)).all()
    assert (healed.steps[~gap] == FilledBy.MEASURED).all()
    assert (healed.steps[gap] != FilledBy.MEASURED).all()


@pytest.mark.parametrize(("fold", "dark"), [(2, 90.0), (6, 30.0)])
def test_lobes_come_back_where_they_were(fold: int, dark: float) -> None:
    """100 (1 + 0.8 cos n chi) is 180 on the axis and 20 between the lobes."""
    beam = (60.0, 60.0)
    truth = drawn(lambda r, chi: 100 * (1 + 0.8 * np.cos(fold * chi)) + 0 * r, (121, 121), beam)
    gap = sector(truth.shape, beam, 0.0, 50.0) | sector(truth.shape, beam, dark, 50.0)
    healed = heal_by_symmetry(without(truth, gap), beam).counts
    assert healed[60, 90] == pytest.approx(180, rel=0.03)
    at = np.deg2rad(dark)
    assert healed[round(60 + 30 * np.sin(at)), round(60 + 30 * np.cos(at))] == pytest.approx(20, abs=4)
    assert np.abs(healed - truth)[gap].mean() < 4


def test_a_gap_and_its_opposite_are_filled_from_the_other_sixfold_copies() -> None:
    """The beam lies beside a pixel's centre: about one, pixels of equal radius lie mostly on the axes."""
    beam = (60.3, 59.6)
    truth = drawn(lambda r, chi: 100 * (1 + 0.8 * np.cos(6 * chi)) + 0 * r, (121, 121), beam)
    gap = sector(truth.shape, beam, 0.0, 50.0) | sector(truth.shape, beam, 180.0, 50.0)
    healed = heal_by_symmetry(without(truth, gap), beam)
    assert healed.counts[60, 90] == pytest.approx(180, rel=0.03)
    assert healed.counts[60, 30] == pytest.approx(180, rel=0.03)
    assert healed.steps[60, 90] == FilledBy.SYMMETRY


def test_nothing_is_invented_where_no_ring_is_measured() -> None:
    """The corners beyond a round detector have radii that no pixel measured; so has the middle of a large stop."""
    beam = (60.0, 60.0)
    truth = drawn(lambda r, _: 1000 * np.exp(-r / 30), (121, 121), beam)
    y, x = np.mgrid[:121, :121]
    away = np.hypot(x - 60, y - 60)
    gap = (away > 58) | (away < 12)
    healed = heal_by_symmetry(without(truth, gap), beam)
    assert np.isnan(healed.counts[0, 0])
    assert healed.steps[0, 0] == FilledBy.UNFILLED
    assert np.isnan(healed.counts[away > 75]).all()


def test_a_hot_pixel_beside_a_gap_does_not_spread(rings: Rings) -> None:
    truth, beam = rings
    gap = bars(truth.shape)
    hot = truth.copy()
    hot[truth.shape[0] // 4 - 1, 20] = 1e6
    healed = heal_by_symmetry(without(hot, gap), beam).counts
    assert healed[truth.shape[0] // 4 - 1, 20] == 1e6
    assert (np.abs(healed - truth)[gap] / truth[gap]).max() < 0.5


def test_few_counts_are_averaged_not_copied() -> None:
    """At one count a pixel, neighbours alone would give errors of tens of per cent."""
    beam = (150.0, 150.0)
    truth = drawn(lambda r, _: 1 + 0 * r, (300, 300), beam)
    counts = np.random.default_rng(3).poisson(truth).astype(np.float32)
    gap = bars(truth.shape)
    healed = heal_by_symmetry(without(counts, gap), beam).counts
    assert np.abs(healed[gap] - 1).mean() < 0.07


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(8, 40), st.integers(8, 40)),
    share=st.floats(0, 0.97),
    beam=st.tuples(st.floats(-60, 100), st.floats(-60, 100)),
)
def test_any_mask_and_any_beam(
    seed: int, shape: tuple[int, int], share: float, beam: tuple[float, float]
) -> None:
    """Measured pixels stay, filled ones are numbers of 0 or more, and the steps say which is which."""
    generator = np.random.default_rng(seed)
    counts = generator.poisson(5, shape).astype(np.float32)
    gap = generator.random(shape) < share
    gap[generator.integers(shape[0]), generator.integers(shape[1])] = False
    healed = heal_by_symmetry(without(counts, gap), beam)
    assert (healed.counts[~gap] == counts[~gap]).all()
    filled = gap & (healed.steps != FilledBy.UNFILLED)
    assert np.isfinite(healed.counts[filled]).all()
    assert (healed.counts[filled] >= 0).all()
    assert np.isnan(healed.counts[gap & ~filled]).all()
    assert ((healed.steps == FilledBy.MEASURED) == ~gap).all()


def test_an_image_without_gaps_comes_back() -> None:
    counts = np.arange(100, dtype=np.float32).reshape(10, 10)
    healed = heal_by_symmetry(GappedImage(counts, np.ones((10, 10), np.bool_)), (4.0, 5.0))
    assert (healed.counts == counts).all()
    assert (healed.steps == FilledBy.MEASURED).all()
