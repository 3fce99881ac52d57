"""How intensity depends on the azimuth: symmetry, alignment, and the grains of a powder.

A factor is (AZIMUTH_STEPS + 1,) of mean 1 over one turn; the last entry repeats the first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fedbragg.simulation.background.radial import AZIMUTH_STEPS

Factor = NDArray[np.float32]
ANGLES = np.linspace(-np.pi, np.pi, AZIMUTH_STEPS + 1)
"""Radian from the column axis towards larger rows."""


def symmetric(fold: int, sharpness: float, direction: float) -> Factor:
    """Return ``fold`` equal lobes; ``sharpness`` in [0, 1) makes them narrow (Yager's ring function).

    (1 - eta^2) / ((1 + eta)^2 - 4 eta cos^2(s (chi - chi_0) / 2)) for s lobes.
    """
    cosine = np.cos(fold * (ANGLES - direction) / 2) ** 2
    return _normalised((1 - sharpness**2) / ((1 + sharpness) ** 2 - 4 * sharpness * cosine))


def grainy(grains: float, width: float, spread: float, generator: np.random.Generator) -> Factor:
    """Draw a ring of separate grains: on average ``grains`` of them around the turn, each ``width`` radian wide.

    Grain volumes are log-normal with ``spread``; many small grains make a smooth ring.
    """
    number = int(generator.poisson(grains))
    at = generator.integers(0, AZIMUTH_STEPS, number)
    strikes = np.bincount(at, generator.lognormal(0, spread, number), AZIMUTH_STEPS)
    turns = np.fft.rfftfreq(AZIMUTH_STEPS, 1 / AZIMUTH_STEPS)
    smooth = np.fft.irfft(np.fft.rfft(strikes) * np.exp(-0.5 * (turns * width) ** 2), AZIMUTH_STEPS)
    return _normalised(np.append(smooth, smooth[0]) + 1e-9)


def elliptic(ratio: float, direction: float) -> Factor:
    """Return the stretch of the radius of ellipses: sqrt(sin^2 + ratio^2 cos^2) of the angle to ``direction``."""
    away = ANGLES - direction
    return np.sqrt(np.sin(away) ** 2 + (ratio * np.cos(away)) ** 2).astype(np.float32)


def variation(factor: Factor) -> tuple[float, float]:
    """Return the coefficients of variation of a factor's smooth part (up to 12-fold) and of its fine part."""
    spectrum = np.abs(np.fft.rfft(factor[:-1])) / AZIMUTH_STEPS
    power = 2 * spectrum[1:] ** 2
    return float(np.sqrt(power[:12].sum())), float(np.sqrt(power[12:].sum()))


def _normalised(factor: NDArray[np.float64]) -> Factor:
    factor = np.maximum(factor, 0)
    return np.asarray(factor / factor[:-1].mean(), dtype=np.float32)
