"""Distance of the labels from the promise of ``calibrate``: which of them count, and how many hits are missing.

Only an unbiased sample counts: the frames at the start of the random order that all have a label, in any order
they were labelled. Frames labelled by uncertainty beyond it are those near the threshold, which are rare in the run;
with them the bound would not hold.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

from fedbragg.metrics.proportions import proportion
from fedbragg.screening.guarantee.calibrate import fewest_units
from fedbragg.screening.guarantee.demand import Demand
from fedbragg.types import Label

DEMAND = Demand()
"""The demand of ``fedbragg calibrate`` without options."""
KNOWN_FROM = 10
"""Fewest frames in the sample for an estimate of the share of hits."""


@dataclass(frozen=True, slots=True)
class Distance:
    """The labels so far, and the number that the promise needs."""

    demand: str  # in words
    needed: int  # hits
    frames: int  # in the sample
    hits: int  # in the sample; a maybe is one
    left_out: int  # labelled frames that are not in the sample
    more_frames: (
        tuple[int, int] | None
    )  # to label at random until there are enough, 95 % interval; None: not known


def random_sample(
    order: Iterable[int], labels: Mapping[int, Label], passed_over: Set[int], allowed: Set[int] | None = None
) -> dict[int, Label]:
    """Return the labels at the start of a random order, up to the first frame without one.

    ``passed_over`` are frames that cannot be read. ``allowed`` are those that did not teach the model, where some did.
    """
    found = {}
    for position in order:
        if position in passed_over or (allowed is not None and position not in allowed):
            continue
        if position not in labels:
            break
        found[position] = labels[position]
    return found


def distance(sample: Mapping[int, Label], labelled: int) -> Distance:
    """Return how far a sample is from the promise; ``labelled`` frames have a label in all."""
    needed = fewest_units(DEMAND)
    hits = sum(label.positive for label in sample.values())
    more = _more(needed - hits, proportion(hits, len(sample)).low, proportion(hits, len(sample)).high)
    known = len(sample) >= KNOWN_FROM
    return Distance(DEMAND.text, needed, len(sample), hits, labelled - len(sample), more if known else None)


def _more(missing: int, low: float, high: float) -> tuple[int, int] | None:
    if missing <= 0:
        return 0, 0
    if not low > 0:
        return None
    return math.ceil(missing / high), math.ceil(missing / low)
