"""Frames with known contents, for the tests of prepare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.read_only import read_only
from fedbragg.tasks.hits.prepare import Peaks, PrepareSettings, prepare_with_peaks
from fedbragg.tasks.hits.prepare.mask_blocks import blocks_of_mask
from fedbragg.tasks.hits.prepare.pixels import Blocks, block_sums
from fedbragg.types import Frame, View


def frame_of(counts: NDArray[Any], mask: NDArray[np.bool_] | None = None) -> Frame:
    return Frame(counts, np.zeros(counts.shape, np.bool_) if mask is None else mask, "made.h5", 0)


def blocks_of(counts: NDArray[Any], block: int, mask: NDArray[np.bool_] | None = None) -> Blocks:
    hidden = np.zeros(counts.shape, np.bool_) if mask is None else mask
    return block_sums(read_only(counts), blocks_of_mask(hidden, block))


@dataclass(frozen=True)
class LaidOut:
    """The peaks of a frame, each in its block."""

    significance: NDArray[np.float32]  # (cell rows, cell cols) 0 = none
    intensity: NDArray[np.float32]  # (cell rows, cell cols)
    places: NDArray[np.int64]  # (2, cell rows, cell cols) -1 = none


def laid_out(peaks: Peaks, shape: tuple[int, ...]) -> LaidOut:
    made = LaidOut(np.zeros(shape, np.float32), np.zeros(shape, np.float32), np.full((2, *shape), -1))
    at = tuple(peaks.cells.T)
    made.significance[at], made.intensity[at] = peaks.significance, peaks.intensity
    made.places[:, *at] = peaks.places.T
    return made


def seen(counts: NDArray[Any], mask: NDArray[np.bool_] | None = None, block: int = 8) -> tuple[View, LaidOut]:
    view, peaks = prepare_with_peaks(frame_of(counts, mask), PrepareSettings(block))
    return view, laid_out(peaks, view.background.shape)


def gaussian_spot(
    shape: tuple[int, int], row: float, column: float, photons: float, sigma: float
) -> NDArray[np.float64]:
    """Expected photons of a spot, normalised over the plane."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    squared = (rows - row) ** 2 + (columns - column) ** 2
    return photons * np.exp(-squared / (2 * sigma**2)) / (2 * np.pi * sigma**2)


def radius(shape: tuple[int, int]) -> NDArray[np.float64]:
    """Pixels from the middle of the frame."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return np.hypot(rows - shape[0] / 2, columns - shape[1] / 2)
