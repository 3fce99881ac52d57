"""A micrograph as people see it, and with what was found in it drawn over."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.metrics.segmentation import Instances, edges
from fedbragg.tasks.segments.prepare import Scaling, scaling_of

LARGEST = 1024
"""pixel, the longest side of a picture on the page."""
OVERLAID = 4096
"""pixel, the longest side of an overlay."""
COLOURS = ((0.85, 0.15, 0.10), (0.10, 0.45, 0.85), (0.95, 0.60, 0.05), (0.15, 0.60, 0.25), (0.55, 0.25, 0.65))
"""Colours of the classes after the first, in turn."""
TINT = 0.35
"""Share of a class's colour in the overlay; its rim has the whole colour."""


def as_shown(picture: NDArray[Any]) -> NDArray[np.uint8]:
    """Return a picture (rows, cols, 3) with its own contrast, whatever its depth.

    Of one with a side beyond OVERLAID only every second, third ... pixel is shown.
    """
    scaling, picture = scaling_of(picture), picture[_seen(picture.shape)]
    if picture.dtype in (np.uint8, np.uint16):  # few levels: each is worked out once
        shown = _levels(np.arange(np.iinfo(picture.dtype).max + 1), scaling)[picture]
    else:
        shown = _levels(picture, scaling)
    return shown if picture.ndim == 3 else np.repeat(shown[..., None], 3, axis=2)


def _levels(grey: NDArray[Any], scaling: Scaling) -> NDArray[np.uint8]:
    """Return grey levels as they are shown, from 0 to 255."""
    levels = np.clip((grey - scaling.middle) / scaling.half, -1, 1).astype(np.float32) / 2 + 0.5
    return (levels * 255).astype(np.uint8)


def overlay(shown: NDArray[np.uint8], labels: NDArray[np.uint8], instances: Instances) -> NDArray[np.uint8]:
    """Return a picture of ``as_shown`` with its classes tinted and its instances outlined."""
    labels, instances = labels[_seen(labels.shape)], instances[_seen(labels.shape)]
    drawn = shown.copy()
    for index in np.unique(labels[labels > 0]):
        colour, inside = np.array(COLOURS[(index - 1) % len(COLOURS)], np.float32), labels == index
        drawn[inside] = np.float32(1 - TINT) * shown[inside] + TINT * 255 * colour
    drawn[edges(instances)] = 255 * np.array(COLOURS[0])
    return drawn


def _seen(shape: tuple[int, ...]) -> tuple[slice, slice]:
    every = -(-max(shape[:2]) // OVERLAID)
    return slice(None, None, every), slice(None, None, every)


def as_jpeg(picture: NDArray[np.uint8]) -> bytes:
    """Return a picture (rows, cols, 3) as JPEG, no larger than a page shows."""
    from PIL import Image

    image = Image.fromarray(picture)
    image.thumbnail((LARGEST, LARGEST))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=88)
    return buffer.getvalue()
