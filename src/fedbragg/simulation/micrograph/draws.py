"""Random draws that structures and styles share."""

from __future__ import annotations

import numpy as np


def log_uniform(generator: np.random.Generator, low: float, high: float) -> float:
    """Draw a number that is uniform in its logarithm."""
    return float(np.exp(generator.uniform(np.log(low), np.log(high))))
