"""NumPy files: one array (rows, cols) or (frames, rows, cols)."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.images.files.image_file import UnreadableFileError, opened_by
from fedbragg.images.format import Format
from fedbragg.images.header import Header
from fedbragg.types import Counts

LOAD_ERRORS = (
    *(OSError, ValueError, EOFError, KeyError, NotImplementedError, MemoryError),
    *(zipfile.BadZipFile, zlib.error),
)
"""Errors that NumPy raises on damaged files, found by trial."""


@dataclass(frozen=True, slots=True, eq=False)
class NumpyFile:
    """The array of a file: of a .npy file mapped, so that a frame is read when it is asked for."""

    frames: NDArray[Any]  # (frames, rows, cols)
    header: Header = field(default_factory=Header)

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.frames)

    def pixels(self, index: int) -> Counts:
        """Return a copy of one frame, or raise UnreadableFileError."""
        try:
            return np.array(self.frames[index])
        except (OSError, ValueError) as error:
            raise UnreadableFileError(f"cannot be read ({error}). Save the file again.") from None


def _open(path: str) -> NumpyFile:
    try:
        array = _only_array(path) if path.lower().endswith(".npz") else np.load(path, "r", allow_pickle=False)
    except LOAD_ERRORS as error:
        raise UnreadableFileError(
            f"no readable NumPy file ({error}). Save it again with numpy.save."
        ) from None
    if array.ndim not in (2, 3) or 0 in array.shape[-2:]:
        raise UnreadableFileError(
            f"shape {array.shape} is not an image. Give (rows, cols) or (frames, rows, cols)."
        )
    return NumpyFile(array if array.ndim == 3 else array[np.newaxis])


def _only_array(path: str) -> NDArray[Any]:
    with np.load(path, allow_pickle=False) as archive:
        names = archive.files
        if len(names) != 1:
            raise UnreadableFileError(
                f"holds {len(names)} arrays ({', '.join(names)}). Give a file with one array."
            )
        array: NDArray[Any] = archive[names[0]]
        return array


NUMPY = Format(
    "NumPy",
    (".npy", ".npz"),
    opened_by(_open),
    lambda start: start.startswith(b"\x93NUMPY"),  # an archive may hold anything: it needs its extension
    single_frame=False,
    compressed=False,
)
