"""Compare healed pixels with the truth, and with the best that counting noise allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

STUDENT_5 = 2.776
"""97.5th percentile of Student's t at 4 degrees of freedom: intervals over 5 seeds."""
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Score:
    """One image healed by one method."""

    mae: float  # mean absolute error over the mean of the truth
    log_mae: float  # of ln(1 + counts)
    r: float  # Pearson's correlation of counts
    log_r: float  # of ln(1 + counts)


def score(found: Values, truth: Values) -> Score:
    """Compare healed pixels (pixels,) with their truth."""
    a, b = np.log1p(np.maximum(found, 0)), np.log1p(np.maximum(truth, 0))
    mae = float(np.abs(found - truth).mean() / max(truth.mean(), 1e-9))
    return Score(mae, float(np.abs(a - b).mean()), correlation(found, truth), correlation(a, b))


def correlation(a: Values, b: Values) -> float:
    """Return Pearson's correlation; NaN where one does not change."""
    a, b = a - a.mean(), b - b.mean()
    power = float((a * a).sum() * (b * b).sum())
    return float((a * b).sum()) / power**0.5 if power > 0 else float("nan")


def ceiling(truth: Values, measured: Values) -> Score:
    """Return the score of a perfect expectation against its own counts."""
    return score(truth, measured)


def ceiling_of_counts(measured: Values, generator: np.random.Generator) -> Score:
    """Estimate that ceiling from measured counts alone.

    Counts: the variance beyond Poisson's over the whole variance. Logarithms: the counts taken for the expectation of
    new ones, which overstates it somewhat.
    """
    signal = max(1 - measured.mean() / max(measured.var(), 1e-9), 0.0)
    again = score(measured, generator.poisson(np.maximum(measured, 0)).astype(float))
    return Score(again.mae, again.log_mae, signal**0.5, again.log_r)


def interval(by_seed: Sequence[float]) -> str:
    """Show the mean over seeds with its 95 % interval (Student's t over the seeds)."""
    known = np.array([value for value in by_seed if np.isfinite(value)])
    if known.size == 0:
        return "-"
    if known.size < 2:
        return f"{known[0]:.4f}"
    reach = STUDENT_5 * known.std(ddof=1) / known.size**0.5
    return f"{known.mean():.4f} ± {reach:.4f}"


def figures(scores: Mapping[int, Sequence[Score]]) -> list[str]:
    """Return each figure's mean over seeds with interval, and the median correlations over all images."""
    parts = [
        interval(
            [
                float(np.nanmean([getattr(s, field.name) for s in of_seed]))
                for of_seed in scores.values()
                if of_seed
            ]
        )
        for field in fields(Score)
    ]
    every = [s for of_seed in scores.values() for s in of_seed]
    medians = [float(np.nanmedian([getattr(s, name) for s in every])) for name in ("r", "log_r")]
    return [*parts, *(f"{m:.4f}" for m in medians)]


COLUMNS = ("MAE / mean", "MAE of ln", "r", "r of ln", "median r", "median r of ln")
