"""Simulated patterns: repeatable, with lines where phases put them, labelled by what can be seen."""

from dataclasses import replace

import numpy as np
import pytest

from fedbragg.bragg import two_theta_of
from fedbragg.simulation.powder import PowderConditions, shipped_phases, simulate_pattern
from fedbragg.simulation.powder.pattern import visible_phases
from fedbragg.simulation.powder.peaks import PowderPeaks, profile, spikes, unlisted_phase_peaks

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


def test_a_quiet_pattern_peaks_at_calcite_104() -> None:
    made = simulate_pattern(CALCITE, np.array([True]), QUIET, np.random.default_rng(1))
    top = made.pattern.q[np.argmax(made.pattern.intensity)]
    assert two_theta_of(np.array([top]), 0.5608)[0] == pytest.approx(10.60, abs=0.03)
    assert made.seen.tolist() == [1]


def test_few_grains_leave_the_mean_and_break_the_order() -> None:
    """Gamma-distributed intensities: over many samples the mean is the powder's, in one it is anything."""
    from fedbragg.simulation.powder.peaks import _grain_factor

    generator = np.random.default_rng(0)
    drawn = np.array([_grain_factor(np.array([0.2, 5.0]), generator) for _ in range(20_000)])
    assert drawn.mean(axis=0) == pytest.approx([1.0, 1.0], abs=0.06)
    assert drawn.var(axis=0) == pytest.approx([5.0, 0.2], rel=0.15)


def test_a_phase_is_seen_by_its_second_line() -> None:
    """One line is anybody's; two of a twentieth of the plot's height are seen, of a two-hundredth a trace."""
    axis = np.arange(5, 25, 0.01)
    noise, flat = np.full(len(axis), 4.0), np.full(len(axis), 100.0)
    ruler = 1000.0 * (axis - 5) / 20  # a background that makes the plot 990 high

    def verdict(*heights: float) -> int:
        places = np.linspace(8, 20, len(heights))
        line = profile(axis, PowderPeaks(places, np.full(len(heights), 0.1), np.array(heights) / 4.0))
        return int(visible_phases(line[None], noise, flat + ruler + noise * line)[0])

    assert verdict(900.0) == 0
    assert verdict(900.0, 60.0) == 1
    assert verdict(900.0, 5.0) == 0
    assert verdict(900.0, 20.0) == -1


def test_nothing_present_is_never_seen() -> None:
    for seed in range(20):
        made = simulate_pattern(CALCITE, np.array([False]), PowderConditions(), np.random.default_rng(seed))
        assert made.seen.tolist() == [0]


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


def test_diamond_111_lies_where_bragg_puts_it() -> None:
    """2.059 angstrom at 0.5608: 15.65 degrees, on bastnaesite 114."""
    anvils = replace(PowderConditions(), diamond=1.0, strays=0)
    places = [spikes(anvils, False, 0.05, np.random.default_rng(s)).position[0] for s in range(100)]
    assert np.mean(places) == pytest.approx(15.65, abs=0.02)


def test_a_profile_has_its_height_and_width() -> None:
    axis = np.arange(9, 11, 0.001)
    for mixing in (0.0, 0.5, 1.0):
        curve = profile(axis, PowderPeaks(np.array([10.0]), np.array([0.2]), np.array([7.0]), mixing))
        assert curve.max() == pytest.approx(7.0)
        assert np.sum(curve >= 3.5) * 0.001 == pytest.approx(0.2, abs=0.003)


def test_strangers_stay_in_range_and_differ() -> None:
    conditions = PowderConditions()
    one, other = (unlisted_phase_peaks(conditions, 0.05, np.random.default_rng(s)) for s in (1, 2))
    for peaks in (one, other):
        assert peaks.position.min() > conditions.two_theta[0]
        assert peaks.position.max() < conditions.two_theta[1]
    assert one.position[0] != other.position[0]
