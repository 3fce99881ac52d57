"""What a calibrated model file says: the promise with its evidence, the score map, and what the frames looked like.

All of it is plain numbers, so that screening needs nothing to use it but this file.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

SMALLEST = 2.0**-24
"""Distance from 0 and 1 within which a float32 score says no more than its order."""
EDGE = 1e-6
"""Share of a probability by which such scores still differ: their order stays, and 1.0 is no certainty."""


@dataclass(frozen=True, slots=True)
class Promise:
    """At most so many of the hits are lost, and what that rests on."""

    max_loss: float  # share of hits that may be lost
    confidence: float  # chance over calibration sets that no more are; 0 where only the mean is bounded
    guarantee: str  # "confident" (Learn then Test) or "expected" (conformal risk control)
    counted: str  # what was counted as independent: "frame", "file", "folder" or "group"
    hits: int  # labelled hits that were scored
    units: int  # independent units among them: the hits, or the groups they come in
    lost: int  # of the hits, those below the threshold
    bound: float  # upper bound of the lost share at the stated confidence; the mean where that is bounded
    maybe: str  # what a maybe counted as: "hit", "miss" or "aside"
    effective_hits: float  # independent hits that would tell as much, judged by how alike neighbours are
    unreadable: int  # labelled hits that could not be read; always kept, so never lost, and not counted
    misses: int  # labelled misses that were scored
    discarded: int  # of the misses, those below the threshold


@dataclass(frozen=True, slots=True)
class ScoreMap:
    """Beta calibration (Kull, Silva Filho and Flach 2017): log odds = a ln(s) - b ln(1 - s) + c; strictly rising."""

    a: float
    b: float
    c: float

    def __call__(self, score: float) -> float:
        """Return the probability of a hit for a score from 0 to 1."""
        if score < SMALLEST:
            return self._inside(SMALLEST) * (1 - EDGE * (1 - max(score, 0.0) / SMALLEST))
        if score > 1 - SMALLEST:
            rest = 1 - self._inside(1 - SMALLEST)
            return 1 - rest * (1 - EDGE * (1 - max(1 - score, 0.0) / SMALLEST))
        return self._inside(score)

    def _inside(self, score: float) -> float:
        odds = self.a * math.log(score) - self.b * math.log1p(-score) + self.c
        return 1 / (1 + math.exp(-odds)) if odds > -700 else 0.0


@dataclass(frozen=True, slots=True)
class Spread:
    """How some measure of frames is spread over the calibration's hits and over its misses."""

    values: tuple[float, ...]  # rising; empty where the measure is not known
    hits: tuple[float, ...]  # share of the hits with this value or less
    misses: tuple[float, ...]  # share of the misses with this value or less
    apart: float = 1.0  # frames of a run that tell as much as one independent frame


@dataclass(frozen=True, slots=True)
class Levels:
    """Background levels that the calibration has seen, in counts a pixel."""

    spread: Spread
    ranges: tuple[tuple[float, float], ...]  # from, to; rising
    outside: float  # bound of the share of like frames that lie outside these ranges


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a calibration comes from."""

    fedbragg: str  # version that calibrated
    model: str  # SHA-256 of the model file that was calibrated
    labels: str  # SHA-256 of the table of labels
    date: str = (
        ""  # as given by the user; none is taken from the clock, so that the same input gives the same file
    )


@dataclass(frozen=True, slots=True)
class Calibration:
    """Everything that `fedbragg calibrate` found."""

    promise: Promise
    score_map: ScoreMap
    raw_threshold: float  # the model card's threshold before the map
    hit_share: float  # of the calibration's frames; probabilities hold where screening meets the same
    scores: Spread  # of calibrated scores
    levels: Levels
    origin: Origin

    def as_metadata(self) -> dict[str, Any]:
        """Return plain values for the model file."""
        return asdict(self)

    @staticmethod
    def from_metadata(values: dict[str, Any]) -> Calibration:
        """Read them back; raise ValueError, KeyError, TypeError or AttributeError where they are none."""
        levels = values["levels"]
        return Calibration(
            promise=Promise(**values["promise"]),
            score_map=ScoreMap(**{name: float(number) for name, number in values["score_map"].items()}),
            raw_threshold=float(values["raw_threshold"]),
            hit_share=float(values["hit_share"]),
            scores=_spread(values["scores"]),
            levels=Levels(
                _spread(levels["spread"]),
                tuple((float(low), float(high)) for low, high in levels["ranges"]),
                float(levels["outside"]),
            ),
            origin=Origin(**values["origin"]),
        )


def _spread(values: dict[str, Any]) -> Spread:
    hits, misses = (tuple(map(float, values[side])) for side in ("hits", "misses"))
    return Spread(tuple(map(float, values["values"])), hits, misses, float(values["apart"]))
