"""The pixels of an image as rings about the beam, each ring in order of azimuth.

The sum over any arc of a ring then costs two binary searches: it is a difference of running sums.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

Pixel = TypeVar("Pixel", bound=np.generic)
TURN = 2 * np.pi
STEPS = 2**29
"""Steps of azimuth in a turn, by which pixels are sorted."""


class RingTables(NamedTuple):
    """Tables from which the sum over an arc is read."""

    angle: NDArray[np.float32]  # (pixels,) radian, of the sorted pixels
    starts: NDArray[np.int64]  # (rings + 1,) first sorted pixel of each ring
    sums: NDArray[np.float64]  # (parts, pixels + 1) running sums


@dataclass(frozen=True, slots=True, eq=False)
class Rings:
    """Pixels sorted by ring and azimuth; a ring is one pixel wide."""

    order: NDArray[np.int64]  # (pixels,) position of each sorted pixel in the flat image
    starts: NDArray[np.int64]  # (rings + 1,) first sorted pixel of each ring
    first: int  # pixel, inner radius of ring 0
    radius: NDArray[np.float32]  # (pixels,) pixel, distance from the beam
    angle: NDArray[np.float32]  # (pixels,) radian in [-pi, pi], from the column axis towards larger rows

    def in_order(self, image: NDArray[Pixel]) -> NDArray[Pixel]:
        """Return an image's pixels (pixels,) sorted."""
        return image.reshape(-1)[self.order]


def rings_about(beam: tuple[float, float], shape: tuple[int, int]) -> Rings:
    """Sort the pixels of an image (rows, cols) about a beam (column, row), which may lie outside."""
    x = np.arange(shape[1], dtype=np.float32)[None, :] - np.float32(beam[0])
    y = np.arange(shape[0], dtype=np.float32)[:, None] - np.float32(beam[1])
    radius, angle = np.hypot(x, y).ravel(), np.arctan2(y, x).ravel()
    ring = radius.astype(np.int64)
    first = int(ring.min())
    ring -= first
    step = ((angle + np.float32(np.pi)) * np.float32(STEPS / TURN)).astype(np.int64)
    order = np.argsort((ring << 30) + np.clip(step, 0, STEPS))
    starts = np.concatenate([[0], np.cumsum(np.bincount(ring))])
    return Rings(order, starts, first, radius[order], angle[order])


def running_sums(measured: NDArray[np.bool_], *parts: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return (parts + 1, pixels + 1) sums of sorted parts over the measured pixels before each, and their number."""
    sums = np.zeros((len(parts) + 1, measured.size + 1))
    for row, part in zip(sums, (*parts, np.ones(1, np.float32)), strict=True):
        np.cumsum(part * measured, dtype=np.float64, out=row[1:])
    return sums


@njit(nogil=True, cache=True)
def add_arc(tables, ring, low, high, out):  # type: ignore[no-untyped-def]
    """Add to ``out`` the sums over the arc of a ring from angle ``low`` to ``high`` (radian, high >= low)."""
    angle, starts, sums = tables
    if ring < 0 or ring >= starts.size - 1:
        return
    first, last = starts[ring], starts[ring + 1]
    shift = np.floor((low + np.pi) / (2 * np.pi)) * 2 * np.pi
    low, high = low - shift, high - shift
    begin = _place(angle, first, last, low)
    end = _place(angle, first, last, high if high <= np.pi else high - 2 * np.pi)
    for k in range(out.size):
        out[k] += sums[k, end] - sums[k, begin]
        if high > np.pi:
            out[k] += sums[k, last] - sums[k, first]


@njit(inline="always")
def _place(angle, first, last, value):  # type: ignore[no-untyped-def]
    """Return the first of the sorted pixels ``first`` to ``last`` whose angle is ``value`` or more."""
    while first < last:
        middle = (first + last) // 2
        if angle[middle] < value:
            first = middle + 1
        else:
            last = middle
    return first
