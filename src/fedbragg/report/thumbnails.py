"""Small pictures of scattering images: the logarithm of the counts, unmeasured cells in their own colour."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from fedbragg.tasks.tags.prepare import TagView

Levels = NDArray[np.uint8]
"""(rows, cols): 0 where nothing was measured, else 1 (dark) to 255 (bright) on a logarithmic scale."""

UNMEASURED = (43, 108, 176)
"""Red, green, blue of cells without a valid pixel."""
LOWEST, HIGHEST = 0.5, 99.8
"""Percentiles of the measured cells that become black and white."""
LEAST_RANGE = 0.2
"""Range of a view's first channel that is always shown, so that a flat image looks flat: a factor of e in counts."""
SMALLEST_EDGE = 128
"""Pixels of a picture's longer edge, at least: smaller images are enlarged by whole factors."""
QUALITY = 80
"""Quality of the JPEG files; 256 x 256 pixels take 5 to 15 kB."""


def levels(view: TagView) -> Levels:
    """Return the brightness of each cell inside the image, without the borders that make the view square."""
    light, coverage = _inside(view)
    measured = coverage > 0
    shown = np.zeros(light.shape, np.uint8)
    if measured.any():
        low, high = np.percentile(light[measured], (LOWEST, HIGHEST))
        share = (light[measured] - low) / max(high - low, LEAST_RANGE)
        shown[measured] = 1 + np.rint(254 * np.clip(share, 0, 1)).astype(np.uint8)
    return shown


def _inside(view: TagView) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return light and coverage without the borders; of an odd number of cells the last line is border too."""
    top, left = view.corner
    rows, cols = view.channels.shape[1:]
    light, coverage = view.channels[:2, top : rows - top, left : cols - left]
    last_row, last_col = (None if line.any() else -1 for line in (coverage[-1], coverage[:, -1]))
    return light[:last_row, :last_col], coverage[:last_row, :last_col]


def jpeg(shown: Levels) -> bytes:
    """Return the picture as a JPEG file."""
    from PIL import Image

    factor = max(1, -(-SMALLEST_EDGE // max(shown.shape)))
    colours = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    colours[0] = UNMEASURED
    pixels = colours[shown.repeat(factor, axis=0).repeat(factor, axis=1)]
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=QUALITY, subsampling=0, optimize=True)
    return buffer.getvalue()


def unmeasured_share(shown: Levels) -> float:
    """Return the share of the image's area without a valid pixel, 0 to 1."""
    return float((shown == 0).mean())
