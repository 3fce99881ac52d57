"""The calibration in a model file: the promise with its evidence, the score map, and the spread of the frames.

It consists of plain numbers, so that screening needs no statistics package.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from fedbragg.metrics.beta_calibration import ScoreMap


@dataclass(frozen=True, slots=True)
class Promise:
    """The bound on lost hits, and its evidence."""

    max_loss: float  # share of hits that may be lost
    confidence: float  # probability over calibration sets that the bound holds; 0 if only the mean is bounded
    guarantee: str  # "confident" (Learn then Test) or "expected" (conformal risk control)
    counted: str  # the independent unit: "frame", "file", "folder" or "group"
    hits: int  # labelled hits that were scored
    units: int  # independent units: the hits, or their groups
    lost: int  # hits below the threshold
    bound: float  # upper bound of the lost share at this confidence, or of its mean
    maybe: str  # how a maybe counts: "hit", "miss" or "aside"
    effective_hits: float  # effective sample size of the hits, from the autocorrelation of neighbours
    unreadable: int  # labelled hits that could not be read; always kept, so never lost, and not in ``hits``
    misses: int  # labelled misses that were scored
    discarded: int  # misses below the threshold


@dataclass(frozen=True, slots=True)
class Spread:
    """The cumulative distribution of one measure over the calibration's hits and over its misses."""

    values: tuple[float, ...]  # rising; empty if the measure is unknown
    hits: tuple[float, ...]  # share of the hits up to each value
    misses: tuple[float, ...]  # share of the misses up to each value
    apart: float = 1.0  # autocorrelation length, in frames


@dataclass(frozen=True, slots=True)
class Levels:
    """Background levels of the calibration's frames, in counts a pixel."""

    spread: Spread
    ranges: tuple[tuple[float, float], ...]  # from, to; rising
    outside: float  # upper bound of the share of such frames outside these ranges


@dataclass(frozen=True, slots=True)
class Origin:
    """The inputs of a calibration."""

    fedbragg: str  # version
    model: str  # SHA-256 of the model file that was calibrated
    labels: str  # SHA-256 of the table of labels
    date: str = ""  # given by the user, never taken from the clock: the same input gives the same file


@dataclass(frozen=True, slots=True)
class Calibration:
    """The result of `fedbragg calibrate`."""

    promise: Promise
    score_map: ScoreMap
    raw_threshold: float  # threshold on the network's own score
    hit_share: float  # of the calibration's frames; probabilities are right at this hit rate
    scores: Spread  # of calibrated scores
    levels: Levels
    origin: Origin

    def as_metadata(self) -> dict[str, Any]:
        """Return plain values for the model file."""
        return asdict(self)

    @staticmethod
    def from_metadata(values: dict[str, Any]) -> Calibration:
        """Read them back; raise ValueError, KeyError, TypeError or AttributeError if they are wrong."""
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
