"""Pixels of any number type and shape -> counts: integers of at most 32 bits in rows and columns."""

from __future__ import annotations

import numpy as np

from fedbragg.errors import FrameError
from fedbragg.types import Counts

NARROW = {"i": np.dtype(np.int32), "u": np.dtype(np.uint32)}
"""The dtype that 64-bit counts become, by the kind of theirs."""


def as_counts(pixels: Counts, path: str, index: int) -> Counts:
    """Return a frame's numbers in this machine's byte order and 32 bits at most, without a copy where they already are.

    The panels of a three-dimensional frame are put one below the other. Floats become int32 where every pixel is a
    whole number, else float32: an average or a corrected image, which a task may refuse. NaN and infinity become the
    sentinel -1. Raises FrameError for numbers that 32 bits do not hold.
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
    finite = np.where(np.isfinite(pixels), pixels, -1)
    low, high = finite.min(), finite.max()
    if max(-low, high) > np.finfo(np.float32).max:
        raise FrameError(path, index, f"holds {pixels.dtype} values beyond float32. Check the file's writer.")
    limits = np.iinfo(np.int32)
    whole = low >= limits.min and high <= limits.max and (finite == np.rint(finite)).all()
    return finite.astype(np.int32 if whole else np.float32)


def _from_64_bits(pixels: Counts, path: str, index: int) -> Counts:
    """Return the counts in 32 bits; the maximum of the wide dtype, a sentinel, becomes that of the narrow one."""
    narrow = NARROW[pixels.dtype.kind]
    limits = np.iinfo(narrow)
    kept = np.where(pixels == np.iinfo(pixels.dtype).max, limits.max, pixels)
    if kept.min() < limits.min or kept.max() > limits.max:
        raise FrameError(path, index, f"holds counts beyond {narrow}. Check the detector's output.")
    return kept.astype(narrow)
