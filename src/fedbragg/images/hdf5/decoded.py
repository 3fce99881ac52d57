"""Decode a packed frame, and learn meanwhile whether an earlier frame's mask holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from fedbragg.images.hdf5.decoders import Bitshuffle, Decode
from fedbragg.images.mask import KnownMask
from fedbragg.images.packed_frame import Reduce


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """A frame's counts, and the results of checks made while they were decoded."""

    counts: NDArray[Any]  # (rows, cols)
    as_known: bool  # whether the decoder found that an earlier frame's mask holds
    reduced: object | None = None  # as in Frame; only where that mask holds


def decoded(
    decode: Decode, chunk: bytes, counts: NDArray[Any], known: KnownMask | None, reduce: Reduce | None
) -> Decoded:
    """Fill counts, compared with the mask of an earlier frame, and reduced meanwhile if its mask is ``known``."""
    # Where negative counts are trusted the decoder compares nothing, so nobody would know whether the mask holds.
    compared = known is not None and known.untrusted.bits.size > 0
    if known is not None and compared and reduce is not None and isinstance(decode, Bitshuffle):
        same, made = decode.reduced(chunk, counts, known, reduce)
        return Decoded(counts, same, made if same else None)
    return Decoded(counts, decode(chunk, counts, known.untrusted if known else None))
