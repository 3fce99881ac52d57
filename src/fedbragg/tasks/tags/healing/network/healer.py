"""The packaged healing network, opened by ONNX Runtime and applied to an image of any size, tile by tile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.models.onnx_file import open_session, packaged, read_card
from fedbragg.tasks.tags.healing.healed import FilledBy, GappedImage, Healed, filled
from fedbragg.tasks.tags.healing.network.card import HealingCard
from fedbragg.tasks.tags.healing.network.directions import directional_fills
from fedbragg.tasks.tags.healing.reach import between_measured
from fedbragg.tasks.tags.healing.symmetry.defects import defects

TILE, MARGIN = 256, 64
"""Pixels along a tile's edge, and those at each side that only serve as surroundings; both multiples of 64."""
SIZE = TILE + 2 * MARGIN
REMEDY = "Give a model that scripts/build-healing-model wrote."

Part = tuple[slice, slice]


class Healer:
    """An opened healing network."""

    def __init__(self, path: Path) -> None:
        """Open a model file; raise ModelFileError for any other file."""
        self._session = open_session(path, 1, REMEDY)
        self.card = read_card(path, self._session, HealingCard.from_json, REMEDY)

    def __call__(self, image: GappedImage) -> Healed:
        """Fill the gaps between measured pixels."""
        usable = image.measured & ~defects(image.counts, image.measured)
        gap = between_measured(image.measured)
        values = np.full(gap.shape, np.nan, np.float32)
        for around, inner in _tiles(gap.shape):
            if gap[inner].any():
                found = self._expected(image.counts[around], usable[around])
                values[inner] = found[_within(around, inner)]
        return filled(image, np.where(gap, values, np.nan), np.full(gap.shape, FilledBy.NETWORK, np.uint8))

    def _expected(self, counts: NDArray[np.float32], usable: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Return the expected counts (rows, cols) of a part of an image."""
        rows, cols = counts.shape
        light, there = np.zeros((SIZE, SIZE), np.float32), np.zeros((SIZE, SIZE), np.bool_)
        light[:rows, :cols] = np.where(usable, np.maximum(counts, 0), 0)
        there[:rows, :cols] = usable
        fills, ends = directional_fills(light, there)
        inputs: dict[str, Any] = {
            "counts": light[None, None],
            "measured": there[None, None].astype(np.float32),
            "fills": fills[None],
            "there": ends[None].astype(np.float32),
        }
        logarithm = self._session.run(None, inputs)[0][0, 0, :rows, :cols]
        return np.asarray(np.expm1(logarithm))


def default_model() -> Path:
    """Return the model file in the package."""
    return packaged(__file__, "scripts/build-healing-model")


def _tiles(shape: tuple[int, ...]) -> Iterator[tuple[Part, Part]]:
    """Yield parts of an image that cover it without overlap, each after the part with its surroundings."""
    rows, cols = shape
    for row in range(0, rows, TILE):
        for col in range(0, cols, TILE):
            inner = (slice(row, min(row + TILE, rows)), slice(col, min(col + TILE, cols)))
            around = tuple(
                slice(max(part.start - MARGIN, 0), min(part.stop + MARGIN, size))
                for part, size in zip(inner, shape, strict=True)
            )
            yield (around[0], around[1]), inner


def _within(around: Part, inner: Part) -> Part:
    row, col = (slice(i.start - a.start, i.stop - a.start) for a, i in zip(around, inner, strict=True))
    return row, col
