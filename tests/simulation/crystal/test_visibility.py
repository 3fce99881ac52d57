"""Spots: where they are drawn, what is said of them, and what label follows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedbragg.simulation import BEAMLINES, reduced, simulate_run
from fedbragg.simulation.crystal.visibility import HIT_SPOTS, label_of, photons_needed, significance
from fedbragg.simulation.detector.exposure import add_counted_spots
from fedbragg.types import Label

POINT = np.array([[0.0, 0.0, 1.0]])


def drawn(spot: list[float], outline: np.ndarray = POINT) -> tuple[np.ndarray, float]:
    image = np.zeros((81, 81), np.int32)
    seen = add_counted_spots(np.array([spot]), outline, np.zeros(image.shape, bool), np.uint64(8), image)
    return image, float(seen[0])


def test_a_spots_photons_and_place_are_kept() -> None:
    image, seen = drawn([40.3, 39.6, 1e6, 1.2, 0.0, 0.0])
    rows, cols = np.indices(image.shape)
    assert image.sum() == seen == pytest.approx(1e6, rel=0.01)
    assert (image * cols).sum() / seen == pytest.approx(40.3, abs=0.02)
    assert (image * rows).sum() / seen == pytest.approx(39.6, abs=0.02)


def test_a_spot_is_drawn_out_along_its_line() -> None:
    image, seen = drawn([40.0, 40.0, 1e5, 0.8, 3.0, 0.0])
    rows, cols = np.indices(image.shape)
    along = (image * (cols - 40) ** 2).sum() / seen
    across = (image * (rows - 40) ** 2).sum() / seen
    assert across < 3
    assert along > 2 * across


def test_what_falls_in_a_gap_is_lost() -> None:
    image = np.zeros((40, 40), np.int32)
    gap = np.zeros(image.shape, bool)
    gap[:, 20:] = True
    seen = add_counted_spots(
        np.array([[19.5, 20.0, 10000.0, 1.0, 0.0, 0.0]]), POINT, gap, np.uint64(8), image
    )
    assert seen[0] == pytest.approx(5000, rel=0.06)
    assert not image[gap].any()


def test_significance_of_published_cases() -> None:
    """Many counts: I / sqrt(B). Few: 5 photons over 0.1 are 5.5 standard deviations, not 16."""
    strong, weak = significance(np.array([300.0, 5.0]), np.array([1e6, 0.1]))
    assert strong == pytest.approx(0.3, rel=1e-3)
    assert weak == pytest.approx(5.49, abs=0.01)


@given(st.floats(1e-4, 1e5), st.floats(1, 20))
def test_needed_photons_reach_the_significance(background: float, wanted: float) -> None:
    under = np.array([background])
    assert significance(photons_needed(under, wanted), under)[0] == pytest.approx(wanted, rel=1e-3)


@pytest.mark.parametrize(
    ("visible", "label"), [(0, "miss"), (2, "miss"), (3, "maybe"), (11, "maybe"), (12, "hit")]
)
def test_the_label_counts_visible_spots(visible: int, label: str) -> None:
    assert label_of(np.array([6.0] * visible + [5.9] * 40)) is Label(label)


def test_the_frame_shows_the_spots_that_are_listed() -> None:
    """At the place of every strong spot the counts rise above the surroundings by what is said."""
    beamline = reduced(BEAMLINES["pilatus6m"], 800, 800)
    mix = replace(beamline.mix, rates=((1.0, 0.0),), artefact_share=0.0)
    still = next(iter(simulate_run(replace(beamline, mix=mix), 1, seed=4)))
    strong = [
        spot
        for spot in still.spots
        if spot.significance > 12 and 12 < spot.row < 787 and 12 < spot.column < 787
    ]
    assert len(still.spots) > HIT_SPOTS
    assert strong
    for spot in strong:
        row, col = round(spot.row), round(spot.column)
        patch = np.s_[row - 9 : row + 10, col - 9 : col + 10]
        if still.mask[patch].any():
            continue
        level = np.median(still.counts[patch])
        assert still.counts[row - 2 : row + 3, col - 2 : col + 3].sum() - 25 * level > 0.4 * spot.intensity
