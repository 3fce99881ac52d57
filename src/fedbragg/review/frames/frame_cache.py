"""A cache of the few frames, sums and judgements that the page asks for repeatedly."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from fedbragg.errors import FrameError
from fedbragg.images.run import FileRun
from fedbragg.review.frames.judgement import Judgement, judge
from fedbragg.review.frames.neighbours import summed, window
from fedbragg.review.frames.picture import Scale, scale_of
from fedbragg.tasks.hits.predictor import HitPredictor
from fedbragg.types import Frame

KEPT_FRAMES = 3
"""Number of decoded frames kept; the browser caches more pictures."""
KEPT_JUDGEMENTS = 256


@dataclass(frozen=True, slots=True, eq=False)
class ScaledFrame:
    """A frame or a sum of neighbours, and the scale that all its pictures have."""

    frame: Frame
    scale: Scale
    positions: tuple[int, ...]  # of the frames in it, in order


class FrameCache:
    """Reads and judges the frames of a run, one at a time; safe to call from several threads."""

    def __init__(self, run: FileRun, predictor: HitPredictor) -> None:
        self._run, self._predictor = run, predictor
        self._geometry = run.geometry
        self._reading, self._judging = (
            threading.Lock(),
            threading.Lock(),
        )  # a picture need not wait for a score
        self._frames: OrderedDict[tuple[int, int], ScaledFrame] = OrderedDict()
        self._judgements: OrderedDict[int, Judgement] = OrderedDict()
        self.unreadable: set[int] = set()  # positions of frames found to be so

    def frame(self, position: int, together: int = 1) -> ScaledFrame:
        """Return a frame, or the sum of this many around it; raise FrameError if it cannot be read.

        Neighbours that cannot be read or have another shape are left out.
        """
        with self._reading:
            key = position, together
            if key not in self._frames:
                self._frames[key] = self._read(position, together)
                _keep(self._frames, KEPT_FRAMES)
            self._frames.move_to_end(key)
            return self._frames[key]

    def warm_up(self) -> None:
        """Read the first frame, so that compiled functions are loaded when the page asks for it."""
        with suppress(FrameError):  # the page will show the error
            self.frame(0)

    def judgement(self, position: int) -> Judgement:
        """Return the model's judgement of a frame; raise FrameError if it cannot be read or scored."""
        with self._judging:
            if position not in self._judgements:
                frame = self.frame(position).frame
                self._judgements[position] = judge(frame, self._predictor, self._geometry)
                _keep(self._judgements, KEPT_JUDGEMENTS)
            return self._judgements[position]

    def use(self, predictor: HitPredictor) -> None:
        """Judge with another model from now on."""
        with self._judging:
            self._predictor = predictor
            self._judgements.clear()

    def _read(self, position: int, together: int) -> ScaledFrame:
        frame = self._one(position)
        if together == 1:
            return ScaledFrame(frame, scale_of(frame), (position,))
        added = [position]
        total = summed(frame, self._neighbours(position, together, frame.counts.shape, added))
        return ScaledFrame(total, scale_of(total), tuple(sorted(added)))

    def _neighbours(
        self, position: int, together: int, shape: tuple[int, ...], added: list[int]
    ) -> Iterator[Frame]:
        """Yield the neighbours that can be added, one in memory at a time, and note their positions."""
        for other in window(position, together, len(self._run)):
            with suppress(FrameError):
                if other != position and (found := self._one(other)).counts.shape == shape:
                    added.append(other)
                    yield found

    def _one(self, position: int) -> Frame:
        try:
            return self._run[position]
        except FrameError:
            self.unreadable.add(position)
            raise


def _keep(kept: OrderedDict[Any, Any], most: int) -> None:
    """Drop the entries that were used longest ago."""
    while len(kept) > most:
        kept.popitem(last=False)
