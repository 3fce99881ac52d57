"""The measured micrographs that judge segmentation, as pictures and class indices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fedbragg.tasks.segments.data import LabelledPicture, SegmentData
from fedbragg.tasks.segments.picture_file import read_picture

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "micrographs"
DARK = 127
"""A drawn boundary is darker or brighter than this; the masks have soft edges."""


def available() -> bool:
    """Return whether the measured micrographs are here."""
    return FOLDER.is_dir()


def superalloy(part: str) -> SegmentData:
    """Return part "train", "val" or "test": 0 matrix, 1 secondary, 2 tertiary precipitates (blue, red)."""
    folder = FOLDER / "superalloy" / part
    return SegmentData(
        tuple(
            LabelledPicture(read_picture(path), _by_colour(folder / "masks" / path.name))
            for path in sorted((folder / "images").glob("*.png"))
        ),
        3,
    )


def grain_boundaries() -> SegmentData:
    """Return eleven etched photographs: 0 grain, 1 boundary."""
    folder = FOLDER / "grain-boundaries"
    return SegmentData(
        tuple(
            LabelledPicture(read_picture(path), _drawn(folder / "masks" / path.name))
            for path in sorted((folder / "images").glob("*.png"))
        ),
        2,
    )


def _by_colour(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        if image.mode == "L":  # some masks hold indices already
            return np.asarray(image)
        colours = np.asarray(image.convert("RGB")).astype(int)
    red, green, blue = colours[..., 0], colours[..., 1], colours[..., 2]
    return np.select(
        [(blue > red + 64) & (blue > green + 64), (red > blue + 64) & (red > green + 64)], [1, 2], 0
    ).astype(np.uint8)


def _drawn(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        grey = np.asarray(image.convert("L"))
    lines = grey > DARK
    return (lines if lines.mean() < 0.5 else ~lines).astype(np.uint8)  # lines are the smaller part
