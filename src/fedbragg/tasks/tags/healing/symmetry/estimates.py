"""Estimates of unmeasured pixels from their own ring and its neighbours.

Every estimate is the mean at the pixel's radius times a ratio: the counts of some measured pixels over those that the
radial means expect on them. A ratio of sums averages Poisson counts without bias, however few they are. One count is
added to each sum, half where it would be, so that a ratio of nothing is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fedbragg.tasks.tags.healing.symmetry.profile import Profile
from fedbragg.tasks.tags.healing.symmetry.rings import Rings, RingTables, add_arc, running_sums

PRIOR = 0.5
"""Counts added to both sums of a ratio."""
WIDEST = np.pi / 4
"""Radian without a measured pixel, past which an arc is not interpolated."""
LONGEST = np.pi / 4
"""Radian of an averaged arc."""
COVERED = 0.5
"""Share of the pixels equal by symmetry that must be measured."""


class Arc(NamedTuple):
    """The pixels that an estimate averages."""

    length: float  # pixel, along the ring
    thick: int  # rings to either side


class Targets(NamedTuple):
    """The places that need estimates."""

    angle: NDArray[np.float64]  # (targets,) radian
    ring: NDArray[np.int64]  # (targets,)
    radius: NDArray[np.float32]  # (targets,) pixel


@dataclass(frozen=True, slots=True, eq=False)
class RingSums:
    """An image on rings, ready to be averaged over arcs."""

    rings: Rings
    measured: NDArray[np.bool_]  # (pixels,) sorted
    level: NDArray[np.float32]  # (pixels,) mean at each pixel's radius
    known: NDArray[np.bool_]  # (pixels,) whether that radius was measured
    sums: NDArray[np.float64]  # (3, pixels + 1) running sums of counts, level, measured pixels

    def tables(self) -> RingTables:
        """Return the tables from which sums over arcs are read."""
        return RingTables(self.rings.angle, self.rings.starts, self.sums)

    def targets(self, pixels: NDArray[np.int64], fold: float) -> Targets:
        """Return the places of sorted pixels, their angles times ``fold``."""
        radius = self.rings.radius[pixels]
        angle = fold * self.rings.angle[pixels].astype(np.float64)
        return Targets(angle, radius.astype(np.int64) - self.rings.first, radius)


def ring_sums(
    rings: Rings, counts: NDArray[np.float32], measured: NDArray[np.bool_], profile: Profile
) -> RingSums:
    """Sum sorted counts (pixels,) for arcs."""
    return RingSums(
        rings, measured, profile.level, profile.known, running_sums(measured, counts, profile.level)
    )


def gap_ends(image: RingSums, targets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (2, targets) the nearest measured pixels before and after each target in its ring; -1 for none."""
    return np.asarray(_gap_ends(image.rings.starts, image.measured, targets))


def along_azimuth(
    image: RingSums, targets: NDArray[np.int64], ends: NDArray[np.int64], arc: Arc
) -> NDArray[np.float32]:
    """Interpolate along each target's ring between the measured arcs at both ends of its gap, as ``gap_ends`` has them.

    ``targets`` are sorted positions; returns (targets,), NaN where the gap is too wide.
    """
    ratios = _between_arcs(image.tables(), image.targets(targets, 1), ends, arc)
    return np.asarray(ratios * image.level[targets])


def by_symmetry(
    image: RingSums, targets: NDArray[np.int64], turned: tuple[float, NDArray[np.float64]], arc: Arc
) -> NDArray[np.float32]:
    """Average pixels equal to each target by symmetry: its ring at ``turned[0]`` * angle + each of ``turned[1]``.

    ``targets`` are sorted positions; returns (targets,), NaN where too little of it is measured.
    """
    fold, shifts = turned
    ratios = _of_arcs(image.tables(), image.targets(targets, fold), shifts, arc)
    return np.asarray(ratios * image.level[targets])


@njit(nogil=True, cache=True)
def _gap_ends(starts, measured, targets):  # type: ignore[no-untyped-def]
    nearest = np.full((2, measured.size), -1, np.int32)
    for ring in range(starts.size - 1):
        first, last = starts[ring], starts[ring + 1]
        before, after = -1, -1
        for _ in range(2):  # twice around, so that the ring's end meets its beginning
            for i in range(first, last):
                before = i if measured[i] else before
                nearest[0, i] = before
            for i in range(last - 1, first - 1, -1):
                after = i if measured[i] else after
                nearest[1, i] = after
    return nearest[:, targets].astype(np.int64)


@njit(nogil=True, cache=True)
def _between_arcs(tables, targets, ends, arc):  # type: ignore[no-untyped-def]
    out = np.full(targets.ring.size, np.nan, np.float32)
    left, right = np.empty(3), np.empty(3)
    for t in range(out.size):
        if ends[0, t] < 0:
            continue
        here, low, high = targets.angle[t], tables.angle[ends[0, t]], tables.angle[ends[1, t]]
        low -= 2 * np.pi if low > here else 0.0
        high += 2 * np.pi if high < here else 0.0
        if high - low > WIDEST:
            continue
        reach = min(arc.length / max(targets.radius[t], 1.0), LONGEST)
        left[:], right[:] = 0, 0
        for k in range(targets.ring[t] - arc.thick, targets.ring[t] + arc.thick + 1):
            add_arc(tables, k, low - reach, low + 1e-6, left)
            add_arc(tables, k, high, high + reach, right)
        share = (here - low + reach / 2) / (high - low + reach)
        out[t] = (1 - share) * _ratio(left) + share * _ratio(right)
    return out


@njit(nogil=True, cache=True)
def _of_arcs(tables, targets, shifts, arc):  # type: ignore[no-untyped-def]
    out = np.full(targets.ring.size, np.nan, np.float32)
    found = np.empty(3)
    rings = 2 * arc.thick + 1
    for t in range(out.size):
        ring, radius = targets.ring[t], targets.radius[t]
        half = min(arc.length / max(radius, 1.0), LONGEST) / 2
        found[:] = 0
        for shift in shifts:
            middle = targets.angle[t] + shift
            for k in range(ring - arc.thick, ring + arc.thick + 1):
                add_arc(tables, k, middle - half, middle + half, found)
        if found[2] >= COVERED * min(arc.length, LONGEST * radius) * rings and found[2] > 0:
            out[t] = _ratio(found)
    return out


@njit(inline="always")
def _ratio(found):  # type: ignore[no-untyped-def]
    return (found[0] + PRIOR) / (found[1] + PRIOR)
