"""Rows of figures with their intervals over seeds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

T95 = 2.776
"""Student's t for 5 seeds."""


def interval(values: Sequence[float]) -> str:
    """Write a mean over five seeds with its 95 % interval."""
    array = np.asarray(values, dtype=float)
    if len(array) < 2:
        return f"{array.mean():.3f}"
    half = T95 * array.std(ddof=1) / np.sqrt(len(array))
    return f"{array.mean():.3f} ± {half:.3f}"
