"""Decide by a phase's lines alone whether a pattern shows it: the rule of docs/decisions/0119."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fedbragg.simulation.powder.pattern import SEEN, TRACE
from fedbragg.simulation.powder.peaks import DIAMOND
from fedbragg.tasks.phases.model_card import PhaseLines
from fedbragg.tasks.phases.prepare import PatternSettings

APART = 0.02
"""Distance in q, 1/angstrom, at which a line is distinguished from another phase's."""
WEAKEST = 0.05
"""Smallest height of a line that counts, as a share of the phase's strongest."""
MOST = 5
"""Own lines that count for a phase."""
NEAR = 0.012
"""Largest distance in q, 1/angstrom, between a maximum and the line's place."""
STRAINS = np.linspace(-0.004, 0.004, 9)
SHOWN, ABSENT, OPEN = 1.0, 0.0, -1.0


@dataclass(frozen=True)
class Signal:
    """A pattern over its local background, on the grid's covered part."""

    q: np.ndarray  # (points,), 1/angstrom
    significance: np.ndarray  # (points,), standard deviations of the noise
    share: np.ndarray  # (points,), of the plot's height


@dataclass(frozen=True)
class Finding:
    """The verdict of one phase's own lines on one pattern."""

    label: float  # SHOWN, ABSENT or OPEN
    strain: float  # relative growth of the cell
    q: np.ndarray  # (lines,), where the lines are expected, the strongest first
    significance: np.ndarray  # (lines,), 0 without a maximum
    share: np.ndarray  # (lines,)


def own_lines(phases: Sequence[PhaseLines], place: int) -> tuple[np.ndarray, np.ndarray]:
    """Return q and ideal height (lines,) of the strongest lines that no other phase and no diamond comes near."""
    others = [phase.q[phase.strength >= WEAKEST] for k, phase in enumerate(phases) if k != place]
    others.append(2 * np.pi / np.array(DIAMOND))
    phase = phases[place]
    distance = np.abs(np.concatenate(others) - phase.q[:, None]).min(axis=1)
    own = np.flatnonzero((distance > APART) & (phase.strength >= WEAKEST))
    chosen = own[np.argsort(-phase.strength[own])][:MOST]
    return phase.q[chosen], phase.strength[chosen]


def signal_of(view: np.ndarray, settings: PatternSettings) -> Signal:
    """Return a prepared pattern (3, points) in units of its noise and of its plot, where it was measured."""
    covered = view[2] > 0
    significance, share = np.sinh(4 * view[0, covered].astype(float)), view[1, covered].astype(float) ** 2
    return Signal(settings.grid[covered], significance, share)


def findings(signal: Signal, phases: Sequence[PhaseLines]) -> list[Finding]:
    """Return for each phase the verdict of its own lines."""
    return [_finding(signal, *own_lines(phases, place)) for place in range(len(phases))]


def _finding(signal: Signal, q: np.ndarray, ideal: np.ndarray) -> Finding:
    tried = [_heights(signal, q / (1 + strain)) for strain in STRAINS]
    worth = [(int(_above(*heights, SEEN).sum()), float(heights[0].sum())) for heights in tried]
    equal = [
        place for place, one in enumerate(worth) if one == max(worth)
    ]  # the same maxima, at several strains
    best = equal[len(equal) // 2]
    significance, share = tried[best]
    covered = (q > signal.q[0]) & (q < signal.q[-1])
    label = decide(significance[covered], share[covered], ideal[covered])
    return Finding(label, float(STRAINS[best]), q / (1 + STRAINS[best]), significance, share)


def _heights(signal: Signal, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return significance and share (lines,) of the highest local maximum near each line; 0 without one."""
    height = signal.significance
    peak = np.zeros(len(height), bool)
    peak[1:-1] = (height[1:-1] > height[:-2]) & (height[1:-1] >= height[2:]) & (height[1:-1] > 0)
    near = (np.abs(signal.q - q[:, None]) <= NEAR) & peak
    place = np.argmax(np.where(near, height, -np.inf), axis=1)
    found = near.any(axis=1)
    return np.where(found, height[place], 0.0), np.where(found, signal.share[place], 0.0)


def decide(significance: np.ndarray, share: np.ndarray, ideal: np.ndarray) -> float:
    """Return SHOWN, ABSENT or OPEN from the heights of own lines, all (lines,) with the strongest line first."""
    seen, traced = _above(significance, share, SEEN), _above(significance, share, TRACE)
    if not seen.any() and traced.sum() <= 1:
        return ABSENT
    if seen.sum() < 2 or not seen[:2].any():
        return OPEN
    scale = [np.median(height[seen] / ideal[seen]) for height in (share, significance)]
    expected = _above(scale[1] * ideal, scale[0] * ideal, SEEN)
    contradicted = expected.any() and traced[expected].mean() < 0.5
    return OPEN if contradicted else SHOWN


def _above(significance: np.ndarray, share: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    return (share > limits[0]) & (significance > limits[1])
