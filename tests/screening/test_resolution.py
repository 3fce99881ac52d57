"""The resolution of spots against Bragg's law worked by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fedbragg.screening.resolution import inverse_spacings, resolution
from fedbragg.types import Geometry

UPRIGHT = Geometry(wavelength=1.0, distance=0.1, beam_centre=(50.0, 40.0), pixel_size=(1e-4, 2e-4))


def test_a_spot_at_sixty_degrees_has_one_angstrom() -> None:
    """2 d sin(30 degrees) = 1 angstrom; tan(60 degrees) x 100 mm is 1732 columns, or 866 rows of twice the size."""
    places = np.array([[40, 40 + 866], [50 + 1732, 50]])
    found = inverse_spacings(places, UPRIGHT)
    assert found == pytest.approx([1.0, 1.0], rel=1e-3)
    assert resolution(places, UPRIGHT) == pytest.approx(1.0, abs=0.005)


def test_one_spot_farther_out_than_all_others_decides_nothing() -> None:
    columns = np.concatenate([np.full(20, 150), [5000]])
    near = resolution(np.stack([np.full(20, 40), columns[:20]]), UPRIGHT)
    assert resolution(np.stack([np.full(21, 40), columns]), UPRIGHT) == near


@pytest.mark.parametrize("missing", ["wavelength", "distance", "beam_centre", "pixel_size"])
def test_without_the_geometry_there_is_none(missing: str) -> None:
    assert resolution(np.array([[3], [4]]), replace(UPRIGHT, **{missing: None})) is None


def test_without_spots_and_for_a_spot_in_the_beam_there_is_none() -> None:
    assert resolution(np.empty((2, 0), int), UPRIGHT) is None
    assert resolution(np.array([[40], [50]]), UPRIGHT) is None
