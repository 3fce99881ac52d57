"""Ranks of values, ties sharing their mean rank."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def mean_ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the ranks of values (number,), from 1; tied values share their mean rank."""
    _, where, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[where], np.float64)
