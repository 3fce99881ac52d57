"""Functions of hdf5plugin's library, given names of our own in the compiler."""

from __future__ import annotations

import ctypes
from pathlib import Path

import llvmlite.binding as llvm


def register(function: str, symbol: str) -> bool:
    """Give a C function the name ``symbol`` for compiled loops; return False where no library exports it."""
    import hdf5plugin

    for library in sorted(Path(hdf5plugin.PLUGIN_PATH).glob("*h5bshuf*")):
        try:
            found = getattr(ctypes.CDLL(str(library)), function)
        except (OSError, AttributeError):
            continue
        llvm.add_symbol(symbol, ctypes.cast(found, ctypes.c_void_p).value)
        return True
    return False
