"""Micrographs and masks as files: PNG, TIFF, JPEG and BMP, 8 and 16 bit, grey or colour."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import InputError

Picture = NDArray[Any]
"""(rows, cols) grey or (rows, cols, 3) red, green, blue; uint8 or uint16 as the file has it."""
SUFFIXES = (".png", ".tif", ".tiff", ".jpg", ".jpeg", ".bmp")
SMALLEST = 16
"""pixel, the shortest side of a picture that shows any structure."""
LARGEST = 1 << 30
"""pixel, more than any instrument writes; a damaged header must not fill the memory."""
_one_at_a_time = threading.Lock()  # Pillow's limit is one for the whole process


def read_picture(path: Path) -> Picture:
    """Read a micrograph; transparency is left out. Raise InputError, which names the file, for any other file."""
    picture = _decode(path, _levels)
    if min(picture.shape[:2]) < SMALLEST:
        rows, cols = picture.shape[:2]
        raise InputError(
            f"{path}: {cols} x {rows} pixels are too few; give at least {SMALLEST} x {SMALLEST}."
        )
    return picture


def read_mask(path: Path, shape: tuple[int, ...] | None, classes: int) -> NDArray[np.uint8]:
    """Read the class index of every pixel, 255 where it is unknown.

    Raises InputError, which names the file, for a mask of another size than ``shape`` (rows, cols; None
    takes any), for a colour picture, and for an index of no class.
    """
    mask = _decode(path, _indices)
    if mask.ndim == 3:
        raise InputError(
            f"{path}: a colour picture. Give a grey one whose pixels are class indices from 0, 255 for unknown."
        )
    if shape is not None and mask.shape != shape[:2]:
        rows, cols = mask.shape
        raise InputError(
            f"{path}: {cols} x {rows} pixels, its picture has {shape[1]} x {shape[0]}. Give its mask."
        )
    unknown = np.setdiff1d(np.unique(mask), [*range(classes), 255])
    if len(unknown):
        raise InputError(
            f"{path}: the value {unknown[0]} is not a class. Give indices from 0 to {classes - 1}, 255 for unknown."
        )
    return mask.astype(np.uint8)


def _decode(path: Path, pixels: Callable[[Any], Picture]) -> Picture:
    from PIL import Image, UnidentifiedImageError

    if not path.is_file():
        raise InputError(f"{path}: no such file. Give a picture: {', '.join(SUFFIXES)}.")
    try:
        with _large_pictures(), Image.open(path) as image:
            return pixels(image)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        reason = "not a picture" if isinstance(error, UnidentifiedImageError) else str(error)
        raise InputError(
            f"{path}: cannot be read ({reason}). Give a picture: {', '.join(SUFFIXES)}."
        ) from None


def _levels(image: Any) -> Picture:
    """Return the levels of an opened picture: grey of its depth, or 8-bit colour."""
    if image.mode.startswith("I"):
        return _deep(image)
    if image.mode == "F":
        raise ValueError("its pixels are fractions; write it with 8 or 16 bits")
    return np.asarray(image.convert("L" if image.mode in ("1", "L", "LA") else "RGB"))


def _indices(image: Any) -> Picture:
    """Return the numbers that an opened mask holds; of a palette its indices, not its colours."""
    if image.mode.startswith("I"):
        return _deep(image)
    if image.mode in ("1", "L", "P"):
        return np.asarray(image).astype(np.uint8)
    return np.asarray(image.convert("RGB"))


def _deep(image: Any) -> Picture:
    deep = np.asarray(image)
    if deep.min() < 0 or deep.max() > 0xFFFF:
        raise ValueError("its values do not fit 16 bits")
    return deep.astype(np.uint16)


@contextmanager
def _large_pictures() -> Iterator[None]:
    """Let Pillow open large micrographs, which it otherwise takes for an attack."""
    from PIL import Image

    with _one_at_a_time:
        before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, LARGEST
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before
