"""How far a network sees around a peak."""

from __future__ import annotations

REACHES = (1, 2, 4)
"""Cells to each side of a peak: 24, 40 and 72 pixels across at the default block."""
WINDOW = 2 * max(REACHES) + 1
"""Cells along the edge of what a network sees around a peak."""
MIDDLE = WINDOW // 2
