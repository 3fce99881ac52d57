"""Heal by symmetry and rings, from measured pixels of the same image alone.

After Liu et al. (IUCrJ 4, 455, 2017): radial means, symmetry by correlation in azimuth, copies of equal pixels,
interpolation for the rest. How much each counts is decided in every image and every part of it: measured pixels are
hidden in the shape of the gaps, and each estimate is weighed by its errors there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbragg.tasks.tags.healing.healed import FilledBy, GappedImage, Healed, filled
from fedbragg.tasks.tags.healing.symmetry.across import across, sides, summed_tables
from fedbragg.tasks.tags.healing.symmetry.angular import Symmetry, find_symmetry
from fedbragg.tasks.tags.healing.symmetry.defects import defects
from fedbragg.tasks.tags.healing.symmetry.estimates import (
    PRIOR,
    Arc,
    RingSums,
    along_azimuth,
    by_symmetry,
    gap_ends,
    ring_sums,
)
from fedbragg.tasks.tags.healing.symmetry.hidden import hidden_sets
from fedbragg.tasks.tags.healing.symmetry.profile import radial_profile
from fedbragg.tasks.tags.healing.symmetry.rings import TURN, Rings, rings_about
from fedbragg.tasks.tags.healing.symmetry.weights import Errors, Trial, combined, errors_of, untested

ARCS = (Arc(3.0, 1), Arc(30.0, 1))
"""Few pixels keep detail, many suppress counting noise."""
SQUARES, PLAIN_SQUARES = ((3, PRIOR), (9, PRIOR)), ((1, 0.0), (5, 0.0))
"""The same for the sides of a gap, relative to the rings and plain: pixels each way, and counts added."""
STEPS = (FilledBy.RADIUS, *[FilledBy.AZIMUTH] * 2, *[FilledBy.SYMMETRY] * 6, *[FilledBy.ACROSS] * 4)
"""The method of each column of the estimates."""
BLOCK = 0.06
"""Share of the longer edge that a block with weights of its own measures."""
HIDDEN = 8_000
"""Pixels of a hidden set that are judged."""
RING_ERROR, RING_SHARE = 0.3, 0.1
"""Relative error up to which a radial mean alone fills a pixel, and the share of its ring that must be measured."""


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    """An image that is being healed."""

    image: GappedImage
    rings: Rings
    counts: NDArray[np.float32]  # (pixels,) sorted

    def blocks(self, targets: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the block of each sorted position (targets,)."""
        cols, size = self.image.counts.shape[1], self._block
        at = self.rings.order[targets]
        return np.asarray((at // cols // size) * (-(-cols // size)) + at % cols // size)

    @property
    def number_of_blocks(self) -> int:
        """Return how many blocks the image has."""
        rows, cols = self.image.counts.shape
        return int(-(-rows // self._block) * -(-cols // self._block))

    @property
    def _block(self) -> int:
        return int(max(16, round(BLOCK * max(self.image.counts.shape))))


def heal_by_symmetry(image: GappedImage, beam: tuple[float, float]) -> Healed:
    """Fill the gaps of an image about a beam (column, row); a pixel that measured ones cannot fill stays NaN."""
    rings = rings_about(beam, image.counts.shape)
    work = _Work(image, rings, rings.in_order(image.counts))
    usable = image.measured & ~defects(image.counts, image.measured)
    whole = _on_rings(work, usable)
    symmetry = find_symmetry(whole)
    trial = _joined([_trial(work, usable, hidden, symmetry) for hidden in hidden_sets(usable, beam)])
    errors = untested(len(STEPS)) if trial is None else errors_of(trial, work.number_of_blocks)
    targets = np.flatnonzero(~rings.in_order(image.measured))
    estimates = _estimates(work, whole, usable, targets, symmetry)
    estimates[~_ring_suffices(whole, targets, trial) & np.isnan(estimates[:, 1:]).all(axis=1)] = np.nan
    return _filled(work, targets, estimates, errors)


def _filled(
    work: _Work, targets: NDArray[np.int64], estimates: NDArray[np.float32], errors: Errors
) -> Healed:
    cells = errors.at(work.rings.radius[targets], work.blocks(targets))
    mean, weights = combined(estimates, *cells)
    by_step = {step: weights[:, [s is step for s in STEPS]].sum(axis=1) for step in dict.fromkeys(STEPS)}
    largest = np.argmax(np.stack(list(by_step.values())), axis=0)
    values, steps = np.full(work.counts.size, np.nan, np.float32), np.zeros(work.counts.size, np.uint8)
    at, shape = work.rings.order[targets], work.image.counts.shape
    values[at], steps[at] = mean, np.array(list(by_step), np.uint8)[largest]
    return filled(work.image, values.reshape(shape), steps.reshape(shape))


def _on_rings(work: _Work, usable: NDArray[np.bool_]) -> RingSums:
    measured = work.rings.in_order(usable)
    return ring_sums(work.rings, work.counts, measured, radial_profile(work.rings, work.counts, measured))


def _estimates(
    work: _Work, image: RingSums, usable: NDArray[np.bool_], targets: NDArray[np.int64], symmetry: Symmetry
) -> NDArray[np.float32]:
    """Return (targets, STEPS) estimates of sorted positions, NaN where there is none."""
    made = [np.where(image.known[targets], image.level[targets], np.nan)]
    ends = gap_ends(image, targets)
    made += [along_azimuth(image, targets, ends, arc) for arc in ARCS]
    for factor, shifts in symmetry.turns:
        made += [by_symmetry(image, targets, (factor, shifts), arc) for arc in ARCS]
    level = np.empty(usable.size, np.float32)
    level[work.rings.order] = image.level
    pixels = work.rings.order[targets]
    gaps = sides(usable, pixels)
    plain = np.ones_like(level)  # rods and horizons know no rings
    for expected, squares in ((level, SQUARES), (plain, PLAIN_SQUARES)):
        tables = summed_tables(work.image.counts, expected.reshape(usable.shape), usable)
        made += [across(tables, expected[pixels], pixels, gaps, square) for square in squares]
    return np.stack(made, axis=1).astype(np.float32)


def _trial(work: _Work, usable: NDArray[np.bool_], hidden: NDArray[np.bool_], symmetry: Symmetry) -> Trial:
    """Estimate hidden pixels from the others."""
    targets = np.flatnonzero(work.rings.in_order(hidden))
    targets = targets[:: -(-targets.size // HIDDEN)]
    image = _on_rings(work, usable & ~hidden)
    estimates = _estimates(work, image, usable & ~hidden, targets, symmetry)
    place = work.rings.radius[targets], work.blocks(targets)
    return Trial(estimates, work.counts[targets], *place)


def _joined(trials: list[Trial]) -> Trial | None:
    """Return the pixels of several trials that have any estimate; None where there are none."""
    if not trials:
        return None
    parts = zip(*((t.estimates, t.truth, t.radius, t.block) for t in trials), strict=True)
    whole = [np.concatenate(part) for part in parts]
    some = np.isfinite(whole[0]).any(axis=1)
    return Trial(*(part[some] for part in whole)) if some.any() else None


def _ring_suffices(image: RingSums, targets: NDArray[np.int64], trial: Trial | None) -> NDArray[np.bool_]:
    """Return for which targets the radial mean alone will do: hidden pixels agreed with it, and enough was measured."""
    if trial is None:
        return np.zeros(targets.size, np.bool_)
    ring = trial.estimates[:, 0]
    tested = np.isfinite(ring)
    excess = np.square(ring - trial.truth)[tested].sum() - trial.truth[tested].sum()
    fits = excess <= RING_ERROR**2 * np.square(ring[tested], dtype=np.float64).sum()
    starts = image.rings.starts
    share = np.diff(image.sums[2][starts]) / (TURN * (image.rings.first + np.arange(starts.size - 1) + 0.5))
    at = image.rings.radius[targets].astype(np.int64) - image.rings.first
    return np.asarray((share[at] >= RING_SHARE) & fits)
