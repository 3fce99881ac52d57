"""Reduce a scattering image of any size to a view of fixed size: block means over valid pixels, and their coverage.

Nothing is healed: the coverage is 0 where nothing was measured. The same function serves training and tagging.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fedbragg.errors import FrameError
from fedbragg.read_only import read_only
from fedbragg.tasks.tags.grains import graininess
from fedbragg.types import Frame

CELLS = 256
"""Cells along each edge of a view."""
SMALLEST = 16
"""Pixels along the longer edge of an image, below which it shows nothing to tag."""
NARROWEST = 5
"""Pixels along the shorter edge: a colour picture, read as counts, has 3 or 4, a curve 1 or 2."""
CHANNELS = ("log of the mean", "coverage", "spread inside a cell", "graininess")
FAINT = 0.02
"""Counts a pixel that the logarithm still distinguishes from none."""
SCALE = 5.0
"""Natural logarithms to one unit of the first channel."""


@dataclass(frozen=True, slots=True, eq=False)
class TagView:
    """The network's view of an image: a square of cells, the image in its middle, its proportions kept."""

    channels: NDArray[np.float32]  # (4, CELLS, CELLS), as CHANNELS names them; 0 where nothing was measured
    corner: tuple[int, int]  # cell, (row, col) of the image's first pixel
    cell: float  # pixels along a cell's edge

    def place(self, pixel: tuple[float, float]) -> tuple[float, float]:
        """Return a pixel's (column, row) in halves of the view from its middle, as the network counts."""
        half, (top, left) = CELLS / 2, self.corner
        column, row = ((p + 0.5) / self.cell for p in pixel)
        return (column + left - half) / half, (row + top - half) / half

    def pixel(self, place: tuple[float, float]) -> tuple[float, float]:
        """Return the pixel (column, row) of a place, the inverse of ``place``."""
        half, (top, left) = CELLS / 2, self.corner
        column, row = place[0] * half + half - left, place[1] * half + half - top
        return column * self.cell - 0.5, row * self.cell - 0.5


def prepare(frame: Frame) -> TagView:
    """Return an image's view; raise FrameError where there is nothing to tag: as ``view_of``, or a constant image."""
    view = view_of(frame)
    light, coverage, spread, _ = view.channels
    if (
        spread.max() < 1e-6 and np.ptp(light[coverage > 0]) < 1e-6
    ):  # the first is cheap, and settles nearly all
        raise FrameError(frame.path, frame.index, "is the same everywhere, so it shows nothing to tag.")
    return view


