"""Find the gap pixels between measured ones: no method may fill any other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fedbragg.tasks.tags.healing.symmetry.across import sides


def between_measured(measured: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return (rows, cols): gap pixels with measured ones near them on two opposite sides."""
    pixels = np.flatnonzero(~measured)
    distance = sides(measured, pixels)
    between = np.minimum(distance[:, ::2], distance[:, 1::2]).max(axis=1) > 0
    reached = np.zeros(measured.size, np.bool_)
    reached[pixels] = between
    return reached.reshape(measured.shape)
