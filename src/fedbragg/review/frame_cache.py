"""Frames and judgements kept at hand: the few that the page asks for again and again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass

from fedbragg.errors import FrameError
from fedbragg.images.run import FileRun
from fedbragg.review.judgement import Judgement, judge
from fedbragg.review.picture import Scale, scale_of
from fedbragg.tasks.hits.predictor import HitPredictor
from fedbragg.types import Frame

KEPT_FRAMES = 3
"""Decoded; the browser keeps the pictures of more."""
KEPT_JUDGEMENTS = 256


@dataclass(frozen=True, slots=True, eq=False)
class ScaledFrame:
    """A frame, and the scale that all its pictures have."""

    frame: Frame
    scale: Scale


class FrameCache:
    """Reads and judges the frames of a run, one at a time; safe to call from several threads."""

    def __init__(self, run: FileRun, predictor: HitPredictor) -> None:
        self._run, self._predictor = run, predictor
        self._geometry = run.geometry
        self._reading, self._judging = (
            threading.Lock(),
            threading.Lock(),
        )  # a picture need not wait for a score
        self._frames: OrderedDict[int, ScaledFrame] = OrderedDict()
        self._judgements: OrderedDict[int, Judgement] = OrderedDict()

    def frame(self, position: int) -> ScaledFrame:
        """Return a frame; raise FrameError if it cannot be read."""
        with self._reading:
            if position not in self._frames:
                frame = self._run[position]
                self._frames[position] = ScaledFrame(frame, scale_of(frame))
                _keep(self._frames, KEPT_FRAMES)
            self._frames.move_to_end(position)
            return self._frames[position]

    def warm_up(self) -> None:
        """Read the first frame, so that compiled functions are loaded when the page asks for it."""
        with suppress(FrameError):  # the page says it
            self.frame(0)

    def judgement(self, position: int) -> Judgement:
        """Return what the model makes of a frame; raise FrameError if it cannot be read or scored."""
        with self._judging:
            if position not in self._judgements:
                frame = self.frame(position).frame
                self._judgements[position] = judge(frame, self._predictor, self._geometry)
                _keep(self._judgements, KEPT_JUDGEMENTS)
            return self._judgements[position]


def _keep(kept: OrderedDict[int, ScaledFrame] | OrderedDict[int, Judgement], most: int) -> None:
    """Drop the entries that were used longest ago."""
    while len(kept) > most:
        kept.popitem(last=False)
