"""Whether a window's frames are hits and misses as the calibration knows them, in whatever proportion.

The hit rate changes from run to run and within one, and must not alarm. So the window's distribution of a measure,
score or background level, is compared with the nearest mixture, share * hits + (1 - share) * misses, over all shares.
Its Kolmogorov-Smirnov distance to that is at most the distance to the true mixture, for which the inequality of
Dvoretzky, Kiefer and Wolfowitz holds with Massart's constant (1990), P(sup |F_n - F| > e) <= 2 exp(-2 n e^2), for
window and calibration alike. Where neighbouring frames are alike, n is the number of independent frames that tell as
much.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbragg.metrics.autocorrelation import independent
from fedbragg.screening.outputs.tables import DECIMALS
from fedbragg.tasks.hits.calibration_card import Spread

VALUES = 64
"""Quantiles kept of each class; the distance is taken at these values, which can only make it smaller."""
TOLERANCE = 1.5 * 10.0**-DECIMALS
"""How far apart two values still count as the same.

Many empty frames have one and the same score; the last digit of it must not decide.
"""
SHARES = np.linspace(0, 1, 101)
ERROR = 0.000625
"""Chance that one class of a calibration lies farther from the truth than allowed for."""


@dataclass(frozen=True, slots=True, eq=False)
class Mixtures:
    """The calibration's mixtures of hits and misses at some values, and how well each is known."""

    values: NDArray[np.float64]  # (values,)
    below: NDArray[np.float64]  # (shares, values) share of frames with this value or less
    allowance: NDArray[np.float64]  # (shares,) how far the truth may lie from it
    apart: float  # frames of a run that tell as much as one independent frame


def spread_of(values: NDArray[np.float64], hit: NDArray[np.bool_], apart: float) -> Spread:
    """Return how a measure of frames, (frames,) with NaN for unknown, is spread over hits and misses."""
    sides = [values[(hit == side) & ~np.isnan(values)] for side in (True, False)]
    if not all(len(side) for side in sides):
        return Spread((), (), ())
    steps = np.linspace(0, 1, VALUES)
    places = np.unique(np.concatenate([np.quantile(side, steps, method="inverted_cdf") for side in sides]))
    shares = [tuple(_below(side, places).tolist()) for side in sides]
    return Spread(tuple(places.tolist()), shares[0], shares[1], apart)


def mixtures(spread: Spread, hits: int, misses: int) -> Mixtures:
    """Prepare for comparing windows with a calibration of so many hits and misses."""
    share = SHARES[:, None]
    known = [dkw(independent(frames, spread.apart), ERROR) for frames in (hits, misses)]
    return Mixtures(
        values=np.array(spread.values),
        below=share * np.array(spread.hits) + (1 - share) * np.array(spread.misses),
        allowance=SHARES * known[0] + (1 - SHARES) * known[1] + 0.5 * (SHARES[1] - SHARES[0]),
        apart=spread.apart,
    )


def distance(values: NDArray[np.float64], known: Mixtures) -> float:
    """Return how far a window's values (frames,) are from the nearest mixture, less what that may be off by."""
    gaps = np.abs(known.below - _below(values, known.values)).max(axis=1)
    return float(np.min(gaps - known.allowance))


def dkw(frames: float, error: float) -> float:
    """Return how far an empirical distribution may lie from the true one, but for a chance of ``error``."""
    return math.sqrt(math.log(2 / error) / (2 * frames))


def _below(values: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of the values up to each place, or as good as it."""
    return np.searchsorted(np.sort(values), places + TOLERANCE, side="right") / len(values)
