"""The median, for compiled functions: numba's own takes two seconds to compile."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True, inline="always")
def median(values: NDArray[np.float64]) -> float:
    """Return the median of finite values (numbers,), at least one, which are left in another order.

    The middle one is found by Hoare's selection (Communications of the ACM 4, 321, 1961).
    """
    middle, low, high = values.size // 2, 0, values.size - 1
    while low < high:
        pivot, i, j = values[(low + high) // 2], low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i, j = i + 1, j - 1
        low, high = i if middle >= i else low, j if middle <= j else high
        if j < middle < i:
            break
    below = values[middle]
    if values.size % 2 == 0:
        below = values[0]
        for k in range(1, middle):
            below = max(below, values[k])
    return float((below + values[middle]) / 2)
