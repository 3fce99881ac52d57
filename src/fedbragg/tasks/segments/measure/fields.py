"""Figures with intervals from one micrograph: it is divided into fields, as ASTM E562 counts fields of view."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from fedbragg.metrics.estimate import Estimate

FIELDS = 4
"""Fields along each edge of a micrograph."""
STUDENT = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 16: 2.131}
"""Student's t of a two-sided 95 % interval, by the number of values."""


def fields(shape: tuple[int, int], number: int = FIELDS) -> Iterator[tuple[slice, slice]]:
    """Yield the rows and columns of ``number`` x ``number`` equal fields of a picture (rows, cols)."""
    rows = np.linspace(0, shape[0], number + 1).astype(int)
    cols = np.linspace(0, shape[1], number + 1).astype(int)
    for i in range(number):
        for j in range(number):
            yield slice(rows[i], rows[i + 1]), slice(cols[j], cols[j + 1])


def with_interval(value: float, of_fields: NDArray[np.float64]) -> Estimate:
    """Return a figure of the whole with the 95 % interval that the spread between its fields gives (ASTM E562)."""
    finite = of_fields[np.isfinite(of_fields)]
    if len(finite) < 2:
        return Estimate(value, float("nan"), float("nan"))
    half = student(len(finite)) * float(finite.std(ddof=1)) / len(finite) ** 0.5
    return Estimate(value, value - half, value + half)


def student(number: int) -> float:
    """Return Student's t for a number of values; between two known numbers, that of the smaller, which is wider."""
    return STUDENT[max(known for known in STUDENT if known <= number)]


def phase_fractions(labels: NDArray[np.uint8], classes: int) -> list[Estimate]:
    """Return each class's share of the area, of class indices (rows, cols)."""
    parts = fields((labels.shape[0], labels.shape[1]))
    counts = np.array([np.bincount(labels[part].ravel(), minlength=256)[:classes] for part in parts])
    whole = counts.sum(axis=0) / max(labels.size, 1)
    sizes = np.array([labels[part].size for part in fields((labels.shape[0], labels.shape[1]))])
    shares = counts / np.maximum(sizes, 1)[:, None]
    estimates = [with_interval(float(whole[i]), shares[:, i]) for i in range(classes)]
    return [Estimate(e.value, max(e.low, 0.0), min(e.high, 1.0)) for e in estimates]
