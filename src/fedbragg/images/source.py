"""One file of a run: its frames, counted and read one by one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from fedbragg.errors import FrameError
from fedbragg.images.buffer_pool import BufferPool
from fedbragg.images.mask import MaskKeeper
from fedbragg.types import Counts, Frame, Geometry


@dataclass(frozen=True, slots=True)
class Shared:
    """What the files of a run share: masks that do not change, memory that is used again."""

    masks: MaskKeeper = field(default_factory=MaskKeeper)
    pool: BufferPool = field(default_factory=lambda: BufferPool(spare=4))


class Source(Protocol):
    """An open file; ``read`` may be called from several threads."""

    path: str
    geometry: Geometry

    def __len__(self) -> int:
        """Return the number of frames in the file."""
        ...

    def read(self, index: int) -> Frame:
        """Return one frame, or raise FrameError."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


WIDTHS = {"i": np.int32, "u": np.uint32}


def as_counts(pixels: Counts, path: str, index: int) -> Counts:
    """Return a frame as integers of this machine's byte order; anything that already is comes back as it is.

    Panels stacked in a third axis become one picture, one below the other. 64-bit integers and floats are
    accepted where every pixel is a whole number that 32 bits hold (NaN and infinity become the sentinel -1);
    fractions raise FrameError, for corrected intensities do not follow counting statistics.
    """
    if pixels.ndim == 3:
        pixels = pixels.reshape(-1, pixels.shape[-1])
    if pixels.ndim != 2 or pixels.size == 0:
        raise FrameError(path, index, f"shape {pixels.shape} is no picture of rows and columns.")
    kind, size = pixels.dtype.kind, pixels.dtype.itemsize
    if kind == "f":
        return _from_floats(pixels, path, index)
    if kind not in WIDTHS:
        raise FrameError(path, index, f"holds {pixels.dtype}, not counts. Give the detector's own integers.")
    if size == 8:
        return _narrowed(pixels, path, index)
    return np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder("="))


def _from_floats(pixels: Counts, path: str, index: int) -> Counts:
    finite = np.isfinite(pixels)
    whole = np.where(finite, pixels, -1)
    limits = np.iinfo(np.int32)
    if (whole != np.rint(whole)).any() or whole.min() < limits.min or whole.max() > limits.max:
        raise FrameError(
            path,
            index,
            f"holds {pixels.dtype} values that are no whole counts. Give the detector's own integers.",
        )
    return whole.astype(np.int32)


def _narrowed(pixels: Counts, path: str, index: int) -> Counts:
    """Return 64-bit counts in 32 bits; the wide dtype's maximum, a sentinel, becomes the narrow one's."""
    narrow = np.dtype(WIDTHS[pixels.dtype.kind])
    sentinel = pixels == np.iinfo(pixels.dtype).max
    limits = np.iinfo(narrow)
    kept = np.where(sentinel, limits.max, pixels)
    if kept.min() < limits.min or kept.max() > limits.max:
        raise FrameError(path, index, f"holds counts beyond {narrow}. Check the detector's output.")
    return kept.astype(narrow)
