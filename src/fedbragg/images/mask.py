"""Which pixels to ignore: the file's own mask, sentinels, saturation; one array shared while it does not change."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbragg.types import Counts


@dataclass(frozen=True, slots=True)
class Trusted:
    """The counts that a detector vouches for, both ends included; None where the file does not say."""

    low: float | None = None  # below it there is no measurement; None: 0, for negative counts are sentinels
    high: float | None = None  # saturation: above it the count is too low; None: all but the dtype's maximum

    def bounds(self, dtype: np.dtype[np.integer]) -> tuple[int, int]:
        """Return the lowest and the highest trusted count of a dtype, whose own maximum is a sentinel."""
        limits = np.iinfo(dtype)
        low = max(limits.min, 0 if self.low is None else int(np.ceil(self.low)))
        # -1 and -2 mark gaps and dead pixels, also where a file states one of them as its lowest count.
        low = 0 if low in (-1, -2) else low
        high = limits.max - 1 if self.high is None else min(limits.max - 1, int(np.floor(self.high)))
        return low, high


class MaskKeeper:
    """Hand out the mask of each frame; frames whose masks are equal share one array.

    Most frames of a run have the mask of the first: the sentinels of the gaps. One pass over the pixels confirms
    that. Where it fails (a saturated spot), the frame gets a mask of its own, and the next frames are compared with
    that one too. Safe to call from several threads.
    """

    def __init__(self) -> None:
        self._known: list[_Known] = []
        self._lock = threading.Lock()

    def mask(
        self, counts: Counts, file_mask: NDArray[np.bool_] | None, trusted: Trusted
    ) -> NDArray[np.bool_]:
        """Return the (rows, cols) mask of a frame, True = ignore; read-only, for it is shared."""
        low, high = trusted.bounds(counts.dtype)
        for known in self._known:
            if known.fits(counts, file_mask, low, high):
                return known.mask
        mask = (counts < low) | (counts > high)
        if file_mask is not None:
            mask |= file_mask
        mask.flags.writeable = False
        self._remember(_Known(mask, file_mask, low, high))
        return mask

    def _remember(self, known: _Known) -> None:
        with self._lock:
            self._known = [*self._known[:1], known]


class _Known:
    """A mask already handed out, and what a frame must look like to share it."""

    def __init__(
        self, mask: NDArray[np.bool_], file_mask: NDArray[np.bool_] | None, low: int, high: int
    ) -> None:
        self.mask = mask
        self._file_mask = file_mask
        self._bounds = (low, high)
        # 0: the count must be trusted; 1: it must not; 2: the file masks the pixel whatever it holds.
        self._expected = mask.astype(np.uint8)
        if file_mask is not None:
            self._expected[file_mask] = 2

    def fits(self, counts: Counts, file_mask: NDArray[np.bool_] | None, low: int, high: int) -> bool:
        from fedbragg.images.kernels import sentinels_as_expected

        same_run = (
            file_mask is self._file_mask and self._bounds == (low, high) and self.mask.shape == counts.shape
        )
        return same_run and bool(sentinels_as_expected(counts, self._expected, low, high))
