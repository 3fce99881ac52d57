"""The guarantee of a model in words."""

from __future__ import annotations

from fedbragg.screening.guarantee.demand import Counted, Guarantee
from fedbragg.tasks.hits.calibration_card import Promise
from fedbragg.tasks.hits.model_file import ModelCard


def promise_line(card: ModelCard, threshold: float) -> str:
    """Return what the model guarantees at this threshold, or why it guarantees nothing."""
    if card.calibration is None:
        return "none: the model is not calibrated (fedbragg calibrate), so drift is not watched either"
    promise = card.calibration.promise
    if threshold > card.threshold:
        return f"none: at this threshold; {promise_text(promise)} at {card.threshold:.4g} or less"
    return f"{promise_text(promise)} ({evidence_text(promise)})"


def promise_text(promise: Promise) -> str:
    """Return the guarantee itself."""
    share = f"at most {100 * promise.max_loss:g} % of hits lost"
    if promise.guarantee == Guarantee.EXPECTED:
        return f"{share} on average over calibrations"
    return f"{share}, with {100 * promise.confidence:g} % confidence"


def evidence_text(promise: Promise) -> str:
    """Return how many hits it is based on, and what was taken as independent."""
    hits = f"{promise.hits} labelled hits, {promise.lost} below the threshold"
    if promise.counted == Counted.FRAME:
        return f"{hits}; frames drawn as those were"
    return f"{hits}, in {promise.units} independent {promise.counted}s"
