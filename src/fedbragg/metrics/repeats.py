"""A figure measured several times: its mean, and the interval of that mean."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

import numpy as np

from fedbragg.metrics.estimate import UNKNOWN, Estimate


def mean_of_repeats(values: Sequence[float]) -> Estimate:
    """Return the mean with its 95 % interval by Student's t (Student 1908); both ends are NaN for a single value.

    Values that are not finite are left out.
    """
    from scipy.stats import t

    known = np.array([value for value in values if isfinite(value)], dtype=np.float64)
    if not len(known):
        return UNKNOWN
    mean = float(known.mean())
    if len(known) == 1:
        return Estimate(mean, float("nan"), float("nan"))
    half = float(t.ppf(0.975, len(known) - 1) * known.std(ddof=1) / len(known) ** 0.5)
    return Estimate(mean, mean - half, mean + half)
