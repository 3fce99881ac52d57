"""An image as the detector packed it: bytes that fit unchanged into an HDF5 file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fedbragg.live.message import MessageError

BITSHUFFLE_LZ4, BITSHUFFLE_ZSTD, LZ4, NO_COMPRESSION = "bslz4", "bszstd", "lz4", "none"
"""Supported compressions, by their senders' names; the bytes are those of HDF5's filters."""
BITSHUFFLED = (BITSHUFFLE_LZ4, BITSHUFFLE_ZSTD)
LARGEST = 1 << 28
"""Bytes of an unpacked image; 18 megapixels of 64 bits are 145 million."""
LARGEST_FACTOR = {BITSHUFFLE_LZ4: 255, LZ4: 255, BITSHUFFLE_ZSTD: 2048}
"""Largest compression factors. LZ4: 255. Zstandard packs a block of equal bytes, at most 16 kB, into 13."""
HEADER = 12
"""Bytes before the first block: the unpacked size of all blocks (8, big-endian), and of one (4)."""


@dataclass(frozen=True, slots=True, eq=False)
class PackedImage:
    """An image as the detector packed it; its declared size has been checked against its bytes."""

    shape: tuple[int, int]  # rows, columns
    dtype: np.dtype[Any]
    compression: str  # bslz4, bszstd, lz4 or none; another one has no decoder here
    element: int  # bytes of the elements that bitshuffle transposed; 0 for others
    data: bytes

    @property
    def size(self) -> int:
        """Return the bytes of the unpacked image."""
        return self.shape[0] * self.shape[1] * self.dtype.itemsize


def checked(image: PackedImage) -> PackedImage:
    """Return an image whose declared size is within a limit and fits its bytes, else raise MessageError.

    The check comes before any allocation of the declared size.
    """
    rows, columns = image.shape
    what = f"{rows} x {columns} {image.dtype} are {image.size} bytes"
    if image.size > LARGEST:
        raise MessageError(f"{what}, more than any detector sends.")
    if image.compression == NO_COMPRESSION:
        stated = len(image.data)
    elif image.compression in LARGEST_FACTOR:
        stated = int.from_bytes(image.data[:8], "big")
    else:
        return image
    if stated != image.size:
        raise MessageError(f"{what}, but its data hold {stated}.")
    if image.size > LARGEST_FACTOR.get(image.compression, 1) * len(image.data):
        raise MessageError(f"{what}, which {len(image.data)} packed bytes cannot hold.")
    return image


def with_lz4_header(block: bytes, size: int) -> bytes:
    """Return a bare LZ4 block that unpacks to ``size`` bytes in HDF5's framing (filter 32004), as one block."""
    return size.to_bytes(8, "big") + size.to_bytes(4, "big") + len(block).to_bytes(4, "big") + block


def with_bitshuffle_header(blocks: bytes, size: int, width: int) -> bytes:
    """Return bitshuffle's bare blocks of elements of ``width`` bytes in HDF5's framing (filter 32008).

    Writers take blocks of 4096 elements, or of 8 kB by default; the blocks' own sizes show which.
    Raises MessageError where neither fits.
    """
    for block in (4096 * width, 8192):
        if _ends_with_blocks_of(block, blocks, size, width):
            return size.to_bytes(8, "big") + block.to_bytes(4, "big") + blocks
    raise MessageError("its bitshuffled blocks do not have the size of its image.")


def _ends_with_blocks_of(block: int, blocks: bytes, size: int, width: int) -> bool:
    """Tell whether blocks of ``block`` bytes, a shorter last one, and up to seven elements unpacked fill the data."""
    whole = size // (8 * width) * (8 * width)
    position = 0
    for _ in range(-(-whole // block)):
        position += 4 + int.from_bytes(blocks[position : position + 4], "big")
        if position > len(blocks):
            return False
    return position + size - whole == len(blocks)
