"""Pixels of any number type and shape -> counts: integers of at most 32 bits in rows and columns."""

from __future__ import annotations

from functools import cache

import numpy as np

from fedbragg.errors import FrameError
from fedbragg.types import Counts, Panels

NARROW = {"i": np.dtype(np.int32), "u": np.dtype(np.uint32)}
"""The dtype that 64-bit counts become, by the kind of theirs."""
NO_NUMBER = -1e30
"""Replaces NaN and infinity in a frame of float32."""


@cache
def panels_of(shape: tuple[int, ...]) -> Panels:
    """Return the panels of a frame's pixels (panels, rows, cols) once they are put one below the other."""
    if len(shape) != 3 or shape[0] < 2:
        return ()
    number, rows, cols = shape
    return tuple((i * rows, (i + 1) * rows, 0, cols) for i in range(number))


def as_counts(pixels: Counts, path: str, index: int) -> Counts:
    """Return a frame's numbers in this machine's byte order and 32 bits at most, without a copy where they already are.

    The panels of a three-dimensional frame are put one below the other. Floats become int32 where every pixel is a
    whole number, else float32: an average, or counts corrected for pedestal and gain. NaN and infinity become a number
    below every trusted one, which masks them. Raises FrameError for numbers that 32 bits do not hold.
    """
    if pixels.ndim == 3:
        pixels = pixels.reshape(-1, pixels.shape[-1])
    if pixels.ndim != 2 or pixels.size == 0:
        raise FrameError(path, index, f"shape {pixels.shape} is not an image of rows and columns.")
    kind, size = pixels.dtype.kind, pixels.dtype.itemsize
    if kind == "f":
        return _from_floats(pixels, path, index)
    if kind not in NARROW:
        raise FrameError(path, index, f"holds {pixels.dtype}, not counts. Give the detector's own integers.")
    if size == 8:
        return _from_64_bits(pixels, path, index)
    return np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder("="))


def _from_floats(pixels: Counts, path: str, index: int) -> Counts:
    known = np.isfinite(pixels)
    finite = np.where(known, pixels, 0)
    low, high, limits = finite.min(), finite.max(), np.iinfo(np.int32)
    if max(-low, high) >= -NO_NUMBER:
        raise FrameError(path, index, f"holds {pixels.dtype} values beyond 1e30. Check the file's writer.")
    whole = low >= limits.min and high <= limits.max and (finite == np.rint(finite)).all()
    numbers = finite.astype(np.int32 if whole else np.float32)
    numbers[~known] = limits.min if whole else NO_NUMBER
    return numbers


def _from_64_bits(pixels: Counts, path: str, index: int) -> Counts:
    """Return the counts in 32 bits; the maximum of the wide dtype, a sentinel, becomes that of the narrow one."""
    narrow = NARROW[pixels.dtype.kind]
    limits = np.iinfo(narrow)
    kept = np.where(pixels == np.iinfo(pixels.dtype).max, limits.max, pixels)
    if kept.min() < limits.min or kept.max() > limits.max:
        raise FrameError(path, index, f"holds counts beyond {narrow}. Check the detector's output.")
    return kept.astype(narrow)