def view_of(frame: Frame) -> TagView:
    """Reduce an image to a view; a count that is not finite is invalid as a masked one is.

    Raises FrameError where the image is too small, or no pixel is valid.
    """
    _check_size(frame)
    rows, cols = frame.counts.shape
    longest = max(rows, cols)
    cells = min(CELLS, longest)
    starts = [_starts(size, longest, cells) for size in (rows, cols)]
    top, left = ((CELLS - len(edges) + 1) // 2 for edges in starts)
    channels = np.zeros((len(CHANNELS), CELLS, CELLS), np.float32)
    inside = channels[:, top : top + len(starts[0]) - 1, left : left + len(starts[1]) - 1]
    counts, mask = read_only(frame.counts), read_only(frame.mask)
    if _reduce(counts, mask, starts[0], starts[1], inside) == 0:
        raise FrameError(frame.path, frame.index, "has no valid pixel; check its mask.")
    inside[3] = _graininess(counts, mask, starts, (top, left))
    for ratios in (inside[0], inside[2]):  # numpy takes logarithms several at a time
        np.log(ratios, out=ratios)
        ratios /= np.float32(SCALE)
    return TagView(channels, (top, left), longest / cells)


def _graininess(
    counts: NDArray[np.generic],
    mask: NDArray[np.bool_],
    starts: Sequence[NDArray[np.int64]],
    corner: tuple[int, int],
) -> NDArray[np.float32]:
    """Return the channel of each cell (cells down, cells across): that of its square of 2 x 2 cells of the view.

    One cell has too few pixels, and the network reads squares of 2 x 2.
    """
    parts = [
        edges[_square_starts(len(edges) - 1, first)] for edges, first in zip(starts, corner, strict=True)
    ]
    found = graininess(counts, mask, parts[0], parts[1])
    np.log(found, out=found)
    rows, cols = (slice(at % 2, at % 2 + len(edges) - 1) for edges, at in zip(starts, corner, strict=True))
    return np.repeat(np.repeat(found, 2, axis=0)[rows], 2, axis=1)[:, cols] / np.float32(SCALE)


def _square_starts(cells: int, first: int) -> NDArray[np.int64]:
    """Return the first of an axis's cells in each pair of the view's cells, and the end; the first is at ``first``."""
    inner = np.arange(2 - first % 2, cells, 2)
    return np.concatenate([[0], inner, [cells]])


def _check_size(frame: Frame) -> None:
    rows, cols = frame.counts.shape
    reason = ""
    if max(rows, cols) < SMALLEST:
        reason = f"has {rows} x {cols} pixels; tags need {SMALLEST} or more along the longer edge."
    elif min(rows, cols) < NARROWEST:
        reason = (
            f"has {rows} x {cols} numbers, as a colour picture or a curve has. Give the counts of a detector."
        )
    if reason:
        raise FrameError(frame.path, frame.index, reason)


def _starts(size: int, longest: int, cells: int) -> NDArray[np.int64]:
    """Return the first pixel of each cell along an axis, and the end of the last (cells + 1,)."""
    number = (size - 1) * cells // longest + 1
    return np.minimum(-(-np.arange(number + 1) * longest // cells), size)


@njit(nogil=True, cache=True, error_model="numpy")
def _reduce(counts, mask, row_starts, col_starts, out):  # type: ignore[no-untyped-def]
    """Fill three of ``out`` (channels, cells, cells) and return how many pixels are valid: columns first, then across.

    Light and spread are not yet logarithms: 1 where nothing was measured.
    """
    cols = counts.shape[1]
    total, number, highest = (
        np.empty(cols, np.float32),
        np.empty(cols, np.float32),
        np.empty(cols, np.float32),
    )
    seen = 0
    for i in range(row_starts.size - 1):
        total[:], number[:], highest[:] = 0, 0, 0
        for row in range(row_starts[i], row_starts[i + 1]):
            _add_row(counts[row], mask[row], total, number, highest)
        height = row_starts[i + 1] - row_starts[i]
        for j in range(col_starts.size - 1):
            light, valid, most = np.float32(0), np.float32(0), np.float32(0)
            out[0, i, j] = out[2, i, j] = np.float32(1)
            for col in range(col_starts[j], col_starts[j + 1]):
                light += total[col]
                valid += number[col]
                most = max(most, highest[col])
            if valid > 0:
                mean = light / valid if light > 0 else np.float32(0)
                out[0, i, j] = np.float32(1) + mean / np.float32(FAINT)
                out[1, i, j] = valid / (height * (col_starts[j + 1] - col_starts[j]))
                if valid >= 4:
                    out[2, i, j] = (most + np.float32(1)) / (mean + np.float32(1))
                seen += int(valid)
    return seen


@njit(inline="always", fastmath={"nsz", "contract"})
def _add_row(counts, mask, total, number, highest):  # type: ignore[no-untyped-def]
    """Add a row's valid counts to each column's sum, number and maximum; a count that is not finite is invalid."""
    for col in range(counts.size):
        value = np.float32(counts[col])
        valid = np.float32(1) if (not mask[col]) and abs(value) < np.float32(3e38) else np.float32(0)
        value = value if valid > 0 else np.float32(0)
        total[col] += value
        number[col] += valid
        highest[col] = max(highest[col], value)
