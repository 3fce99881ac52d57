"""A healed image beside the measured one."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from fedbragg.tasks.tags.healing.healed import GappedImage, Healed

HEIGHT = 5.0
"""Inches of the pictures."""
UNKNOWN = (0.86, 0.90, 0.95)


def before_and_after(image: GappedImage, healed: Healed) -> bytes:
    """Return a PNG of both on one logarithmic scale; pixels not measured, or not filled, are pale blue."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows, cols = image.counts.shape
    width = min(max(HEIGHT * cols / rows, 2.0), 3 * HEIGHT)
    figure = Figure(figsize=(2 * width, HEIGHT + 0.3), dpi=100, layout="constrained")
    low, high = _limits(image)
    for position, (title, counts) in enumerate(
        (("measured", np.where(image.measured, image.counts, np.nan)), ("healed", healed.counts)), 1
    ):
        axes = figure.add_subplot(1, 2, position)
        axes.imshow(_coloured(counts, low, high), interpolation="nearest")
        axes.set_title(title, fontsize=9)
        axes.axis("off")
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_figure(buffer, format="png")
    return buffer.getvalue()


def _limits(image: GappedImage) -> tuple[float, float]:
    """Return the logarithms that are darkest and brightest, from measured pixels alone."""
    low, high = np.percentile(np.log1p(np.maximum(image.counts[image.measured], 0)), (0.5, 99.8))
    return float(low), max(float(high), float(low) + 0.1)


def _coloured(counts: NDArray[np.float32], low: float, high: float) -> NDArray[np.float32]:
    """Return colours (rows, cols, 3) of the logarithm of counts."""
    from matplotlib import colormaps

    known = np.isfinite(counts)
    share = (np.log1p(np.maximum(np.where(known, counts, 0), 0)) - low) / (high - low)
    colours = colormaps["inferno"](np.clip(share, 0, 1))[..., :3]
    colours[~known] = UNKNOWN
    return np.asarray(colours, np.float32)
