"""An image as the detector packed it: bytes that an HDF5 file can hold as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

BITSHUFFLE_LZ4, LZ4, NO_COMPRESSION = "bslz4", "lz4", "none"
"""The compressions that are read here, by DECTRIS' names; the bytes are those of HDF5's filters."""


@dataclass(frozen=True, slots=True, eq=False)
class PackedImage:
    """An image as the detector packed it; its declared size has been compared with the bytes that are there."""

    shape: tuple[int, int]  # rows, columns
    dtype: np.dtype[Any]
    compression: str  # bslz4, lz4 or none; another one has no decoder here
    element: int  # bytes of the elements that bitshuffle transposed; 0 for others
    data: bytes

    @property
    def size(self) -> int:
        """Return the bytes of the unpacked image."""
        return self.shape[0] * self.shape[1] * self.dtype.itemsize
