"""A figure with its 95 % interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

Z = 1.959964
"""Standard normal quantile of a two-sided 95 % interval."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its 95 % interval; NaN where there are no data for it."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """Show as 0.912 [0.880, 0.941]."""
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"

    @property
    def signed(self) -> str:
        """Show a difference as +0.045 [-0.010, +0.100]."""
        return f"{self.value:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


UNKNOWN = Estimate(math.nan, math.nan, math.nan)
"""The estimate of a figure for which there are no data."""
