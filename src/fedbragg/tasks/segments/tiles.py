"""Segment a picture of any size tile by tile: the tiles overlap, and each gives the pixels nearest to its middle."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.ordered_map import ordered_map
from fedbragg.tasks.segments.prepare import Scaling, scaled, scaling_of

STRIDE = 64
"""pixel, by whose multiples the network reads a picture."""
TILE = 1152
"""pixel, the longest edge of a tile."""
MARGIN = 64
"""pixel, around a tile's inside, so that what is kept has seen its surroundings."""

Forward = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""From scaled pictures (1, 3, rows, cols) to probabilities (1, classes, rows, cols)."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of a picture: the region that is read, and the part of the answer that is kept."""

    read: tuple[slice, slice]  # rows and columns in the picture
    kept: tuple[slice, slice]  # rows and columns in the picture
    inside: tuple[slice, slice]  # the same in the tile


def tiles(shape: tuple[int, int], size: int = TILE, margin: int = MARGIN) -> Iterator[Tile]:
    """Yield tiles that together keep every pixel of a picture (rows, cols) once."""
    for row_read, row_kept in _spans(shape[0], size, margin):
        for col_read, col_kept in _spans(shape[1], size, margin):
            inside = tuple(
                slice(kept.start - read.start, kept.stop - read.start)
                for read, kept in ((row_read, row_kept), (col_read, col_kept))
            )
            yield Tile((row_read, col_read), (row_kept, col_kept), (inside[0], inside[1]))


def number_of_tiles(shape: tuple[int, int], size: int = TILE, margin: int = MARGIN) -> int:
    """Return how many tiles a picture (rows, cols) has."""
    return len(_spans(shape[0], size, margin)) * len(_spans(shape[1], size, margin))


def segment(
    picture: NDArray[Any], forward: Forward, scaling: Scaling | None = None, workers: int = 0
) -> NDArray[np.float16]:
    """Return the probability of every class at every pixel, (classes, rows, cols).

    ``scaling`` is that of the whole picture where this one is a part. As many tiles as there are ``workers`` are worked
    on at a time; with none it is one, in the caller's thread.
    """
    scaling, shape = scaling or scaling_of(picture), (picture.shape[0], picture.shape[1])

    def answered(tile: Tile) -> tuple[Tile, NDArray[np.float32]]:
        return tile, _padded(scaled(picture[tile.read], scaling), forward)

    found: NDArray[np.float16] | None = None
    for tile, answer in ordered_map(answered, tiles(shape), workers, workers + 1):
        if found is None:
            found = np.empty((len(answer), *shape), np.float16)
        found[:, *tile.kept] = answer[:, *tile.inside]
    if found is None:
        raise ValueError("a picture has at least one tile")
    return found


def _padded(part: NDArray[np.float32], forward: Forward) -> NDArray[np.float32]:
    """Segment a part (3, rows, cols), mirrored at its end where its size is no multiple of STRIDE."""
    rows, cols = part.shape[1:]
    more = (-rows % STRIDE, -cols % STRIDE)
    if any(more):
        part = np.pad(part, ((0, 0), (0, more[0]), (0, more[1])), mode="symmetric")
    answer: NDArray[np.float32] = forward(part[None])[0, :, :rows, :cols]
    return answer


def _spans(length: int, size: int, margin: int) -> list[tuple[slice, slice]]:
    """Return the ranges that are read and kept along one axis."""
    if length <= size:
        return [(slice(0, length), slice(0, length))]
    number = -(-(length - 2 * margin) // (size - 2 * margin))
    each = -(-(length - 2 * margin) // number)
    inside = min(-(-each // STRIDE) * STRIDE, size - 2 * margin)  # shared out evenly, the tiles overlap least
    size = inside + 2 * margin
    starts = [min(i * inside, length - size) for i in range(number)]
    kept = [0, *(start + margin for start in starts[1:]), length]
    return [(slice(start, start + size), slice(kept[i], kept[i + 1])) for i, start in enumerate(starts)]
