"""Stream2 messages of small detectors: written by our encoder, or field by field where a sender does odd things."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import cbor2
import numpy as np
from numpy.typing import NDArray

from fedbragg.live.stream2.encoding import (
    SeriesDescription,
    array,
    end_message,
    image_message,
    packer,
    start_message,
)
from fedbragg.types import Geometry

GEOMETRY = Geometry("made for a test", 0.9763, 0.175, (35.5, 20.25), (75e-6, 80e-6))
SHAPE = (72, 90)


def counts_of(index: int, shape: tuple[int, int] = SHAPE, dtype: str = "u2") -> NDArray[Any]:
    """Flat frames; every third has fifteen bright spots anywhere. The last columns are a gap."""
    rng = np.random.default_rng(index)
    counts = rng.poisson(2, shape).astype(dtype)
    if index % 3 == 1:
        rows, cols = (rng.integers(4, length - 6, 15) for length in shape)
        for row, col in zip(rows, cols, strict=True):
            counts[row - 1 : row + 2, col - 1 : col + 2] += 20
            counts[row, col] += 60
    counts[:, -2:] = np.iinfo(dtype).max
    return counts


@dataclass(frozen=True)
class Series:
    """One series of a small detector."""

    name: str
    images: int
    shape: tuple[int, int] = SHAPE
    dtype: str = "u2"
    compression: str = "bslz4"
    mask: NDArray[np.bool_] | None = None
    saturation: float | None = None

    @property
    def described(self) -> SeriesDescription:
        return SeriesDescription(self.name, 7, self.shape, self.images, GEOMETRY, self.mask, self.saturation)

    @property
    def start(self) -> bytes:
        return start_message(self.described)

    @property
    def end(self) -> bytes:
        return end_message(self.described)

    def image(self, number: int, counts: NDArray[Any] | None = None) -> bytes:
        pixels = counts_of(number, self.shape, self.dtype) if counts is None else counts
        return image_message(self.described, number, array(pixels, packer(self.compression)))

    def whole(self, numbers: Iterable[int] | None = None) -> list[bytes]:
        """Return start, images and end."""
        listed = range(self.images) if numbers is None else numbers
        return [self.start, *map(self.image, listed), self.end]


def message(**fields: Any) -> bytes:
    """Return a message of these fields, and of series s where none is named."""
    return cbor2.dumps({"series_unique_id": "s", **fields})


def image(data: Any, **fields: Any) -> bytes:
    """Return an image message whose only channel holds ``data``."""
    return message(type="image", **{"image_id": 0, "data": {"threshold_1": data}, **fields})


def tagged_array(shape: Any, tag: int, content: Any) -> cbor2.CBORTag:
    return cbor2.CBORTag(40, [shape, cbor2.CBORTag(tag, content)])


def packed(algorithm: Any, element: Any, data: Any) -> cbor2.CBORTag:
    return cbor2.CBORTag(56500, [algorithm, element, data])
