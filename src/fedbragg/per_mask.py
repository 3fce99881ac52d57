"""Values that are computed once for all frames that share a mask."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Result = TypeVar("Result")

KEPT = 4
"""Masks whose results are kept: most runs have one or two."""


class PerMask(Generic[Result]):
    """Calls a function of a mask and settings once for each of the latest masks. Safe to call from several threads.

    A mask that may still be written is computed each time.
    """

    def __init__(self, compute: Callable[..., Result]) -> None:
        self._compute = compute
        self._known: tuple[tuple[NDArray[np.bool_], tuple[Hashable, ...], Result], ...] = ()

    def __call__(self, mask: NDArray[np.bool_], *settings: Hashable) -> Result:
        """Return the function's result for this very array and these settings."""
        for known, of, result in self._known:
            if known is mask and of == settings:
                return result
        found = self._compute(mask, *settings)
        if not mask.flags.writeable:
            self._known = ((mask, settings, found), *self._known[: KEPT - 1])
        return found
