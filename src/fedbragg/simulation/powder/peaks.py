"""Draw the Bragg lines of one random sample: position, width and height."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbragg.bragg import two_theta_of
from fedbragg.simulation.powder.conditions import PowderConditions, Range
from fedbragg.simulation.powder.phase import Phase

SCHERRER = 0.9
"""Shape factor of the Scherrer equation."""
DIAMOND = (2.0594, 1.2611, 1.0755)
"""Lattice spacings of diamond's 111, 220 and 311, angstrom."""


@dataclass(frozen=True, slots=True, eq=False)
class PowderPeaks:
    """Peaks on the two-theta axis."""

    position: NDArray[np.float64]  # (peaks,), degrees
    width: NDArray[np.float64]  # (peaks,), degrees, FWHM
    height: NDArray[np.float64]  # (peaks,), in standard deviations of one point's noise
    mixing: float = 0.5  # share of the Lorentzian in the profile


def log_uniform(generator: np.random.Generator, limits: Range) -> float:
    """Draw a number whose logarithm is uniform."""
    return float(np.exp(generator.uniform(*np.log(limits))))


def phase_peaks(
    phase: Phase, conditions: PowderConditions, instrument_width: float, generator: np.random.Generator
) -> PowderPeaks:
    """Draw the peaks of one sample of a phase."""
    strain = generator.normal(0.0, conditions.cell_spread, 3)[list(phase.tied)]
    q = phase.q(strain)
    grains = log_uniform(generator, conditions.grains)
    position = two_theta_of(q, conditions.wavelength)
    position += generator.normal(0.0, conditions.grain_shift / np.sqrt(1 + grains), len(q))
    inside = (position > conditions.two_theta[0]) & (position < conditions.two_theta[1])
    width = _widths(position, instrument_width, conditions, generator)
    perfect = phase.intensity * _orientation(phase, log_uniform(generator, conditions.orientation))
    strongest = log_uniform(generator, conditions.strength)
    mixing = float(generator.uniform())
    area = perfect * _grain_factor(phase.multiplicity * grains / 12, generator)
    height = np.where(inside, area, 0.0) / width  # a wider line of the same area is lower
    height *= strongest / max(height.max(initial=0.0), 1e-12)
    return PowderPeaks(position[inside], width[inside], height[inside], mixing)


def _widths(
    position: NDArray[np.float64],
    instrument_width: float,
    conditions: PowderConditions,
    generator: np.random.Generator,
) -> NDArray[np.float64]:
    """Return widths in degrees: the instrument's, broadened by crystallite size (Scherrer) and microstrain."""
    theta = np.radians(np.nan_to_num(position, nan=90.0) / 2)
    size = SCHERRER * conditions.wavelength / (log_uniform(generator, conditions.size) * np.cos(theta))
    strain = 2 * generator.uniform(*conditions.microstrain) * np.tan(theta)  # FWHM of d
    return np.asarray(np.hypot(instrument_width, np.degrees(size + strain)))


def _orientation(phase: Phase, r: float) -> NDArray[np.float64]:
    """Return March and Dollase's factor (lines,) for an orientation about c*, the mean over each line's family.

    Dollase 1986 (J. Appl. Cryst. 19, 267), equation 1, and its sum over equivalent reflections.
    """
    cosine2 = phase.tilt()
    return np.asarray(((r**2 * cosine2 + (1 - cosine2) / r) ** -1.5).mean(axis=1))


def _grain_factor(shape: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.float64]:
    """Draw the ratio of each line's intensity to its mean, gamma-distributed because few grains reflect."""
    return generator.gamma(shape) / shape


def spikes(
    conditions: PowderConditions, masked: bool, instrument_width: float, generator: np.random.Generator
) -> PowderPeaks:
    """Draw the single-crystal reflections of diamond anvils and stray grains."""
    anvil = two_theta_of(2 * np.pi / np.array(DIAMOND), conditions.wavelength)
    anvil = anvil[(generator.uniform(size=len(anvil)) < conditions.diamond) & np.isfinite(anvil)]
    anvil = anvil + np.clip(generator.normal(0.0, 0.05, len(anvil)), -0.15, 0.15)
    strays = generator.uniform(*conditions.two_theta, generator.integers(0, conditions.strays + 1))
    position = np.concatenate([anvil, strays])
    limits = np.log(conditions.spike_strength)
    height = np.exp(generator.uniform(limits[0], limits[1], len(position)))
    if masked:
        height *= 0.1 * (generator.uniform(size=len(position)) < conditions.mask_leaves)
    width = instrument_width * generator.uniform(0.4, 1.6, len(position))
    return PowderPeaks(position, width, height, float(generator.uniform(0.0, 0.6)))


def unlisted_phase_peaks(
    conditions: PowderConditions, instrument_width: float, generator: np.random.Generator
) -> PowderPeaks:
    """Draw the peaks of an unlisted phase: a random cell with random structure factors."""
    lengths = generator.uniform(2.5, 10.0, 3)[list(((0, 0, 0), (0, 0, 1), (0, 1, 2))[generator.integers(3)])]
    indices = np.stack(np.meshgrid(*[np.arange(7)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)[1:]
    if generator.uniform() < 0.5:  # body-centred
        indices = indices[indices.sum(axis=1) % 2 == 0]
    q = np.unique(np.round(2 * np.pi * np.linalg.norm(indices / lengths, axis=1), 4))
    position = two_theta_of(q, conditions.wavelength)
    inside = (position > conditions.two_theta[0]) & (position < conditions.two_theta[1])
    position = position[inside][:40]
    grains = log_uniform(generator, conditions.grains)
    height = generator.exponential(size=len(position)) * _grain_factor(
        np.full(len(position), grains), generator
    )
    height *= log_uniform(generator, conditions.strength) / max(height.max(initial=0.0), 1e-12)
    width = _widths(position, instrument_width, conditions, generator)
    return PowderPeaks(position, width, height, float(generator.uniform()))


def profile(axis: NDArray[np.float64], peaks: PowderPeaks) -> NDArray[np.float64]:
    """Sum pseudo-Voigt profiles on a two-theta axis (points,)."""
    total = np.zeros(len(axis))
    for position, width, height in zip(peaks.position, peaks.width, peaks.height, strict=True):
        if height <= 0:
            continue
        first, last = np.searchsorted(axis, (position - 20 * width, position + 20 * width))
        distance2 = ((axis[first:last] - position) / width) ** 2
        lorentz = 1 / (1 + 4 * distance2)
        gauss = np.exp(-4 * np.log(2) * distance2)
        total[first:last] += height * (peaks.mixing * lorentz + (1 - peaks.mixing) * gauss)
    return total
