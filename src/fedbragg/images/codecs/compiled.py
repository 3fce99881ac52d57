"""Compile loops with numba so that they let other threads run, and keep the result on disk where possible."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile at the first call of each combination of types; the interpreter's lock is released while it runs."""
    try:
        return cast(Function, numba.njit(nogil=True, cache=True)(function))
    except RuntimeError:  # no folder is writable to keep the result in
        return cast(Function, numba.njit(nogil=True)(function))
