"""Read an image dataset chunk by chunk, past HDF5's own filters, where a chunk is a frame."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.images.buffer_pool import BufferPool

BITSHUFFLE_LZ4 = 2
"""Bitshuffle's own word for LZ4 among its compressions."""


@dataclass(frozen=True, slots=True)
class Check:
    """What the decoder compares while a frame is in the cache: see outside_as."""

    outside: NDArray[np.bool_]  # (pixels,) True = not trusted in the frames before
    bounds: NDArray[Any]  # (2,) lowest and highest trusted count, of the frames' dtype
    marks: NDArray[
        np.uint8
    ]  # the same as ``outside``, a bit a pixel, lowest first; empty where negatives are trusted


class DamagedChunkError(Exception):
    """A chunk that does not decode to a frame."""


Decode = Callable[[bytes, NDArray[Any], Check | None], bool]
"""Fill (rows, cols) counts from a chunk; tell whether they were checked and as expected; raise DamagedChunkError."""


@dataclass(frozen=True, slots=True)
class ChunkReader:
    """A dataset whose every chunk is one frame, (frames, rows, cols) or (frames, panels, rows, cols)."""

    dataset: Any
    decode: Decode
    shape: tuple[int, int]  # rows and columns, panels one below the other

    def read(self, index: int, pool: BufferPool, check: Check | None) -> tuple[NDArray[Any], bool]:
        """Return the counts of a frame, and whether its sentinels are known to lie as ``check`` says."""
        try:
            filters_skipped, chunk = self.dataset.id.read_direct_chunk(
                (index, *(0,) * (self.dataset.ndim - 1))
            )
        except (OSError, RuntimeError) as error:
            if "not allocated" in str(error):
                raise DamagedChunkError("it was never written; its writer stopped early") from None
            raise
        counts = pool.take(self.shape, self.dataset.dtype)
        decode = _copy if filters_skipped else self.decode
        return counts, decode(chunk, counts, check)


def chunk_reader(dataset: Any) -> ChunkReader | None:
    """Return a reader for a dataset laid out a chunk a frame with filters known here, or None."""
    *outer, cols = dataset.shape[1:]
    if (
        dataset.chunks != (1, *dataset.shape[1:])
        or dataset.dtype.kind not in "iu"
        or not dataset.dtype.isnative
    ):
        return None
    decode = _decoder(dataset.id.get_create_plist(), dataset.dtype)
    return None if decode is None else ChunkReader(dataset, decode, (int(np.prod(outer)), cols))


def plain_counts(dtype: np.dtype[Any]) -> bool:
    """Tell whether pixels of a dtype can be handed out as they lie in the file."""
    return dtype.kind in "iu" and dtype.isnative and dtype.itemsize <= 4


def _decoder(plist: Any, dtype: np.dtype[Any]) -> Decode | None:
    filters = [plist.get_filter(position) for position in range(plist.get_nfilters())]
    match [(number, values) for number, _, values, _ in filters]:  # numbers as HDF5 has registered them
        case []:
            return _copy
        case [(32008, values)] if (
            len(values) >= 5 and values[4] == BITSHUFFLE_LZ4 and values[2] == dtype.itemsize
        ):
            return _bitshuffle_lz4()
        case [(32004, _)]:
            return _lz4()
        case [(1, _)]:
            return _deflate
        case [(2, values), (1, _)] if list(values[:1]) in ([], [dtype.itemsize]):
            return _shuffle_deflate
    return None


def _bitshuffle_lz4() -> Decode | None:
    from fedbragg.images.codecs.lz4 import AVAILABLE

    if not AVAILABLE:
        return None
    from fedbragg.images.codecs.bitshuffle import AS_EXPECTED, DAMAGED, decode

    def decode_chunk(chunk: bytes, counts: NDArray[Any], check: Check | None) -> bool:
        flat = counts.reshape(-1)
        marks, high = (check.marks, int(check.bounds[1])) if check else (np.empty(0, np.uint8), 0)
        state = decode(np.frombuffer(chunk, np.uint8), flat, marks, high)
        if state == DAMAGED:
            raise DamagedChunkError("its bitshuffle-LZ4 data are damaged")
        return bool(marks.size) and state == AS_EXPECTED

    return decode_chunk


def _lz4() -> Decode | None:
    from fedbragg.images.codecs.lz4 import AVAILABLE, decode_lz4

    def decode_chunk(chunk: bytes, counts: NDArray[Any], check: Check | None) -> bool:
        if not decode_lz4(np.frombuffer(chunk, np.uint8), counts.reshape(-1).view(np.uint8)):
            raise DamagedChunkError("its LZ4 data are damaged")
        return False

    return decode_chunk if AVAILABLE else None


def _copy(chunk: bytes, counts: NDArray[Any], check: Check | None) -> bool:
    memory = counts.reshape(-1).view(np.uint8)
    if len(chunk) != memory.size:
        raise DamagedChunkError(f"its data have {len(chunk)} bytes instead of {memory.size}")
    memory[:] = np.frombuffer(chunk, np.uint8)
    return False


def _deflate(chunk: bytes, counts: NDArray[Any], check: Check | None) -> bool:
    return _copy(_inflated(chunk, counts.nbytes), counts, check)


def _shuffle_deflate(chunk: bytes, counts: NDArray[Any], check: Check | None) -> bool:
    """Undo HDF5's byte shuffle too: first bytes of all elements, then their second bytes, and so on."""
    content = _inflated(chunk, counts.nbytes)
    if len(content) != counts.nbytes:
        raise DamagedChunkError(f"its data have {len(content)} bytes instead of {counts.nbytes}")
    elements = counts.reshape(-1).view(np.uint8).reshape(-1, counts.itemsize)
    elements[:] = np.frombuffer(content, np.uint8).reshape(counts.itemsize, -1).T
    return False


def _inflated(chunk: bytes, size: int) -> bytes:
    try:
        unpacker = zlib.decompressobj()
        content = unpacker.decompress(chunk, size + 1)
    except zlib.error as error:
        raise DamagedChunkError(f"its gzip data are damaged ({error})") from None
    if not unpacker.eof and len(content) <= size:
        raise DamagedChunkError("its gzip data are cut short")
    return content
