"""Frames in NumPy files: (rows, cols) or (frames, rows, cols)."""

from __future__ import annotations

import zipfile
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import FrameError, RunError
from fedbragg.images.mask import Trusted
from fedbragg.images.source import Shared, as_counts
from fedbragg.types import Frame, Geometry


class ArraySource:
    """A .npy file, read frame by frame, or the only array of a .npz file."""

    def __init__(self, path: str, shared: Shared) -> None:
        self.path = path
        self._masks = shared.masks
        self.geometry = Geometry()
        try:
            self._frames = _load(path)
        except RunError:
            raise
        except (
            OSError,
            ValueError,
            EOFError,
            zipfile.BadZipFile,
            zlib.error,
            NotImplementedError,
            MemoryError,
            KeyError,
        ) as error:
            raise RunError(
                f"{path}: no readable NumPy file ({error}). Save it again with numpy.save."
            ) from None

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self._frames)

    def read(self, index: int) -> Frame:
        """Return one frame, or raise FrameError."""
        try:
            pixels = np.array(self._frames[index])
        except (OSError, ValueError) as error:
            raise FrameError(self.path, index, f"cannot be read ({error}). Save the file again.") from None
        counts = as_counts(pixels, self.path, index)
        return Frame(counts, self._masks.mask(counts, None, Trusted()), self.path, index)

    def close(self) -> None:
        """Let go of the file."""
        self._frames = self._frames[:0]


def _load(path: str) -> NDArray[Any]:
    array: NDArray[Any]
    if path.lower().endswith(".npz"):
        with np.load(path, allow_pickle=False) as archive:
            names = archive.files
            if len(names) != 1:
                raise RunError(
                    f"{path}: holds {len(names)} arrays ({', '.join(names)}). Give a file with one array."
                )
            array = archive[names[0]]
    else:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    if array.ndim not in (2, 3) or 0 in array.shape[-2:]:
        raise RunError(f"{path}: shape {array.shape} is no image. Give (rows, cols) or (frames, rows, cols).")
    return array if array.ndim == 3 else array[np.newaxis]
