"""Simulated patterns: repeatable, with lines at the right angles, labelled by what a person sees."""

from __future__ import annotations

import numpy as np
import pytest

from fedbragg.bragg import two_theta_of
from fedbragg.simulation.powder import PowderConditions, shipped_phases, simulate_pattern
from fedbragg.simulation.powder.pattern import visible_phases
from fedbragg.simulation.powder.peaks import PowderPeaks, profile

QUIET = PowderConditions(
    unlisted=0.0,
    strays=0,
    diamond=0.0,
    cut=0.0,
    ripple=(0.0, 0.0),
    cell_spread=0.0,
    zero_spread=0.0,
    grain_shift=0.0,
    grains=(1e5, 1e6),
    orientation=(0.999, 1.001),
    counts=(1e4, 1.1e4),
    strength=(500.0, 501.0),
)
CALCITE = shipped_phases(("calcite",))


def test_the_same_seed_gives_the_same_pattern() -> None:
    made = [
        simulate_pattern(CALCITE, np.array([True]), PowderConditions(), np.random.default_rng(3)).pattern
        for _ in range(2)
    ]
    np.testing.assert_array_equal(made[0].intensity, made[1].intensity)
    np.testing.assert_array_equal(made[0].q, made[1].q)


def test_the_highest_peak_of_a_pattern_without_noise_is_calcite_104() -> None:
    made = simulate_pattern(CALCITE, np.array([True]), QUIET, np.random.default_rng(1))
    top = made.pattern.q[np.argmax(made.pattern.intensity)]
    assert two_theta_of(np.array([top]), 0.5608)[0] == pytest.approx(10.60, abs=0.03)
    assert made.seen.tolist() == [1]


def test_a_phase_is_seen_by_its_second_line() -> None:
    """The second line at 6 % of the plot's height is seen, at 0.5 % a trace, at 2 % unknown; one line is not enough."""
    axis = np.arange(5, 25, 0.01)
    noise, flat = np.full(len(axis), 4.0), np.full(len(axis), 100.0)
    ruler = 1000.0 * (axis - 5) / 20  # a background that makes the plot 990 high

    def label(*heights: float) -> int:
        places = np.linspace(8, 20, len(heights))
        line = profile(axis, PowderPeaks(places, np.full(len(heights), 0.1), np.array(heights) / 4.0))
        return int(visible_phases(line[None], noise, flat + ruler + noise * line)[0])

    assert label(900.0) == 0
    assert label(900.0, 60.0) == 1
    assert label(900.0, 5.0) == 0
    assert label(900.0, 20.0) == -1


def test_an_absent_phase_is_never_seen() -> None:
    for seed in range(20):
        made = simulate_pattern(CALCITE, np.array([False]), PowderConditions(), np.random.default_rng(seed))
        assert made.seen.tolist() == [0]
