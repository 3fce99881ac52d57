"""Peaks: positions, widths and heights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fedbragg.bragg import q_of, two_theta_of
from fedbragg.simulation.powder import PowderConditions, read_phase, shipped_phases
from fedbragg.simulation.powder.peaks import (
    PowderPeaks,
    _grain_factor,
    _orientation,
    profile,
    spikes,
    unlisted_phase_peaks,
)


def test_few_grains_change_single_lines_but_not_their_mean() -> None:
    """Over many samples a line's mean is the ideal powder's; its variance is one over the gamma shape."""
    generator = np.random.default_rng(0)
    drawn = np.array([_grain_factor(np.array([0.2, 5.0]), generator) for _ in range(20_000)])
    assert drawn.mean(axis=0) == pytest.approx([1.0, 1.0], abs=0.06)
    assert drawn.var(axis=0) == pytest.approx([5.0, 0.2], rel=0.15)


@pytest.mark.parametrize(
    ("spacing", "factor"),
    [
        (2.820, (0.5**-3 + 2 * 0.5**1.5) / 3),  # 200: one face in three along the axis, two across it
        (3.256, (0.5**2 / 3 + 2 / 3 / 0.5) ** -1.5),  # 111: every normal at 54.7 degrees
        (1.994, (2 * (0.5**2 / 2 + 1 / 2 / 0.5) ** -1.5 + 0.5**1.5) / 3),  # 220: 45, 45 and 90 degrees
    ],
)
def test_preferred_orientation_of_a_cubic_phase_is_the_mean_over_equivalent_planes(
    salt_cif: Path, spacing: float, factor: float
) -> None:
    """By hand from March and Dollase's formula for r = 0.5: 2.902, 0.593 and 0.677."""
    salt = read_phase(salt_cif)
    place = np.argmin(np.abs(2 * np.pi / salt.q() - spacing))
    assert _orientation(salt, 0.5)[place] == pytest.approx(factor)


def test_preferred_orientation_of_a_hexagonal_phase_is_that_of_one_plane() -> None:
    """All equivalents of rhenium 002 are along c*, all of 100 across it: r^-3 and r^1.5."""
    rhenium = shipped_phases(("rhenium",))[0]
    d, factor = 2 * np.pi / rhenium.q(), _orientation(rhenium, 0.5)
    assert factor[np.argmin(np.abs(d - 4.458 / 2))] == pytest.approx(8.0)
    assert factor[np.argmin(np.abs(d - 2.761 * 3**0.5 / 2))] == pytest.approx(0.5**1.5)


def test_masked_patterns_keep_fewer_and_weaker_spikes() -> None:
    conditions = PowderConditions()
    height = {
        masked: np.concatenate(
            [spikes(conditions, masked, 0.05, np.random.default_rng(s)).height for s in range(200)]
        )
        for masked in (False, True)
    }
    assert (height[True] > 0).mean() == pytest.approx(conditions.mask_leaves, abs=0.05)
    assert height[True].max() < 0.11 * conditions.spike_strength[1]
    assert (height[False] > 0).all()


def test_diamond_111_lies_at_braggs_angle() -> None:
    """2.059 angstrom at 0.5608: 15.65 degrees, on bastnaesite 114."""
    anvils = replace(PowderConditions(), diamond=1.0, strays=0)
    places = [spikes(anvils, False, 0.05, np.random.default_rng(s)).position[0] for s in range(100)]
    assert np.mean(places) == pytest.approx(15.65, abs=0.02)


def test_a_profile_has_the_given_height_and_width() -> None:
    axis = np.arange(9, 11, 0.001)
    for mixing in (0.0, 0.5, 1.0):
        curve = profile(axis, PowderPeaks(np.array([10.0]), np.array([0.2]), np.array([7.0]), mixing))
        assert curve.max() == pytest.approx(7.0)
        assert np.sum(curve >= 3.5) * 0.001 == pytest.approx(0.2, abs=0.003)


def test_unlisted_phases_stay_in_range_and_differ() -> None:
    conditions = PowderConditions()
    one, other = (unlisted_phase_peaks(conditions, 0.05, np.random.default_rng(s)) for s in (1, 2))
    for peaks in (one, other):
        assert peaks.position.min() > conditions.two_theta[0]
        assert peaks.position.max() < conditions.two_theta[1]
    assert one.position[0] != other.position[0]


def test_two_theta_and_q_convert_into_each_other() -> None:
    angles = np.linspace(1, 150, 50)
    np.testing.assert_allclose(two_theta_of(q_of(angles, 1.5406), 1.5406), angles)
    assert np.isnan(two_theta_of(np.array([9.0]), 1.5406)[0])  # beyond 4 pi / wavelength
