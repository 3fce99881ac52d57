"""Judge the frames of a run: prepare, score and decide, each frame in the thread that decoded it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import FrameError
from fedbragg.per_mask import PerMask
from fedbragg.screening.background import BackgroundLevel
from fedbragg.screening.resolution import resolution
from fedbragg.tasks.hits.prepare import (
    PrepareSettings,
    mask_block_cache,
    prepare_with_peaks,
    spot_places,
    spots,
)
from fedbragg.tasks.hits.prepare.mask_blocks import MaskBlocks
from fedbragg.types import Frame, Geometry, Run, Spot, Unreadable, Verdict, View


class Score(Protocol):
    """A model as screening calls it, from several threads; ``fedbragg.tasks.hits.model_file.Scorer`` is one."""

    def __call__(self, view: View) -> tuple[float, NDArray[np.float32]]:
        """Return the probability of a hit and the spot map."""
        ...


@dataclass(frozen=True, slots=True)
class ScoredFrame:
    """What a model makes of one frame, before anything is decided."""

    path: str
    index: int  # position in that file, from 0
    score: float | None = None  # as the model gives it; None when the frame could not be read or scored
    background: float | None = None  # counts a pixel, the frame's level
    spots: tuple[Spot, ...] = ()  # where they were asked for
    reason: str = ""  # why there is no score
    event: str = ""  # as in Frame
    spot_count: int | None = None
    resolution: float | None = None  # angstrom, where the geometry is known


@dataclass(frozen=True, slots=True)
class FrameScorer:
    """Scores frames with a model and its prepare settings."""

    score: Score
    settings: PrepareSettings
    list_spots: bool = False
    geometry: Geometry = field(default_factory=Geometry)  # of the run
    level: BackgroundLevel = field(default_factory=BackgroundLevel)
    masks: PerMask[MaskBlocks] = field(default_factory=mask_block_cache)

    def __call__(self, frame: Frame | Unreadable) -> ScoredFrame:
        """Return the score, or why there is none."""
        if isinstance(frame, Unreadable):
            return ScoredFrame(frame.path, frame.index, reason=frame.reason, event=frame.event)
        try:
            return self._scored(frame)
        except FrameError as error:
            return ScoredFrame(frame.path, frame.index, reason=error.reason, event=frame.event)

    def _scored(self, frame: Frame) -> ScoredFrame:
        view, peaks = prepare_with_peaks(frame, self.settings, self.masks)
        score, spot_map = self.score(view)
        places = spot_places(peaks, spot_map)
        return ScoredFrame(
            frame.path,
            frame.index,
            score,
            self.level(frame),
            tuple(spots(peaks, spot_map)) if self.list_spots else (),
            event=frame.event,
            spot_count=places.shape[1],
            resolution=resolution(places, self.geometry),
        )


@dataclass(frozen=True, slots=True)
class Judge:
    """Decides which frames are kept."""

    scorer: FrameScorer
    threshold: float

    def __call__(self, frame: Frame | Unreadable) -> Verdict:
        """Return the verdict; a frame without a score is kept, because losing a hit is worse than keeping a miss."""
        scored = self.scorer(frame)
        keep = scored.score is None or scored.score >= self.threshold
        return Verdict(
            scored.path,
            scored.index,
            scored.score,
            keep,
            scored.reason,
            scored.background,
            scored.spots,
            scored.event,
            scored.spot_count,
            scored.resolution,
        )


def judge_frames(
    run: Run, judge: Judge, threads: int, start: int = 0, stop: int | None = None
) -> Iterator[Verdict]:
    """Yield one verdict a frame, in the run's order, of the frames at the positions from ``start`` to ``stop``."""
    return run.map(judge, threads, start, stop)
