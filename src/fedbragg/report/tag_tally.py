"""Count a run's tags in memory that does not grow with the run."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

STATES = ("there", "uncertain", "not there")
REASONS = 20
"""Images without tags that are reported one by one."""


@dataclass(frozen=True, slots=True)
class TagLimits:
    """The probability from which a tag is present, and that up to which it is absent; between them it is uncertain."""

    threshold: float  # of the model
    present: float
    absent: float

    def states(self, probabilities: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the position in STATES of each probability."""
        return np.where(probabilities >= self.present, 0, np.where(probabilities > self.absent, 1, 2))


def limits(threshold: float) -> TagLimits:
    """Return the limits around a model's threshold: half way to 1, and half way to 0."""
    return TagLimits(threshold, present=(1 + threshold) / 2, absent=threshold / 2)


@dataclass(slots=True, eq=False)
class TagTally:
    """Counts images as they pass."""

    names: tuple[str, ...]  # of the tags
    limits: TagLimits
    images: int = 0
    unreadable: int = 0  # images without tags
    reasons: list[str] = field(default_factory=list)  # of the first of them, with their places
    counts: NDArray[np.int64] = field(init=False)  # (tags, 3) images in each of STATES

    def __post_init__(self) -> None:
        self.counts = np.zeros((len(self.names), len(STATES)), np.int64)

    def add(self, probabilities: NDArray[np.float64]) -> None:
        """Count an image by its tags (tags,)."""
        self.images += 1
        self.counts[np.arange(len(self.names)), self.limits.states(probabilities)] += 1

    def add_unreadable(self, reason: str) -> None:
        """Count an image without tags; only the first reasons are kept."""
        self.images += 1
        self.unreadable += 1
        if len(self.reasons) < REASONS:
            self.reasons.append(reason)

    @property
    def tagged(self) -> int:
        """Return the number of images that have tags."""
        return self.images - self.unreadable
