"""Draw a frame as a picture with its spots marked."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.types import Frame, Spot

PIXELS = 560
"""Longest edge of a picture; of larger frames each block of pixels becomes its maximum, so that spots survive."""
MOST_FULL_SIZE = 150
"""Up to this many spots the rings have full size; with more they shrink, so that they do not hide the picture."""


FORMATS = {".jpg": "jpg", ".jpeg": "jpg", ".png": "png", ".webp": "webp"}
"""Pillow's format, by the extension of the file."""
QUALITY: dict[str, dict[str, Any]] = {
    "jpg": {"quality": 82, "subsampling": 0},
    "webp": {"quality": 85},
}
"""Pillow's options for each format; a PNG is lossless."""


def picture(frame: Frame, spots: Sequence[Spot], title: str = "", form: str = "jpg") -> bytes:
    """Return a picture of the frame with a ring around every spot; more counts are darker, masked pixels are blue.

    ``form`` is one of the values of FORMATS.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    grey, masked, step = _reduced(frame)
    rows, cols = grey.shape
    figure = Figure(figsize=(cols / 100, rows / 100 + (0.25 if title else 0)), dpi=100)
    axes = figure.add_axes((0, 0, 1, rows / (rows + 25) if title else 1))
    colours = np.repeat(1 - grey[:, :, None], 3, axis=2)
    colours[masked] = (0.86, 0.90, 0.95)
    axes.imshow(colours, interpolation="nearest", aspect="equal")
    size = min(1.0, MOST_FULL_SIZE / max(len(spots), 1))
    axes.scatter(
        [spot.column / step for spot in spots],
        [spot.row / step for spot in spots],
        s=60 * max(size, 0.2), facecolors="none", edgecolors="#d1491b", linewidths=0.9 * max(size, 0.5),
    )  # fmt: skip
    axes.set(xlim=(-0.5, cols - 0.5), ylim=(rows - 0.5, -0.5))
    axes.axis("off")
    if title:
        figure.text(0.01, 0.995, title, fontsize=8, va="top")
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_figure(buffer, format=form, pil_kwargs=QUALITY.get(form, {}))
    return buffer.getvalue()


def _reduced(frame: Frame) -> tuple[NDArray[np.float32], NDArray[np.bool_], int]:
    """Return darkness from 0 to 1 and mask at picture size, and the detector pixels along one pixel of the picture."""
    step = max(1, -(-max(frame.counts.shape) // PIXELS))
    rows, cols = (length // step * step for length in frame.counts.shape)
    blocks = (rows // step, step, cols // step, step)
    counts = np.where(frame.mask, 0, frame.counts).astype(np.float32)[:rows, :cols]
    highest = counts.reshape(blocks).max(axis=(1, 3))
    masked = np.asarray(frame.mask[:rows, :cols].reshape(blocks).all(axis=(1, 3)), np.bool_)
    return _contrast(highest, masked), masked, step


def _contrast(values: NDArray[np.float32], masked: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Scale the square roots of counts, whose noise is uniform, so that weak spots are visible."""
    roots = np.sqrt(np.maximum(values, 0))
    valid = roots[~masked]
    if valid.size == 0:
        return np.zeros_like(roots)
    low = np.percentile(valid, 5)
    high = max(np.percentile(valid, 99.7), low + 2.5)
    return np.asarray(np.clip((roots - low) / (high - low), 0, 1), np.float32)
