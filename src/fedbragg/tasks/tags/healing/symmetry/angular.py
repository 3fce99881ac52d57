"""The symmetry of an image about its beam, by correlation in azimuth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbragg.tasks.tags.healing.symmetry.estimates import RingSums
from fedbragg.tasks.tags.healing.symmetry.rings import TURN

SECTORS = 360
BANDS = 48
"""Bands of radius that are correlated apart, so that features of one radius meet only each other."""
FOLDS = (3, 4, 5, 6, 8, 10, 12)
"""Symmetries sought besides the point symmetry, which is always tried."""
OVERLAP = 0.1
"""Share of the measured sectors that must meet measured ones for a correlation to count."""
LEAST = 0.1
"""Agreement from which a symmetry besides the point symmetry is used."""
NEARLY = 0.8
"""Share of the best agreement at which the higher fold counts: a six-fold image is three-fold, too."""


@dataclass(frozen=True, slots=True)
class Symmetry:
    """The symmetry of an image about its beam; agreements are correlations, -1 to 1."""

    fold: int  # the best of FOLDS
    agreement: float  # mean, with itself turned by the multiples of 1 / fold of a turn
    point: float  # with itself turned by half a turn (Friedel's law at small angles)
    axis_sum: float  # radian, an angle plus its mirrored angle, of the best mirror
    mirror: float  # with its mirror image

    @property
    def turns(self) -> tuple[tuple[float, NDArray[np.float64]], ...]:
        """Return where equal pixels lie, by point symmetry, fold and mirror: a factor of the angle, and shifts."""
        fold = self.fold if self.agreement >= LEAST else 1
        folds = np.array([k * TURN / fold for k in range(1, fold)])
        mirrored = np.array([self.axis_sum] if self.mirror >= LEAST else [])
        return (1.0, np.array([np.pi])), (1.0, folds), (-1.0, mirrored)


def find_symmetry(image: RingSums) -> Symmetry:
    """Return the symmetry of an image on rings."""
    change, seen = _by_sector(image)
    turned, mirrored = _correlation(change, seen, mirrored=False), _correlation(change, seen, mirrored=True)
    agreements = {
        fold: float(np.mean([turned[SECTORS * k // fold] for k in range(1, fold)])) for fold in FOLDS
    }
    best = max(agreements.values())
    fold = max(fold for fold, found in agreements.items() if found >= best - (1 - NEARLY) * abs(best))
    axis = int(np.argmax(mirrored))
    axis_sum = (axis + 1) * TURN / SECTORS - TURN  # sectors are met at their middles
    return Symmetry(fold, agreements[fold], float(turned[SECTORS // 2]), axis_sum, float(mirrored[axis]))


def _by_sector(image: RingSums) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (BANDS, SECTORS): the change from the radial means in counting errors, and where anything was measured."""
    rings = image.rings
    width = (float(rings.radius.max()) + 1 - rings.first) / BANDS
    band = ((rings.radius - np.float32(rings.first)) / np.float32(width)).astype(np.int64)
    sector = ((rings.angle + np.float32(np.pi)) * np.float32(SECTORS / TURN)).astype(np.int64) % SECTORS
    cell = band * SECTORS + sector
    counts, level = (
        np.bincount(cell, np.diff(part), BANDS * SECTORS).reshape(BANDS, SECTORS) for part in image.sums[:2]
    )
    seen = level > 0
    return np.where(seen, (counts - level) / np.sqrt(level + 1), 0), seen.astype(np.float64)


def _correlation(
    change: NDArray[np.float64], seen: NDArray[np.float64], *, mirrored: bool
) -> NDArray[np.float64]:
    """Return the correlation (SECTORS,) with the image turned by each number of sectors, or mirrored to each sum."""

    def product(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
        a, b = np.fft.rfft(first, axis=1), np.fft.rfft(second, axis=1)
        return np.asarray(np.fft.irfft((a * (b if mirrored else b.conj())).sum(axis=0), SECTORS))

    enough = product(seen, seen) >= OVERLAP * seen.sum()
    power = change**2
    norm = np.sqrt(np.maximum(product(power, seen) * product(seen, power), 1e-9))
    return np.where(enough, product(change, change) / norm, 0)
