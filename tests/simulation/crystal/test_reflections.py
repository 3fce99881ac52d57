"""Reflections: absences, symmetry, Wilson statistics and the temperature factor."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fedbragg.errors import ConfigError
from fedbragg.simulation import Sample
from fedbragg.simulation.crystal.reflections import reflections


@pytest.mark.parametrize(
    ("group", "cell", "absent", "present"),
    [
        ("F m -3 m", (5.64, 5.64, 5.64, 90, 90, 90), (1, 0, 0), (1, 1, 1)),
        ("P 21 21 21", (42, 52, 88, 90, 90, 90), (3, 0, 0), (4, 0, 0)),
        ("P 41 21 2", (58, 58, 150, 90, 90, 90), (0, 0, 6), (0, 0, 8)),
        ("P 61 2 2", (93, 93, 130, 90, 90, 120), (0, 0, 9), (0, 0, 12)),
        ("C 1 2 1", (100, 50, 60, 90, 100, 90), (2, 1, 3), (3, 1, 3)),
    ],
)
def test_systematic_absences_are_those_of_the_space_group(
    group: str, cell: tuple[float, ...], absent: tuple[int, int, int], present: tuple[int, int, int]
) -> None:
    """International Tables A, reflection conditions."""
    crystal = reflections(Sample(cell, group, resolution=1.3 if cell[0] < 10 else 6.0))  # type: ignore[arg-type]
    listed = set(map(tuple, crystal.indices.tolist()))
    assert present in listed
    assert absent not in listed


def test_every_reflection_is_listed_once_and_its_friedel_mate_is_as_strong() -> None:
    crystal = reflections(Sample((93, 93, 130, 90, 90, 120), "P 61 2 2", resolution=8.0))
    strength = dict(zip(map(tuple, crystal.indices.tolist()), crystal.intensity.tolist(), strict=True))
    assert len(strength) == len(crystal.indices)
    assert all(strength[h, k, m] == strength[-h, -k, -m] for h, k, m in strength)
    volume = 93 * 93 * 130 * math.sin(math.radians(120))
    assert len(strength) == pytest.approx(
        4 / 3 * math.pi * volume / 8.0**3, rel=0.05
    )  # one a reciprocal cell


def test_wilson_statistics_hold() -> None:
    """<I^2>/<I>^2 is 2 for acentric reflections, 3 for centric ones (Wilson 1949)."""
    crystal = reflections(Sample((60, 70, 80, 90, 90, 90), "P 1 2 1", resolution=3.0, b_factor=0.0))
    vectors = crystal.reciprocal @ crystal.indices.T
    inverse_d = np.linalg.norm(vectors, axis=0)
    shell = (inverse_d > 0.3) & (inverse_d < 0.33) & (crystal.indices[:, 1] != 0)  # h0l is centric in P2
    acentric = crystal.intensity[shell].astype(float)
    assert np.mean(acentric**2) / np.mean(acentric) ** 2 == pytest.approx(2.0, abs=0.25)


def test_the_b_factor_is_the_debye_waller_factor() -> None:
    """exp(-B / 2 d^2) on intensities: B = 40 A^2 at 3 A leaves 10.8 %."""
    still, warm = (
        reflections(Sample((60, 70, 80, 90, 90, 90), "P 1", resolution=3.0, b_factor=b)) for b in (0.0, 40.0)
    )
    inverse_d = np.linalg.norm(still.reciprocal @ still.indices.T, axis=0)
    edge = int(np.argmax(inverse_d))
    assert warm.intensity[edge] / still.intensity[edge] == pytest.approx(
        math.exp(-20 * inverse_d[edge] ** 2), rel=1e-4
    )
    assert math.exp(-20 / 9) == pytest.approx(0.108, abs=0.001)


def test_a_sample_takes_its_intensities_from_a_coordinate_file(salt_cif: Path) -> None:
    sample = Sample((5.6402, 5.6402, 5.6402, 90, 90, 90), "F m -3 m", resolution=1.0, structure=str(salt_cif))
    crystal = reflections(sample)
    strength = dict(zip(map(tuple, crystal.indices.tolist()), crystal.intensity.tolist(), strict=True))
    assert strength[0, 0, 2] == strength[0, -2, 0] > 10 * strength[-1, 1, 1]


def test_an_unknown_space_group_is_refused() -> None:
    sample = Sample((10, 10, 10, 90, 90, 90), "P 1")
    with pytest.raises(ConfigError, match="'Q 7' is unknown"):
        reflections(replace(sample, space_group="Q 7"))
