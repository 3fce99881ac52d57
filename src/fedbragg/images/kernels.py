"""Compiled loops over the pixels; they release the interpreter's lock."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from fedbragg.types import Counts


@numba.njit(nogil=True, cache=True)
def sentinels_as_expected(counts: Counts, expected: NDArray[np.uint8], low: int, high: int) -> bool:
    """Tell whether exactly the pixels marked 1 lie outside ``low`` to ``high``; those marked 2 do not count.

    ``counts`` (rows, cols) C-contiguous; stops at the first row that differs.
    """
    rows, cols = counts.shape
    for row in range(rows):
        differs = np.uint8(0)
        for col in range(cols):
            count = counts[row, col]
            outside = np.uint8((count < low) | (count > high))
            differs |= np.uint8((outside ^ expected[row, col]) == 1)
        if differs:
            return False
    return True
