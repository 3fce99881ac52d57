"""Lengths and photon energies are converted to the units of Geometry."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedbragg.images.units import METRE, angstroms, metres, wavelength_of


def test_a_photon_of_12398_electronvolt_has_one_angstrom() -> None:
    assert wavelength_of(12.39842, "keV") == pytest.approx(1.0)
    assert wavelength_of(12398.42 * 1.602176634e-19, "J") == pytest.approx(1.0)
    assert wavelength_of(1.0, "furlong") is None


@given(st.floats(1e-6, 1e6), st.sampled_from(sorted(METRE)))
def test_a_length_is_the_same_in_metres_and_in_angstrom(value: float, unit: str) -> None:
    in_metres, in_angstrom = metres(value, f" {unit.upper()} "), angstroms(value, unit)
    assert in_metres is not None
    assert in_angstrom == pytest.approx(in_metres * 1e10)


def test_a_unit_that_is_no_length_converts_nothing() -> None:
    assert metres(1.0, "pixel") is None
    assert angstroms(1.0, "eV") is None
