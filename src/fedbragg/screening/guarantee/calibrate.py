"""From scored and labelled frames to everything a calibrated model file says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fedbragg.errors import LabelError
from fedbragg.images import LabelTable
from fedbragg.metrics.autocorrelation import effective_hits, frames_apart
from fedbragg.screening.drift.levels import levels_seen
from fedbragg.screening.drift.mixture import spread_of
from fedbragg.screening.guarantee.frames import Counted, Labelled, Maybe, counts_as_hit
from fedbragg.screening.guarantee.grouped_risk import (
    allowed_group_loss,
    allowed_group_loss_on_average,
    group_threshold,
)
from fedbragg.screening.guarantee.risk import (
    Guarantee,
    allowed_losses,
    allowed_on_average,
    hits_needed,
    needed_on_average,
    threshold_at,
    upper_bound,
)
from fedbragg.screening.guarantee.score_map import fit_map
from fedbragg.screening.outputs.tables import DECIMALS
from fedbragg.tasks.hits.calibration_card import Calibration, Origin, Promise

FEWEST_MISSES = 10
"""Fewer say next to nothing of what the threshold discards, nor of the probabilities."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What is to be promised, and of what."""

    max_loss: float = 0.01
    confidence: float = 0.95
    guarantee: Guarantee = "confident"
    counted: Counted = "frame"
    maybe: Maybe = "hit"

    @property
    def on_average(self) -> bool:
        """Say whether only the mean over calibration sets is bounded."""
        return self.guarantee == "expected"

    @property
    def text(self) -> str:
        """Say it for people."""
        means = "on average" if self.on_average else f"with {100 * self.confidence:g} % confidence"
        return f"at most {100 * self.max_loss:g} % of hits lost {means}"


@dataclass(frozen=True, slots=True)
class Bound:
    """The threshold, in the network's own scores, and what is known of the loss at it."""

    threshold: float
    units: int  # independent ones that count
    share: float  # upper bound of the lost share


def calibrated(labelled: Labelled, demand: Demand, origin: Origin) -> Calibration:
    """Return the calibration; raise LabelError where there are too few hits or misses, with the number needed."""
    if labelled.misses < FEWEST_MISSES:
        raise LabelError(
            f"{labelled.misses} labelled misses are too few: {FEWEST_MISSES} are needed to say what the threshold "
            "discards. Label some empty frames too."
        )
    found = bound(labelled, demand)
    score_map = fit_map(labelled.score, labelled.hit)
    mapped = np.array([score_map(score) for score in labelled.score]).round(DECIMALS)
    hit, spacing = labelled.hit, 1 + labelled.unlabelled / len(labelled.hit)
    apart = max(frames_apart(mapped[hit == side], spacing) for side in (True, False))
    return Calibration(
        promise=_promise(labelled, demand, found),
        score_map=score_map,
        raw_threshold=found.threshold,
        hit_share=labelled.hits / len(hit),
        scores=spread_of(mapped, hit, apart),
        levels=levels_seen(labelled.level, hit, spacing),
        origin=origin,
    )


def bound(labelled: Labelled, demand: Demand) -> Bound:
    """Return the largest threshold that shows what is demanded, or raise LabelError with the number needed."""
    hits = labelled.score[labelled.hit]
    if demand.counted == "frame":
        allowed = (
            allowed_on_average(len(hits), demand.max_loss)
            if demand.on_average
            else allowed_losses(len(hits), demand.max_loss, demand.confidence)
        )
        if allowed < 0:
            raise too_few(len(hits), "labelled hits", demand)
        share = (
            (allowed + 1) / (len(hits) + 1)
            if demand.on_average
            else upper_bound(allowed, len(hits), demand.confidence)
        )
        return Bound(threshold_at(hits, allowed), len(hits), share)
    _, groups = np.unique(labelled.group[labelled.hit], return_inverse=True)
    number = int(groups.max()) + 1 if len(groups) else 0
    loss = _allowed_group_loss(number, demand)
    if loss < 0:
        raise too_few(number, f"{demand.counted}s with labelled hits", demand)
    return Bound(group_threshold(hits, groups, loss), number, demand.max_loss)


def _allowed_group_loss(groups: int, demand: Demand) -> float:
    if groups == 0:
        return -1.0
    if demand.on_average:
        return allowed_group_loss_on_average(groups, demand.max_loss)
    return allowed_group_loss(groups, demand.max_loss, demand.confidence)


def check_enough(labels: LabelTable, demand: Demand) -> None:
    """Refuse, before any frame is read, what the table alone shows to be too little; raise LabelError."""
    if labels.files or demand.counted != "frame":
        return
    hits = sum(counts_as_hit(label, demand.maybe) is True for label in labels.frames.values())
    if hits < fewest_units(demand):
        raise too_few(hits, "labelled hits", demand)


def fewest_units(demand: Demand) -> int:
    """Return the number of independent hits or groups from which the demand can be met."""
    if demand.on_average:
        return needed_on_average(demand.max_loss)
    return hits_needed(demand.max_loss, demand.confidence)


def too_few(number: int, what: str, demand: Demand) -> LabelError:
    """Return the refusal, with the number needed and what the number there is would show."""
    needed = fewest_units(demand)
    message = f"{number} {what} are too few for {demand.text}: {needed} are needed. Label more"
    if number:
        reach = 1 / (number + 1) if demand.on_average else 1 - (1 - demand.confidence) ** (1 / number)
        message += f", or ask for less: --max-loss {np.ceil(reach * 1e4) / 1e4:g} is in reach"
    return LabelError(message + ".")


def _promise(labelled: Labelled, demand: Demand, found: Bound) -> Promise:
    below = labelled.score < found.threshold
    return Promise(
        max_loss=demand.max_loss,
        confidence=0.0 if demand.on_average else demand.confidence,
        guarantee=demand.guarantee,
        counted=demand.counted,
        hits=labelled.hits,
        units=found.units,
        lost=int(np.sum(below & labelled.hit)),
        bound=found.share,
        maybe=demand.maybe,
        effective_hits=effective_hits(labelled.score[labelled.hit]),
        unreadable=labelled.unreadable_hits,
        misses=labelled.misses,
        discarded=int(np.sum(below & ~labelled.hit)),
    )
