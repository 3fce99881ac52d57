"""A packed image -> its pixels, by the decoders that read HDF5 chunks: the bytes are the same."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from fedbragg.images.buffer_pool import BufferPool
from fedbragg.images.hdf5.decoded import Decoded, decoded
from fedbragg.images.hdf5.decoders import WIDTHS, DamagedChunkError, Decode, bitshuffle, copy_chunk, lz4
from fedbragg.images.mask import KnownMask
from fedbragg.images.packed_frame import Reduce
from fedbragg.live.message import MessageError
from fedbragg.live.packed_image import (
    BITSHUFFLE_LZ4,
    BITSHUFFLE_ZSTD,
    BITSHUFFLED,
    LZ4,
    NO_COMPRESSION,
    PackedImage,
)

READ = "bslz4, bszstd, lz4 and none"


@dataclass(frozen=True, slots=True, eq=False)
class Decoding:
    """The memory that frames are decoded into, and the reduction of their rows meanwhile."""

    pool: BufferPool
    reduce: Reduce | None = None  # see Frame.reduced


def unpacked(image: PackedImage, decoding: Decoding, known: KnownMask | None) -> Decoded:
    """Return an image's pixels, and whether the decoder found that the mask of an earlier frame holds.

    Raises MessageError for an unknown compression and for damaged bytes.
    """
    decode = _decoder(image)
    pixels = decoding.pool.take(image.shape, image.dtype)
    try:
        return decoded(decode, image.data, pixels, known if image.dtype.isnative else None, decoding.reduce)
    except DamagedChunkError as error:
        raise MessageError(f"{error}.") from None


def _decoder(image: PackedImage) -> Decode:
    decode = _decoders().get(image.compression)
    if decode is None:
        raise MessageError(
            f"its compression is {image.compression}; {READ} are read. Set the detector's compression to bslz4."
        )
    if image.compression in BITSHUFFLED and image.element != image.dtype.itemsize:
        raise MessageError(f"it was packed for other numbers than {image.dtype}.")
    if image.compression in BITSHUFFLED and image.dtype.itemsize not in WIDTHS:
        raise MessageError(f"bitshuffled {image.dtype} cannot be read. Send at most 32 bits a pixel.")
    return decode


@cache
def _decoders() -> dict[str, Decode | None]:
    return {
        BITSHUFFLE_LZ4: bitshuffle("LZ4"),
        BITSHUFFLE_ZSTD: bitshuffle("Zstandard"),
        LZ4: lz4(),
        NO_COMPRESSION: copy_chunk,
    }
