"""The Zstandard decoder of hdf5plugin's library, callable from compiled loops."""

from __future__ import annotations

from typing import Any

from numba import types

from fedbragg.images.codecs.compiled import inlined
from fedbragg.images.codecs.library import register

SYMBOL = "fedbragg_zstd_decompress"

ZSTD_AVAILABLE = register("ZSTD_decompress", SYMBOL)
"""Whether Zstandard can be decoded here; if not, HDF5 itself decodes it."""

# size_t ZSTD_decompress(void *out, size_t capacity, const void *source, size_t packed): the unpacked size, for damaged
# input a number near the largest; it neither reads nor writes outside the sizes given.
_decompress: Any = types.ExternalFunction(
    SYMBOL, types.uintp(types.uintp, types.uintp, types.uintp, types.uintp)
)


@inlined
def zstd_decompress(source: int, out: int, packed: int, capacity: int) -> int:
    """Decode ``packed`` bytes at the address ``source`` to ``out``; return how many came out, below 0 if damaged."""
    return int(_decompress(out, capacity, source, packed))
