"""Calibrate on labelled frames: the threshold with its evidence, the score map, and what the frames look like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fedbragg.errors import LabelError
from fedbragg.images import LabelTable
from fedbragg.metrics.autocorrelation import effective_sample_size, frames_per_independent
from fedbragg.metrics.binomial import upper_limit
from fedbragg.screening.drift.levels import calibrated_levels
from fedbragg.screening.drift.mixture import spread_of
from fedbragg.screening.guarantee.demand import Counted, Demand
from fedbragg.screening.guarantee.grouped_risk import (
    allowed_group_loss,
    allowed_group_loss_on_average,
    group_threshold,
)
from fedbragg.screening.guarantee.labelled_frames import LabelledFrames, counts_as_hit
from fedbragg.screening.guarantee.risk import (
    allowed_losses,
    allowed_on_average,
    hits_needed,
    needed_on_average,
    threshold_at,
)
from fedbragg.screening.guarantee.score_map import fit_map
from fedbragg.tasks.hits.calibration_card import Calibration, Origin, Promise
from fedbragg.types import SCORE_DECIMALS

FEWEST_MISSES = 10
"""With fewer, the discarded share and the probabilities are next to unknown."""


@dataclass(frozen=True, slots=True)
class BoundedThreshold:
    """A threshold in the network's own scores, and the bound on the share of hits below it."""

    threshold: float
    units: int  # independent hits or groups
    lost_share: float  # upper bound at the stated confidence, or of the mean


def make_calibration(frames: LabelledFrames, demand: Demand, origin: Origin) -> Calibration:
    """Return the calibration; raise LabelError, with the number needed, where there are too few hits or misses."""
    if frames.misses < FEWEST_MISSES:
        raise LabelError(
            f"{frames.misses} labelled misses are too few: {FEWEST_MISSES} are needed to say what the threshold "
            "discards. Label some empty frames too."
        )
    found = find_threshold(frames, demand)
    score_map = fit_map(frames.score, frames.hit)
    probability = np.array([score_map(score) for score in frames.score]).round(SCORE_DECIMALS)
    hit, spacing = frames.hit, 1 + frames.unlabelled / len(frames.hit)
    apart = max(frames_per_independent(probability[hit == side], spacing) for side in (True, False))
    return Calibration(
        promise=_promise(frames, demand, found),
        score_map=score_map,
        raw_threshold=found.threshold,
        hit_share=frames.hits / len(hit),
        scores=spread_of(probability, hit, apart),
        levels=calibrated_levels(frames.level, hit, spacing),
        origin=origin,
    )


def find_threshold(frames: LabelledFrames, demand: Demand) -> BoundedThreshold:
    """Return the largest threshold that meets the demand; raise LabelError, with the number needed, where none does."""
    if demand.counted == Counted.FRAME:
        return _threshold_by_frames(frames, demand)
    return _threshold_by_groups(frames, demand)


def _threshold_by_frames(frames: LabelledFrames, demand: Demand) -> BoundedThreshold:
    hits = frames.score[frames.hit]
    allowed, share = _allowed_losses(len(hits), demand)
    if allowed < 0:
        raise too_few(len(hits), "labelled hits", demand)
    return BoundedThreshold(threshold_at(hits, allowed), len(hits), share)


def _allowed_losses(hits: int, demand: Demand) -> tuple[int, float]:
    """Return how many calibration hits may be lost, -1 for none, and the bound of the lost share then."""
    if demand.on_average:
        allowed = allowed_on_average(hits, demand.max_loss)
        return allowed, (allowed + 1) / (hits + 1)
    allowed = allowed_losses(hits, demand.max_loss, demand.confidence)
    return allowed, upper_limit(allowed, hits, demand.confidence)


def _threshold_by_groups(frames: LabelledFrames, demand: Demand) -> BoundedThreshold:
    names, groups = np.unique(frames.group[frames.hit], return_inverse=True)
    allowed = _allowed_group_loss(len(names), demand)
    if allowed < 0:
        raise too_few(len(names), f"{demand.counted}s with labelled hits", demand)
    threshold = group_threshold(frames.score[frames.hit], groups, allowed)
    return BoundedThreshold(threshold, len(names), demand.max_loss)


def _allowed_group_loss(groups: int, demand: Demand) -> float:
    if groups == 0:
        return -1.0
    if demand.on_average:
        return allowed_group_loss_on_average(groups, demand.max_loss)
    return allowed_group_loss(groups, demand.max_loss, demand.confidence)


def check_enough(labels: LabelTable, demand: Demand) -> None:
    """Raise LabelError, before any frame is read, where the table alone shows that there are too few hits."""
    if labels.files or demand.counted != Counted.FRAME:
        return
    hits = sum(counts_as_hit(label, demand.maybe) is True for label in labels.frames.values())
    if hits < fewest_units(demand):
        raise too_few(hits, "labelled hits", demand)


def fewest_units(demand: Demand) -> int:
    """Return the smallest number of independent hits or groups with which the demand can be met."""
    if demand.on_average:
        return needed_on_average(demand.max_loss)
    return hits_needed(demand.max_loss, demand.confidence)


def too_few(number: int, what: str, demand: Demand) -> LabelError:
    """Return the error, with the number needed and the loss that this number can bound."""
    needed = fewest_units(demand)
    message = f"{number} {what} are too few for {demand.text}: {needed} are needed. Label more"
    if number:
        reach = 1 / (number + 1) if demand.on_average else 1 - (1 - demand.confidence) ** (1 / number)
        message += f", or ask for less: --max-loss {np.ceil(reach * 1e4) / 1e4:g} is in reach"
    return LabelError(message + ".")


def _promise(frames: LabelledFrames, demand: Demand, found: BoundedThreshold) -> Promise:
    below = frames.score < found.threshold
    return Promise(
        max_loss=demand.max_loss,
        confidence=0.0 if demand.on_average else demand.confidence,
        guarantee=str(demand.guarantee),
        counted=str(demand.counted),
        hits=frames.hits,
        units=found.units,
        lost=int(np.sum(below & frames.hit)),
        bound=found.lost_share,
        maybe=str(demand.maybe),
        effective_hits=effective_sample_size(frames.score[frames.hit]),
        unreadable=frames.unreadable_hits,
        misses=frames.misses,
        discarded=int(np.sum(below & ~frames.hit)),
    )
