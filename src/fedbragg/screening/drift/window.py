"""The three tests of a window of frames against the calibration.

Levels: how many frames have a background level outside the calibrated ranges (binomial test). Scores and levels: how
far their distributions are from any mixture of calibrated hits and misses (Kolmogorov-Smirnov tests).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbragg.metrics.autocorrelation import independent_frames
from fedbragg.metrics.binomial import upper_quantile
from fedbragg.screening.drift.mixture import Mixtures, distance, dkw_bound, mixtures_of
from fedbragg.tasks.hits.calibration_card import Calibration, Levels, Spread

SCORE_SLACK = 0.1
"""Share of the frames whose scores may lie elsewhere without an alarm."""
LEVEL_SLACK = 0.2
"""The same for background levels, which vary more without harm."""


@dataclass(frozen=True, slots=True)
class SeenFrame:
    """What drift looks at in one frame."""

    score: float
    level: float | None  # counts a pixel; None where unknown
    outside: bool  # whether the level is outside all calibrated ranges


@dataclass(frozen=True, slots=True, order=True)
class Excess:
    """The result of one test."""

    ratio: float  # statistic over its limit; an alarm above 1
    reason: str  # in words


@dataclass(frozen=True, slots=True, eq=False)
class WindowTests:
    """The tests against one calibration."""

    levels: Levels
    score_mixtures: Mixtures | None  # None where the calibration has no scores
    level_mixtures: Mixtures | None  # None where the calibration has no levels

    @staticmethod
    def of(calibration: Calibration) -> WindowTests:
        """Prepare the tests against a calibration."""
        return WindowTests(
            calibration.levels,
            _mixtures(calibration.scores, calibration),
            _mixtures(calibration.levels.spread, calibration),
        )

    def largest_excess(self, window: Sequence[SeenFrame], error: float) -> Excess:
        """Return the result of the test that comes out worst; each has the false-alarm rate ``error``."""
        scores = np.array([frame.score for frame in window])
        levels = np.array([frame.level for frame in window if frame.level is not None])
        return max(
            _outside_levels(window, self.levels, error),
            _far_from_mixtures(scores, self.score_mixtures, error, ("scores", SCORE_SLACK)),
            _far_from_mixtures(levels, self.level_mixtures, error, ("backgrounds", LEVEL_SLACK)),
        )


def _mixtures(spread: Spread, calibration: Calibration) -> Mixtures | None:
    promise = calibration.promise
    return mixtures_of(spread, promise.hits, promise.misses) if spread.values else None


def _outside_levels(window: Sequence[SeenFrame], levels: Levels, error: float) -> Excess:
    outside = [frame.level for frame in window if frame.outside and frame.level is not None]
    if len(outside) <= levels.outside * len(window):
        return Excess(0.0, "")
    limit = max(upper_quantile(len(window), levels.outside, error), 1)
    ranges = ", ".join(f"{low:.4g} to {high:.4g}" for low, high in levels.ranges)
    reason = (
        f"{len(outside)} of the last {len(window)} frames have backgrounds that were never calibrated "
        f"(median {float(np.median(outside)):.4g} counts a pixel; calibrated {ranges})"
    )
    return Excess(len(outside) / limit, reason)


def _far_from_mixtures(
    values: NDArray[np.float64], mixtures: Mixtures | None, error: float, measure: tuple[str, float]
) -> Excess:
    """Test a window's values (frames,) of a measure, given by its name and its slack."""
    if mixtures is None or not len(values):
        return Excess(0.0, "")
    name, slack = measure
    statistic = distance(values, mixtures)
    limit = dkw_bound(independent_frames(len(values), mixtures.per_independent), error) + slack
    reason = (
        f"the {name} of the last {len(values)} frames are no mixture of calibrated hits and misses, whatever the hit "
        f"rate: {100 * max(statistic, 0):.0f} % lie elsewhere"
    )
    return Excess(statistic / limit, reason)
