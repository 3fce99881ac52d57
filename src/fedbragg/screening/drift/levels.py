"""Background levels: which the calibration has seen, and whether a frame's is one of them.

A run may show a part of them only, one loop's or one buffer's; what has no promise at all is a frame unlike any that
was there. The levels of all calibration frames, on an axis that is logarithmic above a hundredth of a count, make
ranges; a gap of a factor of two or more parts two ranges. By Wilks (1941) and Tukey (1947) the share of like frames
outside is Beta(gaps + 2, n - 1 - gaps) at most, whatever the levels' distribution; the choice of the widest gaps among
n - 1 is paid for by dividing the error by their number of choices.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from fedbragg.metrics.autocorrelation import frames_apart
from fedbragg.screening.drift.mixture import spread_of
from fedbragg.screening.guarantee.risk import upper_bound
from fedbragg.tasks.hits.calibration_card import Levels

LINEAR = 0.01
"""Counts a pixel below which the axis is linear: levels may be 0, and less where a dark image is subtracted."""
GAP = math.log(2)
MARGIN = math.log(1.25)
"""By how much each range reaches beyond the outermost level seen."""
MOST_GAPS = 3
ERROR = 0.0025
"""Chance that a calibration's bound is wrong: a quarter of the 1 % that a run may be alarmed for nothing."""


def levels_seen(levels: NDArray[np.float64], hit: NDArray[np.bool_], spacing: float = 1.0) -> Levels:
    """Return the levels of hits and misses, (frames,) in the run's order, NaN for unknown ones.

    The bound holds for hits and for misses by themselves, so that the hit rate may change. Without a known level there
    are no ranges, and nothing lies outside.
    """
    classes = [levels[(hit == side) & ~np.isnan(levels)] for side in (True, False)]
    known = np.concatenate(classes)
    spread = spread_of(levels, hit, frames_apart(levels, spacing))
    if not known.size:
        return Levels(spread, (), 0.0)
    places = np.sort(np.arcsinh(known / LINEAR))
    widths = np.diff(places)
    wide = np.flatnonzero(widths > GAP + 2 * MARGIN)
    cuts = np.sort(wide[np.argsort(-widths[wide], kind="stable")[:MOST_GAPS]])
    starts, ends = np.concatenate([[0], cuts + 1]), np.concatenate([cuts, [len(places) - 1]])
    ranges = tuple(
        (_level(places[start] - MARGIN), _level(places[end] + MARGIN))
        for start, end in zip(starts, ends, strict=True)
    )
    return Levels(spread, ranges, max(_outside(len(side), len(cuts)) for side in classes if len(side)))


def unseen(level: float | None, levels: Levels) -> bool:
    """Say whether a level lies outside all ranges; an unknown one does not."""
    if level is None or not levels.ranges:
        return False
    return not any(low <= level <= high for low, high in levels.ranges)


def _outside(frames: int, gaps: int) -> float:
    choices = math.comb(max(frames - 1, 1), gaps)
    return upper_bound(gaps + 1, frames, 1 - ERROR / (2 * max(choices, 1)))


def _level(place: float) -> float:
    return float(np.sinh(place)) * LINEAR
