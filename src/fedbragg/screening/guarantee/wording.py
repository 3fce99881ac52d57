"""What a model promises, in one line for whoever screens with it."""

from __future__ import annotations

from fedbragg.tasks.hits.calibration_card import Promise
from fedbragg.tasks.hits.model_file import ModelCard


def promise_line(card: ModelCard, threshold: float) -> str:
    """Say what holds at this threshold: the model's promise, or why there is none."""
    if card.calibration is None:
        return "none: the model is not calibrated (fedbragg calibrate), so drift is not watched either"
    promise = card.calibration.promise
    if threshold > card.threshold:
        return f"none: at this threshold; {promised(promise)} at {card.threshold:.4g} or less"
    return f"{promised(promise)} ({rests_on(promise)})"


def promised(promise: Promise) -> str:
    """Say the promise itself."""
    share = f"at most {100 * promise.max_loss:g} % of hits lost"
    if promise.guarantee == "expected":
        return f"{share} on average over calibrations"
    return f"{share}, with {100 * promise.confidence:g} % confidence"


def rests_on(promise: Promise) -> str:
    """Say on how many hits it rests, and what was taken for independent."""
    hits = f"{promise.hits} labelled hits, {promise.lost} below the threshold"
    if promise.counted == "frame":
        return f"{hits}; frames drawn as those were"
    return f"{hits}, in {promise.units} independent {promise.counted}s"
