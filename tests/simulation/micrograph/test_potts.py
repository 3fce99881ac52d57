"""Grain growth against what is known of it: the parabolic law, six neighbours, and sizes that scale."""

from __future__ import annotations

import numpy as np
import pytest

from fedbragg.simulation.micrograph.potts import GrainGrowth, _sweep, grow_grains, mean_area
from fedbragg.simulation.random_streams import random_stream


def neighbours(grains: np.ndarray) -> float:
    """Return the mean number of neighbours of a grain."""
    pairs = set()
    for axis in (0, 1):
        after = np.roll(grains, -1, axis)
        apart = grains != after
        pairs |= {(min(a, b), max(a, b)) for a, b in zip(grains[apart], after[apart], strict=True)}
    return 2 * len(pairs) / len(np.unique(grains))


def test_the_mean_area_is_the_one_asked_for() -> None:
    grown = grow_grains(GrainGrowth((192, 192), 16.0), np.random.default_rng(1))
    assert mean_area(grown.grains) == pytest.approx(np.pi / 4 * 16**2, rel=0.15)


def test_the_mean_area_grows_linearly_in_time() -> None:
    """Burke and Turnbull (1952): the square of the radius is proportional to time."""
    state = np.arange(192 * 192, dtype=np.int32).reshape(192, 192)
    position, areas = random_stream(np.random.default_rng(2)), []
    for _ in range(4):
        position = np.uint64(_sweep(state, 60, 0.5, position))
        areas.append(mean_area(state))
    steps = np.diff(areas)
    assert steps.std() / steps.mean() < 0.35
    assert np.polyfit(np.log([60, 120, 180, 240]), np.log(areas), 1)[0] == pytest.approx(1.0, abs=0.15)


def test_a_grain_has_six_neighbours_on_average() -> None:
    """Euler's theorem for a plane on which three grains meet at every corner, with wrapped edges."""
    grains = grow_grains(GrainGrowth((192, 192), 20.0), np.random.default_rng(3)).grains
    assert neighbours(grains) == pytest.approx(6.0, abs=0.25)


def test_growth_on_a_coarser_lattice_gives_the_same_spread_of_areas() -> None:
    """The areas of grains that grow have a coefficient of variation of about 0.7 in two dimensions, on any lattice."""
    for shape in ((200, 200), (201, 201)):  # the second cannot be halved
        grains = grow_grains(GrainGrowth(shape, 20.0), np.random.default_rng(4)).grains
        areas = np.bincount(grains.ravel())
        assert 0.5 < areas.std() / areas.mean() < 1.0


def test_equal_seeds_give_equal_grains() -> None:
    first, second = (
        grow_grains(GrainGrowth((64, 96), 9.0), np.random.default_rng(5)).grains for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)
    assert first.shape == (64, 96)
    np.testing.assert_array_equal(np.unique(first), np.arange(first.max() + 1))
