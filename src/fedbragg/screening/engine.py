"""Frames in, verdicts out: in order, on every core, with a fixed number of frames in flight."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import FrameError
from fedbragg.screening.background import background_level
from fedbragg.tasks.hits.prepare import PrepareSettings, prepare_with_peaks, spots
from fedbragg.types import Frame, Run, Unreadable, Verdict, View


class Score(Protocol):
    """What screening asks of a model; models.file.Scorer is one. Called from several threads."""

    def __call__(self, view: View) -> tuple[float, NDArray[np.float32]]:
        """Return the probability of a hit and the spot map."""
        ...


@dataclass(frozen=True, slots=True)
class Judge:
    """Turns a frame into a verdict, in whichever thread has decoded it."""

    score: Score
    settings: PrepareSettings
    threshold: float
    mark: bool = False  # list the spots; of every frame, for drift may yet keep any

    def __call__(self, frame: Frame | Unreadable) -> Verdict:
        """Return the verdict; what cannot be read or scored is kept, and says why: a lost hit is worse."""
        if isinstance(frame, Unreadable):
            return Verdict(frame.path, frame.index, score=None, keep=True, reason=frame.reason)
        try:
            return self._verdict(frame)
        except FrameError as error:
            return Verdict(frame.path, frame.index, score=None, keep=True, reason=error.reason)

    def _verdict(self, frame: Frame) -> Verdict:
        view, peaks = prepare_with_peaks(frame, self.settings)
        value, spot_map = self.score(view)
        return Verdict(
            frame.path,
            frame.index,
            score=value,
            keep=value >= self.threshold,
            background=background_level(frame),
            spots=tuple(spots(peaks, spot_map)) if self.mark else (),
        )


def screen(
    run: Run, score: Score, settings: PrepareSettings, threshold: float, threads: int
) -> Iterator[Verdict]:
    """Yield one verdict a frame in the run's order; what cannot be read or scored is kept, and says why."""
    return run.map(Judge(score, settings, threshold), threads)
