"""Data that several tests of the simulation share."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fedbragg.simulation import BEAMLINES, Beamline, reduced

SODIUM_CHLORIDE = """data_salt
_cell_length_a 5.6402
_cell_length_b 5.6402
_cell_length_c 5.6402
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'F m -3 m'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Na Na 0 0 0
Cl Cl 0.5 0.5 0.5
"""


@pytest.fixture
def salt_cif(tmp_path: Path) -> Path:
    """The structure of sodium chloride as a CIF."""
    path = tmp_path / "halite.cif"
    path.write_text(SODIUM_CHLORIDE)
    return path


@pytest.fixture
def misses_of() -> Callable[..., Beamline]:
    """A function that returns a small beamline whose every frame is a miss with one artefact."""

    def make(name: str, kind: str, size: int = 360) -> Beamline:
        line = reduced(BEAMLINES[name], size, size)
        mix = replace(line.mix, rates=((0.0, 0.0),), too_weak=0.0, misses=((kind, 1.0),))
        return replace(line, mix=mix)

    return make


@pytest.fixture
def ring_radius() -> Callable[[float, Beamline], float]:
    """A function that returns the radius in pixels of the ring with spacing d (angstrom), by Bragg's law."""

    def radius(d: float, line: Beamline) -> float:
        theta = math.asin(line.beam.wavelength / (2 * d))
        return line.detector.distance * math.tan(2 * theta) / line.detector.pixel_size

    return radius
