"""Compiled passes over the pixels that tell whether a mask still holds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.images.codecs.compiled import compiled

Mask = NDArray[np.bool_]


@compiled
def outside_as(expected: Mask, counts: NDArray[Any], bounds: NDArray[Any], start: int, stop: int) -> bool:
    """Tell whether, from pixel ``start`` to ``stop``, exactly those of ``expected`` lie outside ``bounds``.

    ``expected``, ``counts`` (pixels,); ``bounds`` (2,), both trusted, of the dtype of the counts.
    """
    pixels, outside = counts[start:stop], expected[start:stop]
    low, high = bounds[0], bounds[1]
    differs = False
    # No early end and only booleans: this is the form that becomes vector instructions.
    for pixel in range(pixels.size):
        differs |= ((pixels[pixel] < low) | (pixels[pixel] > high)) != outside[pixel]
    return not differs


@compiled
def masked_as(mask: Mask, file_mask: Mask, counts: NDArray[Any], bounds: NDArray[Any]) -> bool:
    """Tell whether ``mask`` is the file's mask with the counts outside ``bounds``; all (pixels,)."""
    low, high = bounds[0], bounds[1]
    differs = False
    for pixel in range(counts.size):
        differs |= ((counts[pixel] < low) | (counts[pixel] > high) | file_mask[pixel]) != mask[pixel]
    return not differs
