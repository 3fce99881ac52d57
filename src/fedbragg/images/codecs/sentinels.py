"""Compiled passes over a frame that tell whether an earlier frame's mask still holds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.images.codecs.compiled import compiled

Mask = NDArray[np.bool_]


@compiled
def outside_equals(outside: Mask, counts: NDArray[Any], bounds: NDArray[Any]) -> bool:
    """Tell whether exactly the pixels of ``outside`` (pixels,) have counts (pixels,) outside ``bounds``.

    ``bounds`` (2,) are the lowest and the highest trusted count, of the dtype of the counts.
    """
    low, high = bounds[0], bounds[1]
    differs = False
    # No early exit and only booleans: the compiler turns this form into vector instructions.
    for pixel in range(counts.size):
        differs |= ((counts[pixel] < low) | (counts[pixel] > high)) != outside[pixel]
    return not differs


@compiled
def mask_equals(mask: Mask, file_mask: Mask, counts: NDArray[Any], bounds: NDArray[Any]) -> bool:
    """Tell whether ``mask`` is the file's mask joined with the counts outside ``bounds``; all (pixels,)."""
    low, high = bounds[0], bounds[1]
    differs = False
    for pixel in range(counts.size):
        differs |= ((counts[pixel] < low) | (counts[pixel] > high) | file_mask[pixel]) != mask[pixel]
    return not differs
