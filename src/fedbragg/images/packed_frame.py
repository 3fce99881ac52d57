"""A frame as the file packed it, for those who work on its rows while they are decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class PackedFrame:
    """A chunk of bitshuffle, and where its frame goes; see `fedbragg.images.codecs.bitshuffle.decode_bitshuffle`."""

    chunk: NDArray[np.uint8]  # (bytes,)
    counts: NDArray[Any]  # (rows, cols) memory for the decoded frame
    expected: NDArray[np.uint8]  # a bit a pixel: which are outside the trusted range in an earlier frame
    high: int  # highest trusted count
    zstd: bool  # whether Zstandard has packed the blocks, else LZ4


class Reduce(Protocol):
    """Decodes a frame, and makes something of its rows while they are in the processor's cache."""

    def __call__(self, packed: PackedFrame, mask: NDArray[np.bool_]) -> tuple[int, object]:
        """Return the result of `decode_bitshuffle`, and for ``Frame.reduced`` the reduction of the rows.

        ``mask`` (rows, cols) is the frame's where the result is AS_EXPECTED; else the reduction is dropped.
        """
        ...
