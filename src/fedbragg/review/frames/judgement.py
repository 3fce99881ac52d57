"""A model's judgement of a frame: its score, and every peak with the probability that it is a spot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fedbragg.screening.background import background_level
from fedbragg.screening.resolution import resolution
from fedbragg.tasks.hits.predictor import HitPredictor
from fedbragg.tasks.hits.prepare import prepare_with_peaks, spot_places
from fedbragg.types import Frame, Geometry

SHOWN_FROM = 0.1
"""Probability from which a peak is listed; those of 0.5 or more are spots."""
MOST_PEAKS = 500


@dataclass(frozen=True, slots=True)
class Peak:
    """A significant peak, and the model's probability for it."""

    row: int  # pixel
    column: int  # pixel
    counts: float  # above the background
    sigma: float  # standard deviations above the background
    probability: float  # that it is a Bragg spot


@dataclass(frozen=True, slots=True)
class Judgement:
    """A frame's score, and the peaks behind it."""

    score: float  # probability of a hit
    keep: bool
    threshold: float
    spots: int  # peaks with a probability of 0.5 or more
    candidates: int  # significant peaks that the model looked at
    resolution: float | None  # angstrom, that the spots reach
    background: float | None  # counts a pixel
    peaks: tuple[Peak, ...]  # the likeliest first; at most MOST_PEAKS


def judge(frame: Frame, predictor: HitPredictor, geometry: Geometry) -> Judgement:
    """Score a frame; raise FrameError if it cannot be scored."""
    view, peaks = prepare_with_peaks(frame, predictor.card.prepare, predictor.masks)
    score, spot_map = predictor.scorer(view)
    threshold = predictor.card.threshold
    places = spot_places(peaks, spot_map)
    probability = spot_map[peaks.cells[:, 0], peaks.cells[:, 1]]
    listed = [
        Peak(
            int(peaks.places[peak, 0]),
            int(peaks.places[peak, 1]),
            round(float(peaks.intensity[peak]), 1),
            round(float(peaks.significance[peak]), 1),
            round(float(probability[peak]), 3),
        )
        for peak in np.flatnonzero(probability >= SHOWN_FROM)
    ]
    listed.sort(key=lambda peak: (-peak.probability, -peak.sigma))
    return Judgement(
        score=round(score, 6),
        keep=score >= threshold,
        threshold=threshold,
        spots=places.shape[1],
        candidates=len(view.cells),
        resolution=resolution(places, geometry),
        background=background_level(frame),
        peaks=tuple(listed[:MOST_PEAKS]),
    )
