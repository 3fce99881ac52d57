"""An image with gaps, and the same image healed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import FrameError, InputError
from fedbragg.types import Frame

SMALLEST = 8
"""Pixels along the shorter edge, below which there is no image to heal."""


class FilledBy(IntEnum):
    """The source of a pixel's value in a healed image."""

    MEASURED = 0  # unchanged
    SYMMETRY = 1  # mostly from pixels that a symmetry makes equal
    AZIMUTH = 2  # mostly from the arcs of its ring on either side of the gap
    RADIUS = 3  # mostly from the mean of its ring
    ACROSS = 4  # mostly from the two sides of the gap where it is shortest
    SMOOTH = 5  # from a biharmonic surface
    NETWORK = 6
    UNFILLED = 255  # NaN in the healed image: no measured pixel helps


@dataclass(frozen=True, slots=True, eq=False)
class GappedImage:
    """Counts, and the pixels where they were measured."""

    counts: NDArray[np.float32]  # (rows, cols), 0 where nothing was measured
    measured: NDArray[np.bool_]  # (rows, cols)


@dataclass(frozen=True, slots=True, eq=False)
class Healed:
    """An image without gaps, as far as measured pixels can fill them."""

    counts: NDArray[np.float32]  # (rows, cols), measured ones as they were; not a number where unfilled
    steps: NDArray[np.uint8]  # (rows, cols), values of FilledBy


def gapped(frame: Frame, gaps: NDArray[np.bool_] | None = None) -> GappedImage:
    """Return a frame's counts with its mask, more gaps (rows, cols) and values that are not finite left out.

    Raises FrameError where there is nothing to heal from.
    """
    rows, cols = frame.counts.shape
    if min(rows, cols) < SMALLEST:
        raise _refused(
            frame,
            f"has {rows} x {cols} pixels, and an image has {SMALLEST} or more each way. Give one of two axes.",
        )
    if gaps is not None and gaps.shape != frame.counts.shape:
        there, here = (" x ".join(map(str, shape)) for shape in (gaps.shape, frame.counts.shape))
        raise _refused(frame, f"has {here} pixels, the mask {there}. Give a mask of this detector.")
    none = np.zeros(frame.counts.shape, np.bool_)
    try:
        image = image_of(frame.counts, frame.mask | (none if gaps is None else gaps))
    except InputError as error:
        raise _refused(frame, str(error)) from None
    valid = image.counts[image.measured]
    if valid.min() == valid.max():
        raise _refused(
            frame, f"has {valid[0]:g} on every valid pixel, which shows nothing. Give an image with counts."
        )
    return image


def image_of(counts: NDArray[Any], gaps: NDArray[np.bool_]) -> GappedImage:
    """Return counts (rows, cols) without gaps and values that are not finite; raise InputError where none are left."""
    numbers = counts.astype(np.float32)
    measured = ~gaps & np.isfinite(numbers)
    if not measured.any():
        raise InputError("has no valid pixel. Check its mask.")
    return GappedImage(np.where(measured, numbers, np.float32(0)), measured)


def filled(image: GappedImage, values: NDArray[np.float32], steps: NDArray[np.uint8]) -> Healed:
    """Return the image with ``values`` and ``steps`` (rows, cols) where nothing was measured; below 0 becomes 0."""
    known = image.measured | np.isfinite(values)
    counts = np.where(image.measured, image.counts, np.maximum(values, 0)).astype(np.float32)
    how = np.where(image.measured, FilledBy.MEASURED, np.where(known, steps, FilledBy.UNFILLED))
    return Healed(counts, how.astype(np.uint8))


def _refused(frame: Frame, reason: str) -> FrameError:
    return FrameError(frame.path, frame.index, reason)
