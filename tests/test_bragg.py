"""Bragg's law against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from fedbragg.bragg import q_of, two_theta_of


def test_a_spacing_of_one_wavelength_scatters_by_sixty_degrees() -> None:
    """Bragg: wavelength = 2 d sin(theta), so d = wavelength gives theta = 30 degrees; q is 2 pi / d."""
    q = np.array([2 * np.pi / 1.5406])
    assert two_theta_of(q, 1.5406)[0] == pytest.approx(60.0)
    assert q_of(np.array([60.0]), 1.5406)[0] == pytest.approx(q[0])


def test_silicons_111_line_lies_at_28_44_degrees_with_copper_k_alpha() -> None:
    """NIST SRM 640: a = 5.4311 angstrom, 28.443 degrees at 1.5406 angstrom."""
    q = 2 * np.pi * np.sqrt(3) / 5.4311
    assert two_theta_of(np.array([q]), 1.5406)[0] == pytest.approx(28.443, abs=0.002)


def test_angles_and_scattering_vectors_are_each_other() -> None:
    angles = np.linspace(1, 150, 50)
    np.testing.assert_allclose(two_theta_of(q_of(angles, 1.5406), 1.5406), angles)


def test_a_vector_beyond_the_wavelengths_reach_has_no_angle_unless_one_is_given() -> None:
    longer = np.array([1.0, 9.0])  # 4 pi / 1.5406 is 8.157
    assert np.isnan(two_theta_of(longer, 1.5406)).tolist() == [False, True]
    assert two_theta_of(longer, 1.5406, beyond=180.0)[1] == 180.0
