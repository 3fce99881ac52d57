"""Crops of micrographs to train on: how large, how many an epoch, and where."""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from fedbragg.tasks.segments.data import UNKNOWN, LabelledPicture, SegmentData
from fedbragg.tasks.segments.style import PATCH
from fedbragg.tasks.segments.tiles import STRIDE

CROP, SMALL_CROP, LARGE_CROP = PATCH, 128, 512
"""pixel, along the edge of a crop: usually, of pictures that are no larger, and of large ones at most.

A pixel's class often depends on distant pixels: a layer is the oxide because of the layers above and below it.
"""
AIMED = 0.5
"""Share of the crops that lie about a pixel of a class drawn at random, so that rare classes are seen."""

Number = TypeVar("Number", np.float32, np.uint8)


def crop_side(data: SegmentData, patches: bool = False) -> int:
    """Return the edge of a crop in pixels: half of the smallest picture's edge, within limits, or that of PATCH."""
    if patches:
        return PATCH
    if all(max(one.labels.shape) <= SMALL_CROP for one in data.pictures):
        return SMALL_CROP
    half: int = min(min(one.labels.shape) for one in data.pictures) // 2
    return min(max(half // STRIDE * STRIDE, CROP), LARGE_CROP)


def number_of_crops(data: SegmentData) -> int:
    """Return how many crops an epoch takes of micrographs: about as many as cover them once."""
    side = crop_side(data)
    return sum(crops_of(one, side) for one in data.pictures)


def crops_of(one: LabelledPicture, side: int) -> int:
    """Return how many crops an epoch takes of one micrograph."""
    return max(1, math.ceil(one.labels.size / max(side, CROP) ** 2))


def crop_at(labels: NDArray[np.uint8], generator: np.random.Generator, side: int = CROP) -> tuple[int, int]:
    """Draw the first row and column of a crop; some lie about a pixel of a class that is drawn first."""
    rows, cols = labels.shape
    free = (max(rows - side, 0), max(cols - side, 0))
    if generator.random() < AIMED:
        present = np.unique(labels[::4, ::4])
        present = present[present != UNKNOWN]
        if len(present):
            of_class = np.flatnonzero(labels == present[generator.integers(len(present))])
            row, col = divmod(int(of_class[generator.integers(len(of_class))]), cols)
            aim = (row - int(generator.integers(side)), col - int(generator.integers(side)))
            return min(max(aim[0], 0), free[0]), min(max(aim[1], 0), free[1])
    return int(generator.integers(free[0] + 1)), int(generator.integers(free[1] + 1))


def cut(array: NDArray[Number], where: tuple[int, int], side: int) -> NDArray[Number]:
    """Return a crop of (..., rows, cols), mirrored where the picture is smaller than one."""
    part = array[..., where[0] : where[0] + side, where[1] : where[1] + side]
    more = (side - part.shape[-2], side - part.shape[-1])
    if not any(more):
        return part
    return np.pad(part, [(0, 0)] * (part.ndim - 2) + [(0, more[0]), (0, more[1])], mode="symmetric")
