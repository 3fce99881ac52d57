"""Read a dataset whose every chunk is one frame, chunk by chunk, without HDF5's own filters."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.images.buffer_pool import BufferPool
from fedbragg.images.hdf5.decoded import Decoded, decoded
from fedbragg.images.hdf5.decoders import DamagedChunkError, Decode, copy_chunk, decoder_of
from fedbragg.images.mask import KnownMask
from fedbragg.images.packed_frame import Reduce

NEVER_WRITTEN = "it was never written; its writer stopped early"


@dataclass(frozen=True, slots=True)
class ChunkReader:
    """A dataset (frames, rows, cols) or (frames, panels, rows, cols), a chunk a frame."""

    dataset: Any
    decode: Decode
    shape: tuple[int, int]  # rows and columns of a frame, panels one below the other

    def is_written(self, index: int) -> bool:
        """Return whether the chunk of a frame is in the file."""
        corner = (index, *(0,) * (self.dataset.ndim - 1))
        return self.dataset.id.get_chunk_info_by_coord(corner).byte_offset is not None

    def read(
        self, index: int, pool: BufferPool, known: KnownMask | None, reduce: Reduce | None = None
    ) -> Decoded:
        """Return a frame, compared with the mask of an earlier one, and reduced meanwhile if its mask is ``known``."""
        filters_skipped, chunk = self._chunk(index)
        counts = pool.take(self.shape, self.dataset.dtype)
        decode = copy_chunk if filters_skipped else self.decode
        return decoded(decode, chunk, counts, known, reduce)

    def _chunk(self, index: int) -> tuple[int, bytes]:
        corner = (index, *(0,) * (self.dataset.ndim - 1))
        try:
            filters_skipped, chunk = self.dataset.id.read_direct_chunk(corner)
        except (OSError, RuntimeError) as error:
            if "not allocated" in str(error):
                raise DamagedChunkError(NEVER_WRITTEN) from None
            raise
        return filters_skipped, chunk


def chunk_reader(dataset: Any) -> ChunkReader | None:
    """Return a reader where every chunk of a dataset is one frame and its filters are known here, else None."""
    dtype = dataset.dtype
    if dataset.chunks != (1, *dataset.shape[1:]) or dtype.kind not in "iu" or not dtype.isnative:
        return None
    decode = decoder_of(dataset)
    return None if decode is None else ChunkReader(dataset, decode, frame_shape(dataset))


def read_single_chunk(dataset: Any) -> NDArray[Any] | None:
    """Return the whole content of a dataset of one chunk; None where that is left to HDF5.

    HDF5 makes two copies on the way, which for a detector's mask takes most of the time of opening a file.
    """
    if dataset.chunks != dataset.shape or dataset.dtype.kind not in "iu" or not dataset.dtype.isnative:
        return None
    decode = decoder_of(dataset)
    if decode is None:
        return None
    content = np.empty(dataset.shape, dataset.dtype)
    try:
        filters_skipped, chunk = dataset.id.read_direct_chunk((0,) * dataset.ndim)
        (copy_chunk if filters_skipped else decode)(chunk, content, None)
    except (OSError, RuntimeError, DamagedChunkError):  # HDF5 says what is wrong
        return None
    return content


def frame_shape(dataset: Any) -> tuple[int, int]:
    """Return rows and columns of a dataset's frames, panels one below the other."""
    *outer, cols = dataset.shape if dataset.ndim == 2 else dataset.shape[1:]
    return prod(map(int, outer)), int(cols)
