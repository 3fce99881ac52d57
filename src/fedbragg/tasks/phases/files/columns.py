"""The columns of a pattern file, before they are checked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Axis and intensity as a file has them."""

    axis: NDArray[np.float64]  # (points,)
    intensity: NDArray[np.float64]  # (points,)
    unit: str = "degree"  # of the axis: degree (two-theta), 1/angstrom or 1/nm (q)
    wavelength: float | None = None  # angstrom; None where the file gives none
