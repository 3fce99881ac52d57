"""Simulate powder patterns of a micro-beam: few grains, strained cells, diamond anvils, fluid, counting noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbragg.bragg import q_of
from fedbragg.simulation.powder.conditions import PowderConditions
from fedbragg.simulation.powder.peaks import (
    log_uniform,
    phase_peaks,
    profile,
    spikes,
    unlisted_phase_peaks,
)
from fedbragg.simulation.powder.phase import Phase
from fedbragg.types import Pattern

SEEN = (0.03, 5.0)
"""A person sees a line above this share of the plot's height and these standard deviations of the noise."""
TRACE = (0.01, 3.0)
"""A line is a trace below this share, or below these standard deviations."""


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedPattern:
    """A pattern, the phases that a person sees in it, and whether its spots were masked."""

    pattern: Pattern
    seen: NDArray[np.int8]  # (phases,), 1: a person sees it; 0: absent or a trace; -1: between the two
    masked: bool


def draw_present(
    phases: int, conditions: PowderConditions, generator: np.random.Generator
) -> NDArray[np.bool_]:
    """Draw the phases present in a pattern (phases,), each independently."""
    return generator.uniform(size=phases) < conditions.presence


def simulate_pattern(
    phases: Sequence[Phase],
    present: NDArray[np.bool_],
    conditions: PowderConditions,
    generator: np.random.Generator,
    masked: bool | None = None,
) -> SimulatedPattern:
    """Simulate one pattern of the phases marked in ``present`` (phases,), with random spikes and unlisted phases.

    ``masked`` says whether spots were masked before integration; None draws it.
    """
    spots_masked = bool(generator.uniform() < conditions.masked) if masked is None else masked
    axis = _axis(conditions, generator)
    background = _background(q_of(axis, conditions.wavelength), generator)
    expected = background * log_uniform(generator, conditions.counts) / background.mean()
    noise = np.sqrt(expected)
    width = generator.uniform(*conditions.instrument_width)
    lines = [
        profile(axis, phase_peaks(phase, conditions, width, generator)) if shown else np.zeros(len(axis))
        for phase, shown in zip(phases, present, strict=True)
    ]
    clean = expected + noise * (
        np.sum(lines, axis=0) + _unlisted_peaks(axis, conditions, spots_masked, width, generator)
    )
    noisy = generator.poisson(clean) + expected * _ripple(len(axis), conditions, generator)
    zero = generator.normal(0.0, conditions.zero_spread)
    unit = log_uniform(generator, (1e-3, 1e3))  # the scale depends on the integration software
    pattern = Pattern(q_of(axis - zero, conditions.wavelength), noisy * unit, "simulated")
    return SimulatedPattern(pattern, visible_phases(np.array(lines), noise, clean), spots_masked)


def visible_phases(
    lines: NDArray[np.float64], noise: NDArray[np.float64], clean: NDArray[np.float64]
) -> NDArray[np.int8]:
    """Return which phases a person sees (phases,): 1 visible, 0 absent or a trace, -1 between the two.

    ``lines`` (phases, points) is in standard deviations ``noise`` (points,); ``clean`` (points,) is the whole pattern.
    The second highest line decides, because a single line does not identify a phase; the limits are ``SEEN`` and
    ``TRACE``.
    """
    height = np.quantile(clean, 0.99) - clean.min()
    labels = []
    for line in lines:
        inner = line[1:-1]
        maxima = np.flatnonzero((inner > line[:-2]) & (inner >= line[2:]) & (inner > 0)) + 1
        second = sorted(maxima, key=lambda point: line[point])[-2] if len(maxima) > 1 else 0
        share, significance = line[second] * noise[second] / height, line[second]
        clear = share > SEEN[0] and significance > SEEN[1]
        labels.append(1 if clear else 0 if share < TRACE[0] or significance < TRACE[1] else -1)
    return np.array(labels, dtype=np.int8)


def _axis(conditions: PowderConditions, generator: np.random.Generator) -> NDArray[np.float64]:
    low, high = conditions.two_theta
    if generator.uniform() < conditions.cut:
        missing = generator.uniform(0.0, (high - low) / 4)
        low, high = (low + missing, high) if generator.uniform() < 0.5 else (low, high - missing)
    return np.arange(low, high, generator.uniform(*conditions.step))


def _unlisted_peaks(
    axis: NDArray[np.float64],
    conditions: PowderConditions,
    masked: bool,
    width: float,
    generator: np.random.Generator,
) -> NDArray[np.float64]:
    """Return the spikes and the lines of unlisted phases (points,), in standard deviations of the noise."""
    total = profile(axis, spikes(conditions, masked, width, generator))
    if generator.uniform() < conditions.unlisted:
        for _ in range(generator.integers(1, 3)):
            total += profile(axis, unlisted_phase_peaks(conditions, width, generator))
    return total


def _background(q: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.float64]:
    """Draw the smooth background (points,): air and windows, broad maxima of fluid and glass, the step of a mask."""
    smooth = np.full(len(q), log_uniform(generator, (0.05, 1.0)))
    smooth += log_uniform(generator, (0.02, 3.0)) * np.exp(-(q - q[0]) / generator.uniform(0.3, 2.5))
    smooth += generator.uniform(-0.3, 0.6) * smooth.mean() * (q - q[0]) / (q[-1] - q[0])
    for _ in range(generator.integers(1, 4)):
        centre, width = generator.uniform(1.2, 3.2), generator.uniform(0.25, 0.9)
        smooth += log_uniform(generator, (0.05, 2.0)) * np.exp(-(((q - centre) / width) ** 2))
    edge = generator.uniform(q[0], q[-1])
    smooth *= 1 + generator.uniform(-0.05, 0.05) * (q > edge) * (generator.uniform() < 0.3)
    return np.asarray(np.maximum(smooth, 0.02 * smooth.max()))


def _ripple(points: int, conditions: PowderConditions, generator: np.random.Generator) -> NDArray[np.float64]:
    """Draw correlated noise (points,), relative to the background."""
    kernel = np.hanning(generator.integers(3, 24))
    drawn = np.convolve(generator.normal(size=points), kernel / np.linalg.norm(kernel), mode="same")
    return drawn * generator.uniform(*conditions.ripple)
