"""Score a View with a graph of card format 1 or 2, which takes the View itself and measures the peaks.

Such a graph reads whole planes. Where there are few peaks, their surroundings are cut out for it, so that it reads
these few cells instead of the whole frame.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fedbragg.read_only import read_only
from fedbragg.tasks.hits.prepare.reach import MIDDLE, WINDOW
from fedbragg.types import View


def score_view(session: Any, view: View) -> tuple[float, NDArray[np.float32]]:
    """Return the graph's score and spot map (cell rows, cell cols)."""
    area = view.channels.shape[1] * view.channels.shape[2]
    if not len(view.cells) or 2 * len(view.cells) * WINDOW**2 > area:
        score, spot_map = _run(session, view.channels, view.cells, view.profiles)
        return float(score), spot_map
    score, found = _run(session, *windows(view), view.profiles)
    return float(score), spread_out(found, view)


def _run(
    session: Any, channels: NDArray[np.float32], cells: NDArray[np.int64], profiles: NDArray[np.float32]
) -> tuple[Any, NDArray[np.float32]]:
    score, spot_map = session.run(None, {"channels": channels, "cells": cells, "profiles": profiles})
    return score, spot_map


def windows(view: View) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return channels (4, WINDOW x peaks, WINDOW) of the peaks' surroundings one below the other, and their cells.

    A network that reads them sees around each peak what it sees in the frame: beyond it all is masked, which the last
    channel says.
    """
    number = len(view.cells)
    cut = np.empty((len(view.channels), number * WINDOW, WINDOW), np.float32)
    _cut(read_only(view.channels), read_only(view.cells), cut)
    cells = np.full((number, 2), MIDDLE, np.int64)
    cells[:, 0] += np.arange(number) * WINDOW
    return cut, cells


@njit(cache=True, nogil=True)
def _cut(channels: NDArray[np.float32], cells: NDArray[np.int64], cut: NDArray[np.float32]) -> None:
    kinds, rows, cols = channels.shape
    for peak in range(cells.shape[0]):
        for i in range(WINDOW):
            row = cells[peak, 0] + i - MIDDLE
            for j in range(WINDOW):
                col = cells[peak, 1] + j - MIDDLE
                inside = 0 <= row < rows and 0 <= col < cols
                for kind in range(kinds):
                    beyond = np.float32(1.0 if kind == kinds - 1 else 0.0)
                    cut[kind, peak * WINDOW + i, j] = channels[kind, row, col] if inside else beyond


def spread_out(found: NDArray[np.float32], view: View) -> NDArray[np.float32]:
    """Return the spot map (cell rows, cell cols) of a frame from that of the windows."""
    spot_map = np.zeros(view.channels.shape[1:], np.float32)
    spot_map[view.cells[:, 0], view.cells[:, 1]] = found[MIDDLE::WINDOW, MIDDLE]
    return spot_map
