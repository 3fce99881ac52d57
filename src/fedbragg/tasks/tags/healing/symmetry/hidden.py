"""Measured pixels to hide on purpose, in the shape of the gaps: there the truth is known."""

from __future__ import annotations

from itertools import islice

import numpy as np
from numpy.typing import NDArray

TURNS = (90.0, -90.0, 30.0, -60.0)
"""Degrees by which the gaps are turned about the beam: each pixel keeps its ring."""
NEARBY = 0.04
"""Share of the longer edge by which the gaps are moved along both axes: each stays near what surrounds it."""
MOST = 0.25
"""Share of the measured pixels that may be hidden at a time."""
ENOUGH = 0.3
"""Share of the gaps that must meet measured pixels when they are turned."""

Gaps = NDArray[np.bool_]
"""(rows, cols)"""


def hidden_sets(measured: NDArray[np.bool_], beam: tuple[float, float]) -> list[Gaps]:
    """Return sets of measured pixels (rows, cols) to hide one after the other; none where nothing fits."""
    gap = ~measured
    most = MOST * measured.sum()
    enough = ENOUGH * min(gap.sum(), most)
    turned = (_turned(gap, beam, degrees) & measured for degrees in TURNS)
    fitting = (hidden for hidden in turned if max(enough, 1) <= hidden.sum() <= most)
    away = max(3, round(NEARBY * max(gap.shape)))
    moved = [_moved(gap, (step, step)) & measured for step in (away, -away)]
    return [*islice(fitting, 1), *(hidden for hidden in moved if 0 < hidden.sum() <= most)]


def _turned(gap: Gaps, beam: tuple[float, float], degrees: float) -> Gaps:
    """Return the gaps turned about the beam; outside the image there are no gaps."""
    rows, cols = gap.shape
    cosine, sine = np.float32(np.cos(np.deg2rad(degrees))), np.float32(np.sin(np.deg2rad(degrees)))
    column, row = np.float32(beam[0]), np.float32(beam[1])
    x = np.arange(cols, dtype=np.float32)[None, :] - column
    y = np.arange(rows, dtype=np.float32)[:, None] - row
    col = np.rint(cosine * x + sine * y + column).astype(np.int32)
    line = np.rint(cosine * y - sine * x + row).astype(np.int32)
    inside = (col >= 0) & (col < cols) & (line >= 0) & (line < rows)
    return np.asarray(inside & gap[np.clip(line, 0, rows - 1), np.clip(col, 0, cols - 1)])


def _moved(gap: Gaps, by: tuple[int, int]) -> Gaps:
    """Return the gaps moved by (rows, cols); outside the image there are no gaps."""
    moved = np.zeros_like(gap)
    to, source = ([], [])
    for step, size in zip(by, gap.shape, strict=True):
        to.append(slice(max(step, 0), size + min(step, 0)))
        source.append(slice(max(-step, 0), size - max(step, 0)))
    moved[tuple(to)] = gap[tuple(source)]
    return moved
