"""Reliability of probabilities: reliability bins, Brier score, expected calibration error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbragg.metrics.estimate import Estimate
from fedbragg.metrics.proportions import proportion

BINS = 10


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Frames of similar probability."""

    predicted: float  # mean predicted probability of a hit
    observed: Estimate  # share of hits, with its 95 % interval
    frames: int


def reliability(
    positive: NDArray[np.bool_], probability: NDArray[np.float64], bins: int = BINS
) -> list[ReliabilityBin]:
    """Sort frames by probability into bins of equally many frames; ties share a bin. Both arrays are (frames,)."""
    edges = np.unique(np.quantile(probability, np.linspace(0, 1, bins + 1)[1:-1], method="inverted_cdf"))
    place = np.searchsorted(edges, probability, side="left")
    members = [place == number for number in np.unique(place)]
    return [
        ReliabilityBin(
            float(probability[chosen].mean()),
            proportion(int(positive[chosen].sum()), int(chosen.sum())),
            int(chosen.sum()),
        )
        for chosen in members
    ]


def calibration_error(
    positive: NDArray[np.bool_], probability: NDArray[np.float64], bins: int = BINS
) -> float:
    """Return the expected calibration error (Naeini, Cooper and Hauskrecht 2015) over bins of equally many frames."""
    found = reliability(positive, probability, bins)
    return sum(part.frames * abs(part.predicted - part.observed.value) for part in found) / len(positive)


def brier(positive: NDArray[np.bool_], probability: NDArray[np.float64]) -> float:
    """Return the mean squared difference between probability and truth (Brier 1950)."""
    return float(np.mean((probability - positive) ** 2))
