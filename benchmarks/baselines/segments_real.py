"""The measured micrographs that judge segmentation, as pictures and class indices."""

from __future__ import annotations

from collections.abc import Callable
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
    """Return whether the measured micrographs are on this machine."""
    return FOLDER.is_dir()


def superalloy(part: str, style: str = "") -> SegmentData:
    """Return part "train", "val" or "test": 0 matrix, 1 secondary, 2 tertiary precipitates (blue, red).

    ``style`` is a part of the file's name: "_0d_" or "_180d_".
    """
    folder = FOLDER / "superalloy" / part
    return _pairs(folder / "images", folder / "masks", f"*{style}*.png" if style else "*.png", _by_colour, 3)


def specimens() -> list[str]:
    """Return the names of the barrier coatings' specimens."""
    names = (FOLDER / "barrier-coating" / "images").glob("*.png")
    return sorted({_specimen(path.stem) for path in names})


def coating(part: str, specimen: str) -> SegmentData:
    """Return a specimen's pictures of part "train" or "val": 0 background, 1 oxide, 2 crack."""
    folder = FOLDER / "barrier-coating"
    return _pairs(folder / "images", folder / "masks", f"{part}_{specimen}_*.png", _indices, 3)


def grain_boundaries() -> SegmentData:
    """Return eleven etched photographs: 0 grain, 1 boundary."""
    folder = FOLDER / "grain-boundaries"
    return _pairs(folder / "images", folder / "masks", "*.png", _drawn, 2)


STEEL_FOLDS = (
    (1176, 1219, 357, 333),
    (235, 360, 1528, 579),
    (220, 495, 1061, 75),
    (6, 1648, 295, 1289),
    (1579, 596, 312, 1150),
    (7, 477, 124, 599),
)
"""Numbers of the micrographs that judge in each fold of those who labelled them.

DeCost, Francis, Holm (2019), Microsc. Microanal. 25, 21; folds: bdecost/uhcs-segment, data/uhcs-validation-sets.json.
"""


def steel() -> dict[int, LabelledPicture]:
    """Return 24 micrographs of ultrahigh-carbon steel by number.

    Classes: 0 matrix, 1 network, 2 spheroidite, 3 Widmanstätten.
    """
    found = {}
    for part in ("train", "val"):
        folder = FOLDER / "uhcs-steel" / part
        for path in sorted((folder / "images").glob("*.png")):
            labelled = LabelledPicture(read_picture(path), _indices(folder / "masks" / path.name))
            found[int(path.stem.removeprefix("uhcs"))] = labelled
    return found


def _pairs(
    images: Path, masks: Path, pattern: str, read: Callable[[Path], NDArray[np.uint8]], classes: int
) -> SegmentData:
    return SegmentData(
        tuple(
            LabelledPicture(read_picture(path), read(masks / path.name))
            for path in sorted(images.glob(pattern))
        ),
        classes,
    )


def _specimen(stem: str) -> str:
    """Return the name between the part and the spot: train_S879_062216-3-31cyc0030 is of S879."""
    return stem.split("_")[1]


def _indices(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image.convert("L"))


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
