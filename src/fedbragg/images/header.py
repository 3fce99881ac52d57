"""A file's facts about its detector, the same for every format."""

from __future__ import annotations

from dataclasses import dataclass, field

from fedbragg.images.mask import TrustedRange
from fedbragg.types import Geometry


@dataclass(frozen=True, slots=True)
class Header:
    """Geometry and trusted counts; empty where the file gives none."""

    geometry: Geometry = field(default_factory=Geometry)
    trusted: TrustedRange = field(default_factory=TrustedRange)


def pair(first: float | None, second: float | None) -> tuple[float, float] | None:
    """Return both numbers, or None where either is missing."""
    return None if first is None or second is None else (first, second)


def stated_centre(column: float | None, row: float | None) -> tuple[float, float] | None:
    """Return a file's beam centre in pixels; (0, 0) means that it was never set."""
    centre = pair(column, row)
    return None if centre == (0, 0) else centre
