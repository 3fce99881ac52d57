"""Intensity by azimuth: symmetry, alignment, and the grains of a powder.

A factor is (n AZIMUTH_STEPS + 1,) of mean 1 over one turn, n a whole number; the last entry repeats the first.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from fedbragg.simulation.background.radial import AZIMUTH_STEPS

Factor = NDArray[np.float32]
ANGLES = np.linspace(-np.pi, np.pi, AZIMUTH_STEPS + 1)
"""Radian from the column axis towards larger rows."""
FINEST = 16
"""Most steps of a grainy ring for each of AZIMUTH_STEPS."""


def symmetric(fold: int, sharpness: float, direction: float) -> Factor:
    """Return ``fold`` equal lobes; ``sharpness`` in [0, 1) makes them narrow (Yager's ring function).

    (1 - eta^2) / ((1 + eta)^2 - 4 eta cos^2(s (chi - chi_0) / 2)) for s lobes.
    """
    cosine = np.cos(fold * (ANGLES - direction) / 2) ** 2
    return _normalised((1 - sharpness**2) / ((1 + sharpness) ** 2 - 4 * sharpness * cosine))


def grainy(
    grains: float, width: float, spread: float, generator: np.random.Generator, finer: int = 1
) -> Factor:
    """Draw a ring of separate grains: on average ``grains`` of them around the turn, each ``width`` radian wide.

    Grain volumes are log-normal with ``spread``; many small grains make a smooth ring. The factor has ``finer`` steps
    for each of AZIMUTH_STEPS.
    """
    number, steps = int(generator.poisson(grains)), finer * AZIMUTH_STEPS
    at = generator.integers(0, steps, number)
    strikes = np.bincount(at, generator.lognormal(0, spread, number), steps)
    turns = np.fft.rfftfreq(steps, 1 / steps)
    smooth = np.fft.irfft(np.fft.rfft(strikes) * np.exp(-0.5 * (turns * width) ** 2), steps)
    return _normalised(np.append(smooth, smooth[0]) + 1e-9)


def finer_steps(radius: float) -> int:
    """Return the number of finer steps for each of AZIMUTH_STEPS, so that none at a radius is longer than a pixel."""
    return min(max(math.ceil(2 * math.pi * radius / AZIMUTH_STEPS), 1), FINEST)


def repeated(factor: Factor, finer: int) -> Factor:
    """Return a factor of AZIMUTH_STEPS or finer with ``finer`` steps for each of AZIMUTH_STEPS."""
    times = finer * AZIMUTH_STEPS // (len(factor) - 1)
    return np.append(np.repeat(factor[:-1], times), factor[-1:])


def elliptic(ratio: float, direction: float) -> Factor:
    """Return the stretch of the radius of ellipses: sqrt(sin^2 + ratio^2 cos^2) of the angle to ``direction``."""
    away = ANGLES - direction
    return np.sqrt(np.sin(away) ** 2 + (ratio * np.cos(away)) ** 2).astype(np.float32)


def variation(factor: Factor) -> tuple[float, float]:
    """Return the coefficients of variation of a factor's smooth part (up to 12-fold) and of its fine part."""
    spectrum = np.abs(np.fft.rfft(factor[:-1])) / (len(factor) - 1)
    power = 2 * spectrum[1:] ** 2
    return float(np.sqrt(power[:12].sum())), float(np.sqrt(power[12:].sum()))


def _normalised(factor: NDArray[np.float64]) -> Factor:
    factor = np.maximum(factor, 0)
    return np.asarray(factor / factor[:-1].mean(), dtype=np.float32)
