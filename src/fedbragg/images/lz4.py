"""The LZ4 decoder that hdf5plugin ships, callable from compiled loops."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
from numba import types

SYMBOL = "fedbragg_lz4_decompress_safe"


def _register() -> bool:
    """Make LZ4_decompress_safe known to the compiler under a name of our own; False where no library exports it."""
    import hdf5plugin

    for library in sorted(Path(hdf5plugin.PLUGIN_PATH).glob("*h5bshuf*")):
        try:
            function = ctypes.CDLL(str(library)).LZ4_decompress_safe
        except (OSError, AttributeError):
            continue
        llvm.add_symbol(SYMBOL, ctypes.cast(function, ctypes.c_void_p).value)
        return True
    return False


AVAILABLE = _register()
"""Whether chunks can be decoded here; where not, HDF5 itself decodes them, two to three times slower."""

# int LZ4_decompress_safe(const char *source, char *out, int packed, int capacity): the unpacked size, negative for
# damaged input; it neither reads nor writes outside the sizes given.
lz4_decompress: Any = types.ExternalFunction(
    SYMBOL, types.int32(types.uintp, types.uintp, types.int32, types.int32)
)
