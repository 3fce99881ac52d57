"""Lay a frame's panels out apart from one another, so that no spot, rim or background reaches across a panel's edge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.tasks.hits.prepare.background import local_background
from fedbragg.tasks.hits.prepare.pixels import Blocks
from fedbragg.tasks.hits.prepare.reach import WINDOW
from fedbragg.types import Panel, Panels

GAP = WINDOW // 2
"""Blocks of masked pixels between two panels: as far as a network sees around a peak."""


@dataclass(frozen=True, slots=True)
class Placed:
    """One panel: where it lies in the file, and where in the layout."""

    source: tuple[slice, slice]  # pixels in the file
    target: tuple[slice, slice]  # pixels in the layout
    cells: tuple[slice, slice]  # blocks in the layout


@dataclass(frozen=True, slots=True)
class Layout:
    """Panels one below the other, each beginning with a whole block."""

    shape: tuple[int, int]  # pixels
    panels: tuple[Placed, ...]
    block: int  # pixels along a block's edge


@lru_cache(maxsize=8)
def lay_out(panels: Panels, block: int) -> Layout:
    """Return where panels lie so that they are GAP blocks apart."""
    placed, top = list[Placed](), 0
    for first_row, end_row, first_col, end_col in panels:
        rows, cols = end_row - first_row, end_col - first_col
        blocks = (-(-rows // block), -(-cols // block))
        cells = (slice(top // block, top // block + blocks[0]), slice(0, blocks[1]))
        target = (slice(top, top + rows), slice(0, cols))
        placed.append(Placed((slice(first_row, end_row), slice(first_col, end_col)), target, cells))
        top += (blocks[0] + GAP) * block
    width = max(one.cells[1].stop for one in placed) * block
    return Layout((top - GAP * block, width), tuple(placed), block)


def spread(
    counts: NDArray[Any], mask: NDArray[np.bool_], layout: Layout
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return counts and mask in the layout; what belongs to no panel is masked."""
    apart, hidden = np.zeros(layout.shape, counts.dtype), np.ones(layout.shape, np.bool_)
    for panel in layout.panels:
        apart[panel.target], hidden[panel.target] = counts[panel.source], mask[panel.source]
    return apart, hidden


def background_of_panels(blocks: Blocks, fewest: float, layout: Layout) -> NDArray[np.float32]:
    """Return the local background of every panel by itself; 0 between them."""
    background = np.zeros(blocks.valid.shape, np.float32)
    for panel in layout.panels:
        valid, total = (np.ascontiguousarray(plane[panel.cells]) for plane in (blocks.valid, blocks.total))
        background[panel.cells] = local_background(valid, total, fewest)
    return background


def in_the_file(places: NDArray[np.int64], layout: Layout) -> NDArray[np.int64]:
    """Return places (peaks, 2) in the layout, rows and columns in pixels, as those in the file."""
    found = np.empty_like(places)
    for panel in layout.panels:
        rows, _ = panel.target
        here = (places[:, 0] >= rows.start) & (places[:, 0] < rows.stop)
        moved = [
            source.start - target.start for source, target in zip(panel.source, panel.target, strict=True)
        ]
        found[here] = places[here] + moved
    return found


def about_the_beam(places: NDArray[np.int64], panels: Sequence[Panel]) -> NDArray[np.float64]:
    """Return y and x (peaks, 2) in pixels from the beam of rows and columns (peaks, 2) in the file.

    A place on no panel, which no peak has, comes out as NaN.
    """
    found = np.full(places.shape, np.nan)
    row, col = places.T
    for panel in panels:
        here = panel.holds(row, col)
        x, y = panel.position(row[here], col[here])
        found[here] = np.stack([y, x], axis=1)
    return found
