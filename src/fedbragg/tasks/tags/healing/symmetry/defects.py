"""Pixels that count without light: hot ones and zingers, which healing must not spread."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

TIMES, MORE = 4.0, 8.0
"""A lone pixel is a defect above TIMES its brightest neighbour and MORE counts: a spot of light has a rim."""


@njit(nogil=True, cache=True)
def defects(counts: NDArray[np.float32], measured: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return (rows, cols): which measured pixels stand alone far above all their neighbours."""
    rows, cols = counts.shape
    found = np.zeros(counts.shape, np.bool_)
    for row in range(rows):
        for col in range(cols):
            if measured[row, col] and counts[row, col] > MORE:
                number, most = 0, np.float32(0)
                for i in range(max(row - 1, 0), min(row + 2, rows)):
                    for j in range(max(col - 1, 0), min(col + 2, cols)):
                        if measured[i, j] and (i != row or j != col):
                            number += 1
                            most = max(most, counts[i, j])
                found[row, col] = number >= 3 and counts[row, col] > TIMES * most + MORE
    return found
