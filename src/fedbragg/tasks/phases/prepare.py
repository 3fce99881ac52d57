"""Prepare a powder pattern for the network: on one grid, without background, in units of its own noise.

The grid is uniform in q, the length of the scattering vector. So a zero shift moves all lines alike, a strain moves
them in proportion to q, and one network serves every wavelength.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import ConfigError, InputError
from fedbragg.types import Pattern

CHANNELS = ("significance", "share", "covered")
"""The rows of a prepared pattern: excess over noise, excess over the plot's range, 1 where measured."""
PEAK_REACH = 0.1
"""Half the width of the widest peak at its foot, 1/angstrom; slower variations are background."""
LEAST_COVERED = 0.6
"""Smallest share of the grid that a pattern must cover."""


@dataclass(frozen=True, slots=True)
class PatternSettings:
    """The grid of all prepared patterns."""

    q_low: float = 0.92  # 1/angstrom
    q_high: float = 4.80  # 1/angstrom
    points: int = 1536

    def __post_init__(self) -> None:
        if not (0 < self.q_low < self.q_high and self.points >= 256):
            raise ConfigError(
                f"pattern grid {self.q_low} to {self.q_high} with {self.points} points: give 0 < low < high, "
                "256 points or more."
            )

    @property
    def step(self) -> float:
        """Return the distance between points, 1/angstrom."""
        return (self.q_high - self.q_low) / (self.points - 1)

    @property
    def grid(self) -> NDArray[np.float64]:
        """Return the grid's q, (points,)."""
        return np.asarray(np.linspace(self.q_low, self.q_high, self.points))

    def as_metadata(self) -> dict[str, Any]:
        """Return the settings as the model file stores them."""
        return asdict(self)

    @staticmethod
    def from_metadata(values: Mapping[str, Any]) -> PatternSettings:
        """Read the settings back."""
        return PatternSettings(**values)


def prepare_pattern(pattern: Pattern, settings: PatternSettings) -> NDArray[np.float32]:
    """Return the network's input (3, points); raise InputError if the pattern covers too little of the grid."""
    grid = settings.grid
    covered = (grid >= pattern.q[0]) & (grid <= pattern.q[-1])
    if covered.mean() < LEAST_COVERED:
        raise InputError(
            f"{pattern.path}: covers q = {pattern.q[0]:.2f} to {pattern.q[-1]:.2f} 1/angstrom, {covered.mean():.0%} of "
            f"the model's range ({settings.q_low:.2f} to {settings.q_high:.2f}). Give --wavelength if it differs from "
            "the model's, or train a model for this range."
        )
    first, last = np.flatnonzero(covered)[[0, -1]]
    part = slice(first, last + 1)
    intensity = _rebin(pattern, grid[part], settings.step)
    excess, noise = excess_and_noise(intensity, settings.step)
    view = np.zeros((len(CHANNELS), settings.points), dtype=np.float32)
    view[0, part] = np.clip(np.arcsinh(excess / noise) / 4, -1.0, 3.0)
    plotted = max(plotted_range(intensity), 5 * float(noise.max()))
    view[1, part] = np.minimum(np.sqrt(np.maximum(excess, 0.0) / plotted), 2.0)
    view[2, part] = 1.0
    return view


def plotted_range(intensity: NDArray[np.float64]) -> float:
    """Return the height of a plot that may cut off narrow spikes: the 0.99 quantile minus the minimum."""
    return float(np.quantile(intensity, 0.99) - intensity.min())


def excess_and_noise(
    intensity: NDArray[np.float64], step: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the excess over the smooth background, and the noise of one point, both (points,)."""
    noise = _noise(intensity)
    smoothed = np.convolve(np.pad(intensity, 2, mode="edge"), np.full(5, 0.2), mode="valid")
    excess = intensity - _snip(smoothed, max(round(PEAK_REACH / step), 2))
    # The background found is the lower envelope of the noise, not its middle.
    centre = np.median(excess[excess <= np.quantile(excess, 0.5)])
    return excess - centre, noise


def _rebin(pattern: Pattern, grid: NDArray[np.float64], step: float) -> NDArray[np.float64]:
    """Average a pattern over the grid's cells: finer steps are averaged, coarser ones interpolated."""
    largest = float(np.abs(pattern.intensity).max()) or 1.0
    intensity = pattern.intensity / largest  # so that sums neither overflow nor underflow in any unit
    area = np.concatenate([[0.0], np.cumsum(np.diff(pattern.q) * (intensity[1:] + intensity[:-1]) / 2)])
    edges = np.clip(np.concatenate([grid - step / 2, grid[-1:] + step / 2]), pattern.q[0], pattern.q[-1])
    return np.asarray(np.diff(np.interp(edges, pattern.q, area)) / np.diff(edges))


def _snip(intensity: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    """Return the background by SNIP: clip peaks to the values at their feet, wide ones first (Ryan et al. 1988).

    The larger of chord and cubic is used (Morhac and Matousek 2008), because a chord alone cuts into broad humps.
    """
    background = intensity.copy()
    padded = np.pad(background, reach, mode="reflect", reflect_type="odd")
    points = len(intensity)
    for m in range(reach, 0, -1):
        half = m // 2

        def beside(distance: int) -> NDArray[np.float64]:
            left = padded[reach - distance : reach - distance + points]
            return left + padded[reach + distance : reach + distance + points]

        under = np.maximum(beside(m) / 2, (4 * beside(half) - beside(m)) / 6 if half else -np.inf)
        background = np.minimum(background, under)
        padded[reach : reach + points] = background
    return background


def _noise(intensity: NDArray[np.float64], block: int = 64) -> NDArray[np.float64]:
    """Return the local standard deviation of a point (points,), also where the noise of neighbours is correlated.

    It is the largest estimate from differences over 3, 6 and 12 points: integration correlates neighbours, and close
    points then differ too little.
    """
    spread = np.max([_spread(intensity, lag, block) for lag in (3, 6, 12)], axis=0)
    floor = max(1e-5 * float(np.ptp(intensity)), 1e-12)
    return np.asarray(np.maximum(spread, floor))


def _spread(intensity: NDArray[np.float64], lag: int, block: int) -> NDArray[np.float64]:
    difference = np.abs(intensity[lag:-lag] - (intensity[: -2 * lag] + intensity[2 * lag :]) / 2)
    starts = range(0, max(len(difference) - block, 1), block // 2)
    middle = [start + block + lag for start in starts]
    spread = [1.4826 / np.sqrt(1.5) * np.median(difference[s : s + 2 * block]) for s in starts]
    return np.asarray(np.interp(np.arange(len(intensity)), middle, spread))
