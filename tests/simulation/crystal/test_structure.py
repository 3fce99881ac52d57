"""Structure factors from coordinate files against tabulated form factors."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from fedbragg.errors import InputError
from fedbragg.simulation.crystal.structure import structure_intensities

CARBON = """CRYST1   20.000   20.000   20.000  90.00  90.00  90.00 P 1           1
ATOM      1  C   ALA A   1       0.000   0.000   0.000  1.00 20.00           C
END
"""


def test_salt_has_weak_odd_and_strong_even_reflections(salt_cif: Path) -> None:
    """F(111) = 4 (f_Cl - f_Na) and F(200) = 4 (f_Cl + f_Na): form factors of the tables, 13.5 and 9.0; 12.7 and 8.6."""
    odd, even = structure_intensities(str(salt_cif), np.array([[1, 1, 1], [2, 0, 0]], np.int32), 1.0)
    assert math.sqrt(odd) == pytest.approx(4 * (13.5 - 9.0), rel=0.15)
    assert math.sqrt(even) == pytest.approx(4 * (12.7 + 8.6), rel=0.05)


def test_the_amplitude_of_one_carbon_is_its_form_factor(tmp_path: Path) -> None:
    """At d = 20 A f is 5.96; with B = 20 A^2 the amplitude falls by exp(-B / 4 d^2) = 0.988."""
    path = tmp_path / "carbon.pdb"
    path.write_text(CARBON)
    amplitude = math.sqrt(structure_intensities(str(path), np.array([[1, 0, 0]], np.int32), 2.0)[0])
    assert amplitude == pytest.approx(5.96 * math.exp(-20 / (4 * 400)), rel=0.02)


def test_a_file_without_a_structure_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.pdb"
    path.write_text("nothing\n")
    for wrong in (str(path), str(tmp_path / "absent.cif")):
        with pytest.raises(InputError, match="Give"):
            structure_intensities(wrong, np.array([[1, 0, 0]], np.int32), 2.0)
