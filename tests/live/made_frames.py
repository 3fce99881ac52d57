"""Frames whose verdicts are known, without a model: every third is a hit."""

from __future__ import annotations

import numpy as np

from fedbragg.live.source import LiveFrame
from fedbragg.testing import fake_series
from fedbragg.types import Frame, Verdict

COUNTS = np.ones((4, 5), np.uint16)
MASK = np.zeros((4, 5), np.bool_)


def frame_of(number: int) -> Frame:
    return Frame(COUNTS, MASK, "s", number, f"//{number}")


def verdict_of(frame: LiveFrame) -> Verdict:
    hit = frame.number % 3 == 0
    return Verdict(frame.series, frame.number, 0.9 if hit else 0.1, hit, event=f"//{frame.number}")


def live(series: str, number: int) -> LiveFrame:
    """Return one frame of a series that was joined there."""
    frame = fake_series(series, [number], frame_of)[1]
    assert isinstance(frame, LiveFrame)
    return frame
