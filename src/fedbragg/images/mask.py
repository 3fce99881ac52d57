"""Which pixels to ignore: the file's own mask, sentinels, saturation. Frames with equal masks share one array."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.read_only import read_only
from fedbragg.types import Counts

Mask = NDArray[np.bool_]
Bits = NDArray[np.uint8]


GAPS = (-1, -2)
"""Counts that mark gaps and dead pixels, also where a file gives one of them as its lowest count."""


LOWEST_FLOAT = -1e29
"""Lower floats stand for no number."""
SAMPLED = 1 << 20
"""Pixels sampled to decide what negative numbers mean."""
DIFFERENT = 16
"""Negative floats count as noise if at least this many differ, or, where they are few, nearly all."""


@dataclass(frozen=True, slots=True)
class TrustedRange:
    """The counts that the detector measures, both ends included; None where the file gives no limit."""

    low: float | None = None  # None is 0, so that negative counts are sentinels
    high: float | None = None  # saturation: higher counts read too low; None is all but the dtype's maximum

    def bounds(self, dtype: np.dtype[Any], *, noise: bool = False) -> NDArray[Any]:
        """Return (lowest, highest) trusted count, of the dtype; the maximum of an integer is always a sentinel.

        With ``noise`` below zero all numbers there are trusted, but for an integer's minimum, unless the file says
        otherwise.
        """
        if dtype.kind == "f":
            return self._float_bounds(dtype, noise)
        limits = np.iinfo(dtype)
        lowest = limits.min + 1 if noise else 0
        low = lowest if self.low is None else int(np.ceil(max(self.low, limits.min)))
        low = lowest if low in GAPS else low
        high = limits.max - 1 if self.high is None else int(np.floor(min(self.high, limits.max - 1)))
        return np.array([min(low, limits.max), max(high, limits.min)], dtype)

    def _float_bounds(self, dtype: np.dtype[Any], noise: bool) -> NDArray[Any]:
        lowest = LOWEST_FLOAT if noise else 0
        low = lowest if self.low is None or self.low in GAPS else self.low
        return np.array([low, np.finfo(dtype).max if self.high is None else self.high], dtype)


@dataclass(frozen=True, slots=True, eq=False)
class UntrustedPixels:
    """The pixels outside the trusted range in an earlier frame, which a decoder compares with the current frame."""

    outside: Mask  # (pixels,) True = outside the trusted range
    bounds: NDArray[Any]  # (2,) lowest and highest trusted count, of the frames' dtype
    bits: Bits  # ``outside``, a bit a pixel, lowest bit first; empty where negative counts are trusted


@dataclass(frozen=True, slots=True, eq=False)
class KnownMask:
    """The mask of an earlier frame, and the conditions for a frame to share it."""

    mask: Mask  # (rows, cols), read-only
    untrusted: UntrustedPixels


class MaskCache:
    """Give each frame its mask; frames whose masks are equal share one array.

    Most frames of a run have the first frame's mask: the sentinels of the gaps. One pass over the pixels confirms
    that; the bitshuffle decoder makes it while it decodes. A frame that differs (a saturated spot) gets a mask of its
    own, and later frames are compared with the first mask and with the latest. Safe to call from several threads.
    """

    KINDS = 8
    """Combinations of shape, dtype, file mask and trusted range whose masks are kept."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], list[KnownMask]] = {}
        self._file_masks: list[Mask] = []
        self._lock = threading.Lock()

    def shared_file_mask(self, file_mask: Mask | None) -> Mask | None:
        """Return the equal mask of an earlier file where there is one; else keep this one and return it."""
        if file_mask is None:
            return None
        with self._lock:
            for known in self._file_masks:
                if np.array_equal(known, file_mask):
                    return known
            self._file_masks = [*self._file_masks[1 - self.KINDS :], file_mask]
        return file_mask

    def first(
        self,
        shape: tuple[int, int],
        dtype: np.dtype[Any],
        file_mask: Mask | None,
        trusted: TrustedRange,
    ) -> KnownMask | None:
        """Return the mask of the run's first frame of this kind, or None before there is one."""
        known = self._known.get((shape, dtype, id(file_mask), trusted))
        return known[0] if known else None

    def mask_of(self, counts: Counts, file_mask: Mask | None, trusted: TrustedRange) -> Mask:
        """Return the (rows, cols) mask of a frame, True = ignore; read-only, because frames share it.

        ``file_mask`` must come from ``shared_file_mask``.
        """
        key = (counts.shape, counts.dtype, id(file_mask), trusted)
        for known in self._known.get(key, ()):
            if _fits(known, counts, file_mask):
                return known.mask
        bounds = trusted.bounds(counts.dtype, noise=has_noise_below_zero(counts))
        return self._keep(key, _derive(counts, file_mask, bounds))

    def _keep(self, key: tuple[object, ...], fresh: KnownMask) -> Mask:
        """Keep a mask beside the first of its kind and return it, or the equal one that another thread kept."""
        with self._lock:
            known_now = self._known.get(key, [])
            for known in known_now:
                if np.array_equal(known.mask, fresh.mask):
                    return known.mask
            self._known[key] = [*known_now[:1], fresh]
            if len(self._known) > self.KINDS:
                del self._known[next(iter(self._known))]
        return fresh.mask


def has_noise_below_zero(counts: Counts) -> bool:
    """Tell whether negative numbers (rows, cols) are the noise about a subtracted pedestal, not signs of gaps.

    Gaps and dead pixels are marked with one number or a few, mostly -1 and -2; noise takes every value there is.
    """
    if counts.dtype.kind == "u":
        return False
    step = max(1, int((counts.size / SAMPLED) ** 0.5))
    sample = counts[::step, ::step]
    if counts.dtype.kind == "f":
        below = sample[(sample < 0) & (sample > LOWEST_FLOAT)]
        different = len(np.unique(below))
        return different >= DIFFERENT or different > max(2, below.size / 2)
    return bool((sample == -3).any() and (sample == -4).any())


def _derive(counts: Counts, file_mask: Mask | None, bounds: NDArray[Any]) -> KnownMask:
    outside = (counts < bounds[0]) | (counts > bounds[1])
    mask = outside if file_mask is None else outside | file_mask
    mask.flags.writeable = False
    flat = outside.reshape(-1)
    bits = np.packbits(flat, bitorder="little") if bounds[0] == 0 else np.empty(0, np.uint8)
    return KnownMask(mask, UntrustedPixels(flat, bounds, bits))


def _fits(known: KnownMask, counts: Counts, file_mask: Mask | None) -> bool:
    from fedbragg.images.codecs.sentinels import mask_equals, outside_equals

    flat, untrusted = read_only(counts.reshape(-1)), known.untrusted
    if file_mask is None:
        return bool(outside_equals(read_only(untrusted.outside), flat, untrusted.bounds))
    masks = read_only(known.mask.reshape(-1)), read_only(file_mask.reshape(-1))
    return bool(mask_equals(*masks, flat, untrusted.bounds))
