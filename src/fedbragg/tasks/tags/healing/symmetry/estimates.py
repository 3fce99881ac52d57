"""Estimates of unmeasured pixels from their own ring and its neighbours.

Every estimate is the mean at the pixel's radius times a ratio: the counts of some measured pixels over what the radial
means expect on them. A ratio of sums averages Poisson counts without bias, however few they are. One count is added to
each sum, half where it would be, so that a ratio of nothing is one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fedbragg.tasks.tags.healing.symmetry.profile import Profile
from fedbragg.tasks.tags.healing.symmetry.rings import Rings, add_arc, running_sums

PRIOR = 0.5
"""Counts added to both sums of a ratio."""
WIDEST = np.pi / 4
"""Radian without a measured pixel, past which an arc is not interpolated."""
LONGEST = np.pi / 4
"""Radian of an averaged arc."""
COVERED = 0.5
"""Share of the pixels equal by symmetry that must be measured."""


@dataclass(frozen=True, slots=True)
class Arc:
    """The pixels that an estimate averages."""

    length: float  # pixel, along the ring
    thick: int  # rings to either side


@dataclass(frozen=True, slots=True, eq=False)
class RingSums:
    """An image on rings, ready to be averaged over arcs."""

    rings: Rings
    measured: NDArray[np.bool_]  # (pixels,) sorted
    level: NDArray[np.float32]  # (pixels,) mean at each pixel's radius
    known: NDArray[np.bool_]  # (pixels,) whether that radius was measured
    sums: NDArray[np.float64]  # (3, pixels + 1) running sums of counts, level, measured pixels


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
    rings = image.rings
    ring = rings.radius[targets].astype(np.int64) - rings.first
    return np.asarray(
        _between_arcs(
            rings.angle,
            rings.starts,
            image.sums,
            targets,
            ring,
            rings.radius[targets],
            ends,
            arc.length,
            arc.thick,
        )
        * image.level[targets]
    )


def by_symmetry(
    image: RingSums, targets: NDArray[np.int64], turned: tuple[float, NDArray[np.float64]], arc: Arc
) -> NDArray[np.float32]:
    """Average what a symmetry makes equal to each target: its ring at ``turned[0]`` * angle + each of ``turned[1]``.

    ``targets`` are sorted positions; returns (targets,), NaN where too little of it is measured.
    """
    rings = image.rings
    ring = rings.radius[targets].astype(np.int64) - rings.first
    angles = turned[0] * rings.angle[targets].astype(np.float64)
    return np.asarray(
        _of_arcs(
            rings.angle,
            rings.starts,
            image.sums,
            angles,
            ring,
            rings.radius[targets],
            turned[1],
            arc.length,
            arc.thick,
        )
        * image.level[targets]
    )


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
def _between_arcs(angle, starts, sums, targets, ring, radius, ends, length, thick):  # type: ignore[no-untyped-def]
    out = np.full(targets.size, np.nan, np.float32)
    left, right = np.empty(3), np.empty(3)
    for t in range(targets.size):
        if ends[0, t] < 0:
            continue
        here, low, high = angle[targets[t]], angle[ends[0, t]], angle[ends[1, t]]
        low -= 2 * np.pi if low > here else 0.0
        high += 2 * np.pi if high < here else 0.0
        if high - low > WIDEST:
            continue
        reach = min(length / max(radius[t], 1.0), LONGEST)
        left[:], right[:] = 0, 0
        for k in range(ring[t] - thick, ring[t] + thick + 1):
            add_arc(angle, starts, sums, k, low - reach, low + 1e-6, left)
            add_arc(angle, starts, sums, k, high, high + reach, right)
        share = (here - low + reach / 2) / (high - low + reach)
        out[t] = (1 - share) * _ratio(left) + share * _ratio(right)
    return out


@njit(nogil=True, cache=True)
def _of_arcs(angle, starts, sums, angles, ring, radius, shifts, length, thick):  # type: ignore[no-untyped-def]
    out = np.full(angles.size, np.nan, np.float32)
    found = np.empty(3)
    least = COVERED * length * (2 * thick + 1)
    for t in range(angles.size):
        half = min(length / max(radius[t], 1.0), LONGEST) / 2
        found[:] = 0
        for shift in shifts:
            for k in range(ring[t] - thick, ring[t] + thick + 1):
                add_arc(angle, starts, sums, k, angles[t] + shift - half, angles[t] + shift + half, found)
        if found[2] >= min(least, COVERED * LONGEST * radius[t] * (2 * thick + 1)) and found[2] > 0:
            out[t] = _ratio(found)
    return out


@njit(inline="always")
def _ratio(found):  # type: ignore[no-untyped-def]
    return (found[0] + PRIOR) / (found[1] + PRIOR)
