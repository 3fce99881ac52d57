"""A frame as a small picture: the highest count of each block of pixels, on a logarithmic scale."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.types import Frame, Verdict

LONGEST = 300
"""Pixels of the longer edge of a picture."""
BRIGHTEST = 99.9
"""Percentile of the blocks that is drawn black if far enough above the median, which is drawn white."""
FAINTEST = 3.0
"""Black is at least this many times the median, and this many counts above it: else noise would be drawn black."""


@dataclass(frozen=True, slots=True, eq=False)
class Thumbnail:
    """A small picture of a frame, and where its spots are."""

    series: str
    number: int  # in the series
    score: float | None
    png: bytes
    size: tuple[int, int]  # columns, rows of the frame in pixels
    spots: tuple[tuple[float, float], ...]  # column, row in pixels of the frame


def thumbnail(series: str, number: int, frame: Frame, verdict: Verdict) -> Thumbnail:
    """Return a frame's picture: white at its background, dark at its spots, blue where it is masked."""
    from PIL import Image

    highest, masked = _reduced(frame)
    picture = Image.fromarray(_coloured(highest, masked))
    content = io.BytesIO()
    picture.save(content, "PNG")
    rows, columns = frame.counts.shape
    spots = tuple((round(spot.column, 1), round(spot.row, 1)) for spot in verdict.spots)
    return Thumbnail(series, number, verdict.score, content.getvalue(), (columns, rows), spots)


def _reduced(frame: Frame) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the highest valid count of each block (block rows, block cols), and where all pixels are masked."""
    step = max(1, -(-max(frame.counts.shape) // LONGEST))
    highest = _blocks(np.where(frame.mask, frame.counts.dtype.type(0), frame.counts), step, np.maximum)
    return np.maximum(highest, 0).astype(np.float32), _blocks(frame.mask, step, np.logical_and)


def _blocks(pixels: NDArray[Any], step: int, join: Any) -> NDArray[Any]:
    """Join each block of ``step`` x ``step`` pixels; the last ones may be smaller."""
    return _bands(_bands(pixels, step, join).T, step, join).T


def _bands(pixels: NDArray[Any], step: int, join: Any) -> NDArray[Any]:
    """Join each ``step`` rows, whole rows at once, which is ten times faster than block by block."""
    joined = pixels[::step].copy()
    for first in range(1, step):
        rows = pixels[first::step]
        join(joined[: len(rows)], rows, out=joined[: len(rows)])
    return joined


def _coloured(highest: NDArray[np.float32], masked: NDArray[np.bool_]) -> NDArray[np.uint8]:
    seen = highest[~masked]
    level, top = np.percentile(seen, (50, BRIGHTEST)) if seen.size else (0.0, 0.0)
    low, high = np.log1p(level), np.log1p(max(top, FAINTEST * level + FAINTEST))
    grey = 255 - np.clip((np.log1p(highest) - low) / (high - low) * 255, 0, 255)
    picture = np.repeat(np.rint(grey)[..., None], 3, axis=2).astype(np.uint8)
    picture[masked] = (185, 211, 234)
    return picture
