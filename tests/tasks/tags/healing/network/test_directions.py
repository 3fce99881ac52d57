from __future__ import annotations

import numpy as np
import pytest

from fedbragg.tasks.tags.healing.network.directions import LINES, SQUARES, directional_fills


def fill(down: int, right: int, square: int) -> int:
    """Return the position of one line and square among the fills."""
    return LINES.index((down, right)) * len(SQUARES) + SQUARES.index(square)


def test_a_line_is_interpolated_in_the_logarithm() -> None:
    """Rows 5 to 7 are missing between e^2 - 1 and e^6 - 1: the logarithm goes 3, 4, 5."""
    counts = np.full((13, 20), np.expm1(2), np.float32)
    counts[8:] = np.expm1(6)
    measured = np.ones(counts.shape, np.bool_)
    measured[5:8] = False
    fills, there = directional_fills(np.where(measured, counts, np.float32(0)), measured)
    down = fill(1, 0, 1)
    assert fills[down, 5:8, 10] == pytest.approx([3, 4, 5], abs=1e-5)
    assert there[down, 5:8, 10].all()
    assert not there[fill(0, 1, 1)].any()  # along the gap there is no measured pixel
    assert not fills[:, measured].any()


def test_a_square_is_averaged_over_its_measured_pixels() -> None:
    """Beside column 4 to 5 the squares of 3 x 3 hold columns 2, 3 with 1 and 3 counts, and 6, 7 with 3 and 1."""
    counts = np.tile(np.array([9, 9, 1, 3, 0, 0, 3, 1, 9, 9], np.float32), (9, 1))
    measured = np.ones(counts.shape, np.bool_)
    measured[:, 4:6] = False
    fills, _ = directional_fills(counts, measured)
    assert fills[fill(0, 1, 3), 4, 4] == pytest.approx(np.log1p(2))
    assert fills[fill(0, 1, 1), 4, 4] == pytest.approx(np.log1p(3))


def test_a_gap_at_the_edge_has_no_second_side() -> None:
    measured = np.ones((10, 10), np.bool_)
    measured[:3] = False
    _, there = directional_fills(measured.astype(np.float32), measured)
    assert not there.any()
