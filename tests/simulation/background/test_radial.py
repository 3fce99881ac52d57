"""Scattering by radius and the texture of rings."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from fedbragg.simulation import BEAMLINES
from fedbragg.simulation.background.radial import (
    AZIMUTH_STEPS,
    aligned_texture,
    inverse_spacings,
    smooth_scattering,
)


def test_the_ring_of_water_lies_at_3_2_angstrom() -> None:
    line = BEAMLINES["pilatus6m"]
    background = replace(line.background, air=0.0, floor=0.0, loop=0.0)
    inverse_d = inverse_spacings(line)
    ring = smooth_scattering(background, inverse_d, air=1.0, solvent=1.0)
    outside = inverse_d > 0.2  # past the small-angle rise
    peak = inverse_d[outside][np.argmax(ring[outside])]
    assert 1 / peak == pytest.approx(3.2, abs=0.15)


def test_aligned_particles_make_two_opposite_arcs() -> None:
    factor = aligned_texture(0.5, 20.0)
    angle = np.linspace(-math.pi, math.pi, AZIMUTH_STEPS + 1)
    assert factor[:-1].mean() == pytest.approx(1, rel=1e-5)
    bright = angle[factor > 0.5 * factor.max()]
    away = np.minimum(abs(bright - 0.5), abs(bright - (0.5 - math.pi)))
    # exp(20 (cos^2 - 1)) is a half where sin^2 is ln 2 / 20
    assert away.max() == pytest.approx(math.asin(math.sqrt(math.log(2) / 20)), abs=0.01)
