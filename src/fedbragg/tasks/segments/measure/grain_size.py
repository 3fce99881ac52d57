"""The ASTM E112 grain size number, by counting intercepts and by counting grains on an area.

By intercepts: G = -6.643856 log10(l) - 3.288 with the mean lineal intercept l in mm (E112, Table 6). By area:
G = 3.321928 log10(N) - 2.954 with the grains N on a square millimetre, where a grain that touches the edge counts half
(Jeffries' planimetric method).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbragg.metrics.estimate import Estimate
from fedbragg.metrics.segmentation import Instances
from fedbragg.tasks.segments.measure.fields import fields, with_interval

DIRECTIONS = 12
"""Directions of the test lines, evenly over half a turn: grains may be elongated."""
SPACING = 0.02
"""Distance of neighbouring test lines, in the picture's shorter side."""
STEP = 0.5
"""pixel, along a test line."""
STAIR = 2.0
"""pixel, below which a change to another grain and back is a step of the pixels."""
FEWEST = 50
"""Grains that a field of view has at least (E112, section 11)."""
GROUPS = 2
"""Fields along each edge for the interval of the planimetric method: a field must hold several grains."""


@dataclass(frozen=True, slots=True)
class GrainSize:
    """The size of a micrograph's grains."""

    grains: int
    intercept: Estimate  # micrometre, mean lineal intercept
    by_intercepts: Estimate  # ASTM grain size number G
    by_area: Estimate  # ASTM grain size number G

    @property
    def too_few(self) -> bool:
        """Return whether there are fewer grains than the standard asks for."""
        return self.grains < FEWEST


def grain_size(grains: Instances, micrometres: float) -> GrainSize:
    """Measure grains (rows, cols) whose pixels are ``micrometres`` long; NaN where there is no whole grain."""
    intercept = mean_intercept(grains)
    length = Estimate(*(v * micrometres for v in (intercept.value, intercept.low, intercept.high)))
    number = from_intercept(length.value / 1000)
    by_intercepts = Estimate(number, from_intercept(length.high / 1000), from_intercept(length.low / 1000))
    return GrainSize(len(_numbers(grains)), length, by_intercepts, _by_area(grains, micrometres))


def from_intercept(millimetres: float) -> float:
    """Return G from the mean lineal intercept."""
    return -6.643856 * math.log10(millimetres) - 3.288 if millimetres > 0 else float("nan")


def from_density(per_square_millimetre: float) -> float:
    """Return G from the number of grains on a square millimetre."""
    return 3.321928 * math.log10(per_square_millimetre) - 2.954 if per_square_millimetre > 0 else float("nan")


def mean_intercept(grains: Instances) -> Estimate:
    """Return the mean length of test lines between two boundaries in pixels; its interval is over directions."""
    counts = np.array([_along(grains, math.pi * i / DIRECTIONS) for i in range(DIRECTIONS)])
    lengths, crossings = counts[:, 0], counts[:, 1]
    if crossings.sum() == 0:
        return Estimate(float("nan"), float("nan"), float("nan"))
    with np.errstate(divide="ignore"):
        each = lengths / crossings
    return with_interval(float(lengths.sum() / crossings.sum()), each[np.isfinite(each)])


def _along(grains: Instances, angle: float) -> tuple[float, float]:
    """Return the length of all test lines of a direction that lies on grains, in pixels, and the boundaries crossed."""
    rows, cols = grains.shape
    reach = math.hypot(rows, cols) / 2
    step = np.arange(-reach, reach, STEP)
    apart = max(SPACING * min(rows, cols), 1.0)
    length = crossings = 0.0
    for offset in np.arange(-reach + apart / 2, reach, apart):
        row = rows / 2 + step * math.sin(angle) + offset * math.cos(angle)
        col = cols / 2 + step * math.cos(angle) - offset * math.sin(angle)
        inside = (row >= 0) & (row < rows) & (col >= 0) & (col < cols)
        line = grains[row[inside].astype(np.intp), col[inside].astype(np.intp)]
        length += len(line) * STEP
        crossings += _crossings(line)
    return length, crossings


def _crossings(line: NDArray[np.int32]) -> int:
    """Return how often a line changes from one grain to another, with anything between the two.

    Pixels make a slanting boundary a staircase, on which a line changes back and forth: a run shorter than STAIR
    between two of the same other grain is such a step and does not count.
    """
    on_grains = line[line > 0]
    if not len(on_grains):
        return 0
    starts = np.flatnonzero(np.concatenate([[True], on_grains[1:] != on_grains[:-1]]))
    runs, lengths = on_grains[starts], np.diff([*starts, len(on_grains)]) * STEP
    step = np.zeros(len(runs), bool)
    step[1:-1] = (lengths[1:-1] < STAIR) & (runs[:-2] == runs[2:])
    kept = runs[~step]
    return int((kept[1:] != kept[:-1]).sum())


def _by_area(grains: Instances, micrometres: float) -> Estimate:
    square_millimetres = (micrometres / 1000) ** 2
    value = from_density(_counted(grains) / (grains.size * square_millimetres))
    shape = (grains.shape[0], grains.shape[1])
    parts = [grains[field] for field in fields(shape, GROUPS)]
    each = np.array([from_density(_counted(part) / (part.size * square_millimetres)) for part in parts])
    return with_interval(value, each)


def _counted(grains: Instances) -> float:
    """Return the number of grains, where one that touches the edge counts half."""
    edge = np.concatenate([grains[0], grains[-1], grains[:, 0], grains[:, -1]])
    return len(_numbers(grains)) - len(_numbers(edge)) / 2


def _numbers(grains: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the numbers that occur; sorting all pixels would take as long as the rest of the measurement."""
    occurs = np.zeros(int(grains.max(initial=0)) + 1, bool)
    occurs[grains] = True
    return np.flatnonzero(occurs[1:]).astype(np.int32) + 1
