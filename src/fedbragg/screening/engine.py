"""Frames in, verdicts out: in order, on every core, with a fixed number of frames in flight."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import FrameError
from fedbragg.prepare import PrepareSettings, prepare
from fedbragg.screening.drift_background import background_level
from fedbragg.types import Frame, Run, Unreadable, Verdict, View

IN_FLIGHT = 3
"""Frames waiting or worked on for each thread: enough to keep it busy, few enough for 16-megapixel frames."""


class Score(Protocol):
    """What screening asks of a model; models.file.Scorer is one. Called from several threads."""

    def __call__(self, view: View) -> tuple[float, NDArray[np.float32]]:
        """Return the probability of a hit and the spot map."""
        ...


def screen(
    run: Run, score: Score, settings: PrepareSettings, threshold: float, threads: int
) -> Iterator[Verdict]:
    """Yield one verdict a frame in the run's order; what cannot be read or scored is kept, and says why."""

    def judge(frame: Frame) -> Verdict:
        return judge_frame(frame, score, settings, threshold)

    waiting: deque[Verdict | Future[Verdict]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for frame in run.frames():
                waiting.append(
                    kept_unread(frame) if isinstance(frame, Unreadable) else pool.submit(judge, frame)
                )
                if len(waiting) >= IN_FLIGHT * threads:
                    yield _settled(waiting.popleft())
            while waiting:
                yield _settled(waiting.popleft())
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def judge_frame(frame: Frame, score: Score, settings: PrepareSettings, threshold: float) -> Verdict:
    """Return the verdict on one frame."""
    try:
        value, _ = score(prepare(frame, settings))
    except FrameError as error:
        return Verdict(frame.path, frame.index, score=None, keep=True, reason=error.reason)
    level = background_level(frame)
    return Verdict(frame.path, frame.index, score=value, keep=value >= threshold, background=level)


def kept_unread(frame: Unreadable) -> Verdict:
    """Keep a frame that cannot be read: a lost hit is worse than a kept miss."""
    return Verdict(frame.path, frame.index, score=None, keep=True, reason=frame.reason)


def _settled(verdict: Verdict | Future[Verdict]) -> Verdict:
    return verdict.result() if isinstance(verdict, Future) else verdict
