from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from fedbragg.tasks.tags.healing.symmetry.across import across, sides, summed_tables
from fedbragg.tasks.tags.healing.symmetry.angular import find_symmetry
from fedbragg.tasks.tags.healing.symmetry.defects import defects
from fedbragg.tasks.tags.healing.symmetry.estimates import (
    Arc,
    RingSums,
    along_azimuth,
    by_symmetry,
    gap_ends,
    ring_sums,
)
from fedbragg.tasks.tags.healing.symmetry.hidden import hidden_sets
from fedbragg.tasks.tags.healing.symmetry.profile import radial_profile
from fedbragg.tasks.tags.healing.symmetry.rings import rings_about

from ..conftest import drawn

BEAM = (40.0, 40.0)
SHAPE = (81, 81)


def on_rings(counts: NDArray[np.float32], gap: NDArray[np.bool_]) -> RingSums:
    rings = rings_about(BEAM, SHAPE)
    ordered, measured = rings.in_order(counts), ~rings.in_order(gap)
    return ring_sums(rings, ordered, measured, radial_profile(rings, ordered, measured))


def sorted_position(image: RingSums, row: int, col: int) -> NDArray[np.int64]:
    return np.flatnonzero(image.rings.order == row * SHAPE[1] + col)


def test_rings_are_sorted_by_radius_and_azimuth() -> None:
    rings = rings_about(BEAM, SHAPE)
    assert (np.diff(rings.starts) > 0).all()
    for ring in (5, 30):
        part = slice(rings.starts[ring], rings.starts[ring + 1])
        assert (np.floor(rings.radius[part]) == ring).all()
        assert (np.diff(rings.angle[part]) > -1e-5).all()
    assert sorted(rings.order) == list(range(81 * 81))


def test_the_profile_is_the_mean_by_radius() -> None:
    counts = drawn(lambda r, chi: 3 * r * (1 + 0.5 * np.cos(chi)), SHAPE, BEAM)
    image = on_rings(counts, np.zeros(SHAPE, np.bool_))
    far = (image.rings.radius > 10) & (image.rings.radius < 38)
    assert image.level[far] == pytest.approx(3 * image.rings.radius[far], rel=0.03)


def test_an_arc_is_interpolated_between_its_ends() -> None:
    """The counts rise with the azimuth, 100 + 50 chi, so that the gap's middle is the mean of its ends."""
    counts = drawn(lambda r, chi: 300 + 50 * chi + 0 * r, SHAPE, BEAM)
    gap = drawn(lambda r, chi: (np.abs(chi) < 0.3) & (r > 5), SHAPE, BEAM).astype(np.bool_)
    image = on_rings(counts, gap)
    target = sorted_position(image, 40, 70)
    found = along_azimuth(image, target, gap_ends(image, target), Arc(6.0, 1))
    assert found[0] == pytest.approx(300, rel=0.01)


def test_an_arc_wider_than_an_eighth_of_the_turn_is_left_out() -> None:
    gap = drawn(lambda r, chi: (np.abs(chi) < 0.5) & (r > 5), SHAPE, BEAM).astype(np.bool_)
    image = on_rings(np.ones(SHAPE, np.float32), gap)
    target = sorted_position(image, 40, 70)
    assert np.isnan(along_azimuth(image, target, gap_ends(image, target), Arc(6.0, 1))).all()


def test_the_opposite_pixel_answers_for_a_missing_one() -> None:
    counts = drawn(lambda r, chi: 100 + 90 * np.cos(2 * chi) + 0 * r, SHAPE, BEAM)
    gap = drawn(lambda r, chi: (np.abs(chi) < 0.6) & (r > 5), SHAPE, BEAM).astype(np.bool_)
    image = on_rings(counts, gap)
    found = by_symmetry(image, sorted_position(image, 40, 70), (1.0, np.array([np.pi])), Arc(4.0, 0))
    assert found[0] == pytest.approx(190, rel=0.02)


def test_the_fold_and_the_mirror_are_found() -> None:
    """cos 4 (chi - 0.2) repeats every quarter turn, and mirrors about 0.2: the angles add up to 0.4."""
    counts = drawn(lambda r, chi: 1000 * (1 + 0.5 * np.cos(4 * (chi - 0.2))) * (r > 10) + 10.0, SHAPE, BEAM)
    found = find_symmetry(on_rings(counts, np.zeros(SHAPE, np.bool_)))
    assert found.fold == 4
    assert found.agreement > 0.95
    assert found.point > 0.95
    quarter = np.pi / 2
    assert (found.axis_sum - 0.4 + quarter / 2) % quarter - quarter / 2 == pytest.approx(0, abs=0.03)


def test_noise_has_no_symmetry() -> None:
    counts = np.random.default_rng(2).poisson(20, SHAPE).astype(np.float32)
    found = find_symmetry(on_rings(counts, np.zeros(SHAPE, np.bool_)))
    assert found.agreement < 0.1
    assert found.turns[1][1].size == 0


def test_a_gap_is_crossed_where_it_is_shortest() -> None:
    """Rows 2 to 4 are missing; 10 above and 30 below give 15, 20, 25."""
    counts = np.zeros((7, 9), np.float32)
    counts[:2], counts[5:] = 10, 30
    measured = np.ones((7, 9), np.bool_)
    measured[2:5] = False
    level = np.ones_like(counts)
    pixels = np.array([2, 3, 4]) * 9 + 4
    gaps = sides(measured, pixels)
    assert gaps[0].tolist()[:4] == [1, 3, 0, 0]
    tables = summed_tables(counts, level, measured)
    assert across(tables, level.ravel()[pixels], pixels, gaps, (1, 0.0)) == pytest.approx([15, 20, 25])


def test_the_crossing_of_two_bars_is_reached_along_a_diagonal() -> None:
    measured = np.ones((11, 11), np.bool_)
    measured[4:7] = measured[:, 4:7] = False
    gaps = sides(measured, np.array([5 * 11 + 5]))
    assert gaps[0].tolist() == [0, 0, 0, 0, 2, 2, 2, 2]


def test_a_lone_bright_pixel_is_a_defect_and_a_spot_is_none() -> None:
    counts = np.full((9, 9), 3, np.float32)
    counts[2, 2] = 500
    counts[6, 6], counts[6, 5], counts[5, 6] = 500, 200, 150
    found = defects(counts, np.ones((9, 9), np.bool_))
    assert found[2, 2]
    assert found.sum() == 1


def test_hidden_pixels_were_measured_and_are_few() -> None:
    measured = np.ones(SHAPE, np.bool_)
    measured[30:35] = False
    sets = hidden_sets(measured, BEAM)
    assert len(sets) == 3
    for hidden in sets:
        assert (measured | ~hidden).all()
        assert 0 < hidden.sum() <= 0.25 * measured.sum()
    assert sets[0][:30, 46:51].all()  # the bar, turned by 90 degrees about the beam
