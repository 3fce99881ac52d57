"""Structure factors from coordinate files against form factors worked by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fedbragg.errors import ConfigError, InputError
from fedbragg.simulation import Sample
from fedbragg.simulation.crystal.reflections import reflections
from fedbragg.simulation.crystal.structure import structure_intensities

SALT = """data_salt
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
CARBON = """CRYST1   20.000   20.000   20.000  90.00  90.00  90.00 P 1           1
ATOM      1  C   ALA A   1       0.000   0.000   0.000  1.00 20.00           C
END
"""


def test_salt_has_weak_odd_and_strong_even_reflections(tmp_path: Path) -> None:
    """F(111) = 4 (f_Cl - f_Na) and F(200) = 4 (f_Cl + f_Na): form factors of the tables, 13.5 and 9.0; 12.7 and 8.6."""
    path = tmp_path / "salt.cif"
    path.write_text(SALT)
    odd, even = structure_intensities(str(path), np.array([[1, 1, 1], [2, 0, 0]], np.int32), 1.0)
    assert math.sqrt(odd) == pytest.approx(4 * (13.5 - 9.0), rel=0.15)
    assert math.sqrt(even) == pytest.approx(4 * (12.7 + 8.6), rel=0.05)


def test_one_carbon_scatters_as_its_form_factor(tmp_path: Path) -> None:
    """At d = 20 A f is 5.96; with B = 20 A^2 the amplitude falls by exp(-B / 4 d^2) = 0.988."""
    path = tmp_path / "carbon.pdb"
    path.write_text(CARBON)
    amplitude = math.sqrt(structure_intensities(str(path), np.array([[1, 0, 0]], np.int32), 2.0)[0])
    assert amplitude == pytest.approx(5.96 * math.exp(-20 / (4 * 400)), rel=0.02)


def test_a_sample_takes_its_intensities_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "salt.cif"
    path.write_text(SALT)
    sample = Sample((5.6402, 5.6402, 5.6402, 90, 90, 90), "F m -3 m", resolution=1.0, structure=str(path))
    crystal = reflections(sample)
    strength = dict(zip(map(tuple, crystal.indices.tolist()), crystal.intensity.tolist(), strict=True))
    assert strength[0, 0, 2] == strength[0, -2, 0] > 10 * strength[-1, 1, 1]


def test_a_file_that_is_no_structure_says_so(tmp_path: Path) -> None:
    path = tmp_path / "notes.pdb"
    path.write_text("nothing\n")
    for wrong in (str(path), str(tmp_path / "absent.cif")):
        with pytest.raises(InputError, match="Give"):
            structure_intensities(wrong, np.array([[1, 0, 0]], np.int32), 2.0)


def test_an_unknown_space_group_says_so() -> None:
    sample = Sample((10, 10, 10, 90, 90, 90), "P 1")
    with pytest.raises(ConfigError, match="'Q 7' is unknown"):
        reflections(replace(sample, space_group="Q 7"))
