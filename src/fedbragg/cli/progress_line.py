"""The progress of a watch, in one line that is redrawn each second."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fedbragg.live.watch import Progress

REFRESH = 1.0
"""Seconds between two states of the line."""


class ProgressLine:
    """One line on the error stream, replaced each second; nothing off a terminal."""

    def __init__(self) -> None:
        self._on = sys.stderr.isatty()
        self._drawn, self._frames, self._shown = time.monotonic(), 0, False

    def update(self, progress: Progress) -> None:
        """Draw the line when the last one is old enough."""
        now = time.monotonic()
        if not self._on or now - self._drawn < REFRESH:
            return
        rate = (progress.frames - self._frames) / (now - self._drawn)
        self._drawn, self._frames, self._shown = now, progress.frames, True
        text = (
            f"{rate:.1f} frames/s, {progress.frames} frames, {progress.kept} kept, {progress.waiting} waiting, "
            f"{progress.missing} missing"
        )
        sys.stderr.write(f"\r\x1b[2K{text}")
        sys.stderr.flush()

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            self._shown = False
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()

    def over(self, print_lines: Callable[[], None]) -> None:
        """Print lines in the place of the line."""
        self.clear()
        print_lines()
