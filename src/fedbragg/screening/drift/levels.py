"""Background levels: the ranges that the calibration covers, and whether a frame's level lies in one of them.

The levels of all calibration frames, on an axis that is logarithmic above a hundredth of a count, make up ranges. A gap
of a factor of two or more separates two ranges. A run need not cover them all: it may be one loop, or one buffer.

By Wilks (1941) and Tukey (1947), the share of similar frames outside the ranges is at most
Beta(gaps + 2, n - 1 - gaps), whatever the distribution of the levels. The gaps are the widest of n - 1, so the allowed
error is divided by the number of such choices (Bonferroni).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from fedbragg.metrics.autocorrelation import frames_per_independent
from fedbragg.metrics.binomial import upper_limit
from fedbragg.screening.drift.mixture import spread_of
from fedbragg.tasks.hits.calibration_card import Levels

LINEAR = 0.01
"""Counts a pixel below which the axis is linear: a level is 0 or less where a dark image is subtracted."""
GAP = math.log(2)
MARGIN = math.log(1.25)
"""How far each range extends beyond the outermost level of the calibration."""
MOST_GAPS = 3
ERROR = 0.0025
"""Probability that the bound of a calibration is wrong: a quarter of the 1 % false-alarm rate of a run."""


def calibrated_levels(levels: NDArray[np.float64], hit: NDArray[np.bool_], spacing: float = 1.0) -> Levels:
    """Return the ranges and the spread of levels (frames,), in the run's order, NaN where unknown.

    The bound holds for hits and for misses separately, so that the hit rate may change. Without a known level there
    are no ranges, and no level is outside.
    """
    classes = [levels[(hit == side) & ~np.isnan(levels)] for side in (True, False)]
    known = np.concatenate(classes)
    spread = spread_of(levels, hit, frames_per_independent(levels, spacing))
    if not known.size:
        return Levels(spread, (), 0.0)
    places = np.sort(np.arcsinh(known / LINEAR))
    cuts = _widest_gaps(places)
    starts, ends = np.concatenate([[0], cuts + 1]), np.concatenate([cuts, [len(places) - 1]])
    ranges = tuple(
        (_level(places[start] - MARGIN), _level(places[end] + MARGIN))
        for start, end in zip(starts, ends, strict=True)
    )
    return Levels(spread, ranges, max(_share_outside(len(side), len(cuts)) for side in classes if len(side)))


def is_outside(level: float | None, levels: Levels) -> bool:
    """Return whether a level lies outside all ranges; an unknown level does not."""
    if level is None or not levels.ranges:
        return False
    return not any(low <= level <= high for low, high in levels.ranges)


def _widest_gaps(places: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the positions, rising, after which the sorted places have their widest gaps."""
    widths = np.diff(places)
    wide = np.flatnonzero(widths > GAP + 2 * MARGIN)
    return np.sort(wide[np.argsort(-widths[wide], kind="stable")[:MOST_GAPS]])


def _share_outside(frames: int, gaps: int) -> float:
    """Return the upper limit of the share of similar frames outside the ranges."""
    choices = math.comb(max(frames - 1, 1), gaps)
    return upper_limit(gaps + 1, frames, 1 - ERROR / (2 * max(choices, 1)))


def _level(place: float) -> float:
    return float(np.sinh(place)) * LINEAR
