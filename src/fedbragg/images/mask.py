"""Which pixels to ignore: the file's own mask, sentinels, saturation; one array shared while it does not change."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbragg.images.hdf5.chunks import Check
from fedbragg.types import Counts

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Trusted:
    """The counts that a detector vouches for, both ends included; None where the file does not say."""

    low: float | None = None  # below it there is no measurement; None: 0, for negative counts are sentinels
    high: float | None = None  # saturation: above it the count is too low; None: all but the dtype's maximum

    def bounds(self, dtype: np.dtype[np.integer]) -> NDArray[np.integer]:
        """Return (lowest, highest) trusted count in the dtype, whose own maximum is always a sentinel."""
        limits = np.iinfo(dtype)
        low = 0 if self.low is None else int(np.ceil(max(self.low, limits.min)))
        # -1 and -2 mark gaps and dead pixels, also where a file states one of them as its lowest count.
        low = 0 if low in (-1, -2) else low
        high = limits.max - 1 if self.high is None else int(np.floor(min(self.high, limits.max - 1)))
        return np.array([min(low, limits.max), max(high, limits.min)], dtype)


@dataclass(frozen=True, slots=True, eq=False)
class KnownMask:
    """A mask handed out before, and what a frame must look like to share it."""

    mask: Mask  # (rows, cols), read-only
    check: Check  # which counts lay outside the trusted ones


class MaskKeeper:
    """Hand out the mask of each frame; frames whose masks are equal share one array.

    Most frames of a run have the mask of the first: the sentinels of the gaps. One pass over the pixels confirms
    that, which chunk decoders do on their way. Where it fails (a saturated spot), the frame gets a mask of its own,
    and later frames are compared with the first mask and with the latest. Safe to call from several threads.
    """

    KINDS = 8
    """Detectors, or dtypes of one, that a run may alternate between without losing track of their masks."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], list[KnownMask]] = {}
        self._file_masks: list[Mask] = []
        self._lock = threading.Lock()

    def same(self, file_mask: Mask | None) -> Mask | None:
        """Return an equal mask that an earlier file had, or the mask itself, from now on known."""
        if file_mask is None:
            return None
        with self._lock:
            for known in self._file_masks:
                if np.array_equal(known, file_mask):
                    return known
            self._file_masks = [*self._file_masks[1 - self.KINDS :], file_mask]
        return file_mask

    def usual(
        self, shape: tuple[int, int], dtype: np.dtype[np.integer], file_mask: Mask | None, trusted: Trusted
    ) -> KnownMask | None:
        """Return the mask that the first such frame of the run had, or None for the first."""
        known = self._known.get((shape, dtype, id(file_mask), trusted))
        return known[0] if known else None

    def mask(self, counts: Counts, file_mask: Mask | None, trusted: Trusted) -> Mask:
        """Return the (rows, cols) mask of a frame, True = ignore; read-only, for it is shared.

        ``file_mask`` must be one that ``same`` returned.
        """
        key = (counts.shape, counts.dtype, id(file_mask), trusted)
        for known in self._known.get(key, ()):
            if _fits(known, counts, file_mask):
                return known.mask
        fresh = _derive(counts, file_mask, trusted.bounds(counts.dtype))
        with self._lock:
            known_now = self._known.get(key, [])
            for known in known_now:  # another thread may have been first
                if np.array_equal(known.mask, fresh.mask):
                    return known.mask
            self._known[key] = [*known_now[:1], fresh]
            if len(self._known) > self.KINDS:
                del self._known[next(iter(self._known))]
        return fresh.mask


def _derive(counts: Counts, file_mask: Mask | None, bounds: NDArray[np.integer]) -> KnownMask:
    outside = (counts < bounds[0]) | (counts > bounds[1])
    mask = outside if file_mask is None else outside | file_mask
    mask.flags.writeable = False
    flat = outside.reshape(-1)
    marks = np.packbits(flat, bitorder="little") if bounds[0] == 0 else np.empty(0, np.uint8)
    return KnownMask(mask, Check(flat, bounds, marks))


def _fits(known: KnownMask, counts: Counts, file_mask: Mask | None) -> bool:
    from fedbragg.images.codecs.sentinels import masked_as, outside_as

    flat, check = counts.reshape(-1), known.check
    if file_mask is None:
        return bool(outside_as(check.outside, flat, check.bounds, 0, flat.size))
    return bool(masked_as(known.mask.reshape(-1), file_mask.reshape(-1), flat, check.bounds))
