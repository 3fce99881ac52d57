"""Two-phase structures have the sizes, the share and the distances that were asked for."""

from __future__ import annotations

import numpy as np
import pytest

from fedbragg.simulation.micrograph.precipitates import Population, draw_phases, place_particles

SHAPE = (400, 300)


def placed(*populations: Population) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(1)
    particles = place_particles(populations, SHAPE, generator)
    return draw_phases(particles, populations, SHAPE, generator), particles.centres, particles.radii


def test_the_share_of_the_area_is_the_one_asked_for() -> None:
    numbers, _, _ = placed(Population(diameter=20, spread=0.2, fraction=0.2))
    assert (numbers > 0).mean() == pytest.approx(0.2, abs=0.02)


def test_diameters_have_the_median_and_spread_asked_for() -> None:
    _, _, radii = placed(Population(diameter=8, spread=0.3, fraction=0.15))
    assert np.median(2 * radii) == pytest.approx(8, rel=0.1)
    assert np.log(radii).std() == pytest.approx(0.3, rel=0.2)


def test_no_two_rims_come_closer_than_the_gap() -> None:
    _, centres, radii = placed(Population(diameter=16, spread=0.3, fraction=0.3, gap=0.2))
    apart = np.abs(centres[:, None] - centres[None])
    distance = np.linalg.norm(np.minimum(apart, np.array(SHAPE) - apart), axis=-1)
    least = 1.2 * (radii[:, None] + radii[None])
    np.fill_diagonal(distance, np.inf)
    assert (distance >= least - 1e-9).all()


def test_a_square_fills_more_of_its_square_than_a_disc() -> None:
    """A superellipse of exponent 2 is a disc of area pi r^2, of a large one a square of 4 r^2."""
    for power, area in ((2.0, np.pi), (60.0, 4.0)):
        numbers, _, radii = placed(Population(diameter=60, spread=0.0, fraction=0.02, squareness=power))
        assert (numbers == 1).sum() == pytest.approx(area * radii[0] ** 2, rel=0.03)


def test_elongation_keeps_the_area_and_sets_the_axes() -> None:
    numbers, _, radii = placed(
        Population(diameter=60, spread=0.0, fraction=0.02, elongation=3.0, direction=0.0)
    )
    row, col = np.nonzero(np.roll(numbers, (0, 0), (0, 1)) == 1)
    assert len(row) == pytest.approx(np.pi * radii[0] ** 2, rel=0.03)
    rows, cols = (len(np.unique(axis)) for axis in (row, col))
    assert cols / rows == pytest.approx(3.0, rel=0.1)


def test_particles_wrap_around_the_edges() -> None:
    numbers, centres, _ = placed(Population(diameter=30, spread=0.1, fraction=0.4))
    across = [n for n in np.unique(numbers) if n and (numbers[0] == n).any() and (numbers[-1] == n).any()]
    assert across
    assert all(min(centres[n - 1][0], SHAPE[0] - centres[n - 1][0]) < 20 for n in across)


def test_a_matrix_that_is_full_takes_no_more() -> None:
    numbers, _, _ = placed(Population(diameter=20, spread=0.0, fraction=0.95, gap=0.1))
    assert (
        0.3 < (numbers > 0).mean() < 0.6
    )  # random sequential packing of discs ends near 0.547, less the gap
