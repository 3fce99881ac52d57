"""The pixel mask of an HDF5 file: one for all frames, or one for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.images.hdf5.chunks import read_single_chunk
from fedbragg.images.hdf5.fields import detector_group, integers, item

NAMES = ("pixel_mask", "detectorSpecific/pixel_mask", "mask")
"""Names of the mask within the detector's group."""
CXI_VALID = 0x20 | 0x2000 | 0x4000
"""CXI's bits of pixels that can be used: in a peak, found by a hit finder, background subtracted."""


@dataclass(frozen=True, slots=True, eq=False)
class PixelMask:
    """The location of a file's pixel mask."""

    values: Any  # a dataset, or an array
    valid_bits: int  # bits that do not make a pixel unusable
    per_frame: bool  # whether there is one mask for each frame


def find_pixel_mask(file: Any, shape: tuple[int, int]) -> PixelMask | None:
    """Return the file's mask for frames of ``shape``, or None where it has none."""
    areas = integers(file, "metadata/ACTIVE_AREAS")
    if areas is not None:
        outside = _outside(areas, shape)
        return None if outside is None else PixelMask(outside, 0, per_frame=False)
    detector, pixels = detector_group(file), shape[0] * shape[1]
    for name in NAMES:
        values = item(detector, name)
        if values is None or values.dtype.kind not in "iub" or not pixels or values.size % pixels:
            continue
        valid_bits = CXI_VALID if name == "mask" and values.dtype.itemsize > 1 else 0
        if values.size:
            return PixelMask(values, valid_bits, per_frame=values.size > pixels)
    return None


def read_pixel_mask(mask: PixelMask | None, index: int, shape: tuple[int, int]) -> NDArray[np.bool_] | None:
    """Return a frame's (rows, cols) mask, True = ignore."""
    if mask is None:
        return None
    values = np.asarray(mask.values[index] if mask.per_frame else _all_of(mask.values)).reshape(shape)
    if mask.valid_bits and values.dtype.kind in "iu":
        values = values & ~np.asarray(mask.valid_bits).astype(values.dtype)
    return np.ascontiguousarray(values != 0)


def _all_of(values: Any) -> NDArray[Any]:
    """Return the content of a dataset or an array."""
    content = None if isinstance(values, np.ndarray) else read_single_chunk(values)
    return np.asarray(values[()]) if content is None else content


def _outside(areas: NDArray[Any], shape: tuple[int, int]) -> NDArray[np.bool_] | None:
    """Mask all but the active areas (first row, first column, end row, end column); None for a single area."""
    corners = np.asarray(areas, dtype=np.int64).ravel()
    if corners.size < 8:
        return None
    mask = np.ones(shape, dtype=np.bool_)
    for top, left, bottom, right in corners[: corners.size // 4 * 4].reshape(-1, 4):
        # The outermost pixels of a CSPAD tile are larger than the others: left out, as dxtbx does.
        mask[top + 1 : bottom - 1, left + 1 : right - 1] = False
    return mask
