"""Decoders of HDF5 chunks, by the filters of a dataset. Each works without HDF5's lock."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.images.mask import KnownMask, UntrustedPixels
from fedbragg.images.packed_frame import PackedFrame, Reduce

PACKERS = {2: "LZ4", 3: "Zstandard"}
"""Bitshuffle's own numbers for the compression of its blocks."""
WIDTHS = (1, 2, 4)
"""Bytes of an element that our own decoder transposes; HDF5 itself decodes wider ones."""


class DamagedChunkError(Exception):
    """A chunk that does not decode to a frame."""


Decode = Callable[[bytes, NDArray[Any], UntrustedPixels | None], bool]
"""Fills (rows, cols) counts from a chunk, or raises DamagedChunkError.

True when it also compared the counts with the pixels expected outside the trusted range, and found exactly these.
"""


def decoder_of(dataset: Any) -> Decode | None:
    """Return the decoder for a dataset's filters, or None where none here fits."""
    packing, dtype = dataset.id.get_create_plist(), dataset.dtype
    filters = [packing.get_filter(position) for position in range(packing.get_nfilters())]
    match [(number, values) for number, _, values, _ in filters]:  # numbers as registered with the HDF Group
        case []:
            return copy_chunk
        case [(32008, values)] if (
            len(values) >= 5 and values[4] in PACKERS and values[2] == dtype.itemsize in WIDTHS
        ):
            return bitshuffle(PACKERS[values[4]])
        case [(32004, _)]:
            return lz4()
        case [(1, _)]:
            return _deflate
        case [(2, values), (1, _)] if list(values[:1]) in ([], [dtype.itemsize]):
            return _shuffle_deflate
    return None


def copy_chunk(chunk: bytes, counts: NDArray[Any], expected: UntrustedPixels | None) -> bool:
    """Copy a chunk that no filter has packed."""
    memory = counts.reshape(-1).view(np.uint8)
    if len(chunk) != memory.size:
        raise DamagedChunkError(f"its data have {len(chunk)} bytes instead of {memory.size}")
    memory[:] = np.frombuffer(chunk, np.uint8)
    return False


@dataclass(frozen=True, slots=True)
class Bitshuffle:
    """Decodes bitshuffle with LZ4 or Zstandard, for elements of one, two or four bytes."""

    packer: str

    def __call__(self, chunk: bytes, counts: NDArray[Any], expected: UntrustedPixels | None) -> bool:
        """Fill counts; see `Decode`."""
        from fedbragg.images.codecs.bitshuffle import decode_bitshuffle

        packed = self._packed(chunk, counts, expected)
        state = decode_bitshuffle(
            packed.chunk, counts.reshape(-1), packed.expected, packed.high, zstd=packed.zstd
        )
        return self._as_expected(state, packed)

    def reduced(
        self, chunk: bytes, counts: NDArray[Any], known: KnownMask, reduce: Reduce
    ) -> tuple[bool, object]:
        """Fill counts, reducing them meanwhile; return as `Decode` does, and the result of ``reduce``."""
        packed = self._packed(chunk, counts, known.untrusted)
        state, made = reduce(packed, known.mask)
        return self._as_expected(state, packed), made

    def _packed(self, chunk: bytes, counts: NDArray[Any], expected: UntrustedPixels | None) -> PackedFrame:
        bits, high = (expected.bits, int(expected.bounds[1])) if expected else (np.empty(0, np.uint8), 0)
        return PackedFrame(np.frombuffer(chunk, np.uint8), counts, bits, high, self.packer == PACKERS[3])

    def _as_expected(self, state: int, packed: PackedFrame) -> bool:
        from fedbragg.images.codecs.bitshuffle import AS_EXPECTED, DAMAGED

        if state == DAMAGED:
            raise DamagedChunkError(f"its bitshuffle-{self.packer} data are damaged")
        return bool(packed.expected.size) and state == AS_EXPECTED


def bitshuffle(packer: str) -> Bitshuffle | None:
    """Return the decoder of bitshuffle, or None where no library for it is found."""
    from fedbragg.images.codecs.lz4 import AVAILABLE
    from fedbragg.images.codecs.zstd import ZSTD_AVAILABLE

    if not AVAILABLE or (packer == PACKERS[3] and not ZSTD_AVAILABLE):
        return None
    return Bitshuffle(packer)


def lz4() -> Decode | None:
    """Return the decoder of HDF5's framing of LZ4; None where no LZ4 is found."""
    from fedbragg.images.codecs.lz4 import AVAILABLE, decode_lz4

    def decode(chunk: bytes, counts: NDArray[Any], expected: UntrustedPixels | None) -> bool:
        if not decode_lz4(np.frombuffer(chunk, np.uint8), counts.reshape(-1).view(np.uint8)):
            raise DamagedChunkError("its LZ4 data are damaged")
        return False

    return decode if AVAILABLE else None


def _deflate(chunk: bytes, counts: NDArray[Any], expected: UntrustedPixels | None) -> bool:
    return copy_chunk(_inflated(chunk, counts.nbytes), counts, expected)


def _shuffle_deflate(chunk: bytes, counts: NDArray[Any], expected: UntrustedPixels | None) -> bool:
    """Also undo HDF5's byte shuffle: the first bytes of all elements, then their second bytes, and so on."""
    content = _inflated(chunk, counts.nbytes)
    if len(content) != counts.nbytes:
        raise DamagedChunkError(f"its data have {len(content)} bytes instead of {counts.nbytes}")
    elements = counts.reshape(-1).view(np.uint8).reshape(-1, counts.itemsize)
    elements[:] = np.frombuffer(content, np.uint8).reshape(counts.itemsize, -1).T
    return False


def _inflated(chunk: bytes, size: int) -> bytes:
    """Decompress at most one byte more than ``size``, which detects a longer chunk without filling the memory."""
    try:
        decompressor = zlib.decompressobj()
        content = decompressor.decompress(chunk, size + 1)
    except zlib.error as error:
        raise DamagedChunkError(f"its gzip data are damaged ({error})") from None
    if not decompressor.eof and len(content) <= size:
        raise DamagedChunkError("its gzip data are cut short")
    return content
