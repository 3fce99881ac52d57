"""A mask in a file of its own: which pixels to ignore."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import InputError
from fedbragg.images import open_run


def read_mask(path: Path) -> NDArray[np.bool_]:
    """Return the mask (rows, cols) of a file, True = ignore: pixels that are not 0, as pyFAI and Dioptas write it.

    Reads .npy, .png and every image format. Raises InputError where the file is no mask.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such mask file. Check the path.")
    pixels = _pixels(path)
    if pixels.ndim == 3 and path.suffix.lower() == ".png":
        pixels = pixels[..., :3].max(axis=2)
    if pixels.ndim != 2:
        raise InputError(f"{path}: has {pixels.ndim} axes, a mask has rows and columns.")
    mask = np.asarray(pixels != 0)
    if mask.all():
        raise InputError(
            f"{path}: ignores every pixel. Pixels to ignore are those that are not 0; invert the mask."
        )
    return mask


def _pixels(path: Path) -> NDArray[Any]:
    kind = path.suffix.lower()
    if kind not in (".npy", ".png"):
        frame = open_run(path)[0]
        return frame.counts
    try:
        if kind == ".npy":
            return np.asarray(np.load(path, allow_pickle=False))
        from matplotlib.image import imread

        return np.asarray(imread(path))
    except (OSError, ValueError, EOFError, SyntaxError) as error:
        text = " ".join(str(error).split())[:120]
        raise InputError(f"{path}: cannot be read as a mask ({text}). Save it again.") from None
