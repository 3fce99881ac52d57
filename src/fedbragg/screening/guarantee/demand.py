"""What a calibration is asked to guarantee."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Guarantee(StrEnum):
    """How the bound on the lost share holds."""

    CONFIDENT = "confident"  # for this calibration, with the stated confidence
    EXPECTED = "expected"  # on average over calibrations


class Maybe(StrEnum):
    """What a frame labelled maybe counts as."""

    HIT = "hit"
    MISS = "miss"
    ASIDE = "aside"  # it is left out


class Counted(StrEnum):
    """What is taken as independent, so that its number counts."""

    FRAME = "frame"
    FILE = "file"
    FOLDER = "folder"
    GROUP = "group"  # a column of the table of labels


@dataclass(frozen=True, slots=True)
class Demand:
    """The guarantee that is asked for, and what it counts."""

    max_loss: float = 0.01  # share of the hits that may be lost
    confidence: float = 0.95
    guarantee: Guarantee = Guarantee.CONFIDENT
    counted: Counted = Counted.FRAME
    maybe: Maybe = Maybe.HIT

    @property
    def on_average(self) -> bool:
        """Return whether only the mean loss over calibrations is bounded."""
        return self.guarantee == Guarantee.EXPECTED

    @property
    def text(self) -> str:
        """Return the guarantee in words."""
        how = "on average" if self.on_average else f"with {100 * self.confidence:g} % confidence"
        return f"at most {100 * self.max_loss:g} % of hits lost {how}"
