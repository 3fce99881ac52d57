"""The rule that labels patterns by their lines, on patterns whose lines are known."""

import numpy as np
import pytest

from baselines.phases_by_lines import ABSENT, OPEN, SHOWN, decide, findings, own_lines, signal_of
from fedbragg.simulation.powder import shipped_phases
from fedbragg.simulation.powder.peaks import DIAMOND
from fedbragg.tasks.phases.prepare import PatternSettings, prepare_pattern
from fedbragg.tasks.phases.sources import lines_of
from fedbragg.types import Pattern

SETTINGS = PatternSettings()
LINES = lines_of(shipped_phases(), SETTINGS)
IDEAL = np.array([1.0, 0.8, 0.5, 0.4, 0.3])
SIGMA, SHARE = 10.0, 0.06
"""Twice the limits at which a line is seen."""


@pytest.mark.parametrize(
    ("heights", "label"),
    [
        ((1.0, 0.8, 0.6, 0.6, 0.6), SHOWN),
        ((1.0, 0.8, 0.0, 0.0, 0.0), SHOWN),  # the others need not be seen: half of those expected are
        ((0.0, 0.0, 0.0, 0.0, 0.0), ABSENT),
        ((0.4, 0.0, 0.0, 0.0, 0.0), ABSENT),  # one trace
        ((0.4, 0.4, 0.0, 0.0, 0.0), OPEN),  # two traces
        ((9.0, 0.0, 0.0, 0.0, 0.0), OPEN),  # one strong line
        ((0.0, 0.0, 1.0, 1.0, 1.0), OPEN),  # neither of the two strongest
        ((0.0, 9.0, 9.0, 0.0, 0.0), OPEN),  # contradicted: three lines that should be seen are not
    ],
)
def test_two_lines_show_a_phase_unless_the_others_contradict(
    heights: tuple[float, ...], label: float
) -> None:
    lines = np.array(heights)
    assert decide(SIGMA * lines, SHARE * lines, IDEAL) == label


def test_own_lines_are_far_from_those_of_other_phases_and_of_diamond() -> None:
    """Rhenium's 101 at 15.29 degrees lies on bastnaesite's 300; bastnaesite's 114 on diamond's 111."""
    rhenium, _ = own_lines(LINES, 2)
    assert rhenium == pytest.approx([2.819, 2.628, 3.854], abs=2e-3)  # 002, 100, 102 of a = 2.761, c = 4.458
    assert np.abs(own_lines(LINES, 0)[0] - 2 * np.pi / DIAMOND[0]).min() > 0.1


def pattern(*shown: int, strain: float = 0.0) -> Pattern:
    """An ideal powder of the phases at these places: narrow lines, 20,000 counts the strongest, over 10,000."""
    q = np.arange(0.9, 4.85, 0.0025)
    counts = np.full(len(q), 10_000.0)
    for place in shown:
        for line, strength in zip(LINES[place].q / (1 + strain), LINES[place].strength, strict=True):
            counts += 20_000 * strength * np.exp(-(((q - line) / 0.008) ** 2))
    return Pattern(q, np.random.default_rng(1).poisson(counts).astype(float), "made")


@pytest.mark.parametrize("shown", [(), (0,), (1,), (2,), (0, 2), (0, 1, 2)])
def test_ideal_powders_show_their_phases_and_no_other(shown: tuple[int, ...]) -> None:
    found = findings(signal_of(prepare_pattern(pattern(*shown), SETTINGS), SETTINGS), LINES)
    assert [one.label == SHOWN for one in found] == [place in shown for place in range(3)]


def test_a_strained_cell_is_found_at_its_strain() -> None:
    view = prepare_pattern(pattern(1, strain=0.003), SETTINGS)
    calcite = findings(signal_of(view, SETTINGS), LINES)[1]
    assert calcite.label == SHOWN
    assert calcite.strain == pytest.approx(0.003, abs=1e-3)
