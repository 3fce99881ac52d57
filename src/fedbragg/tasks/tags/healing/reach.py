"""Which gap pixels lie between measured ones: no method may fill any other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fedbragg.tasks.tags.healing.symmetry.across import sides


def between_measured(measured: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return (rows, cols): gap pixels with measured ones near them on both sides, along the row or the column."""
    pixels = np.flatnonzero(~measured)
    distance = sides(measured, pixels)
    between = (distance[:, :2].min(axis=1) > 0) | (distance[:, 2:].min(axis=1) > 0)
    reached = np.zeros(measured.size, np.bool_)
    reached[pixels] = between
    return reached.reshape(measured.shape)
