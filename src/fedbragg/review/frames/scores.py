"""The scores of all frames of a run: read from a screening, or computed while people label."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import FedbraggError
from fedbragg.review.frames.known_scores import KnownScores, nothing_known
from fedbragg.review.labels.held_out import stretches
from fedbragg.screening.judge import FrameScorer
from fedbragg.types import Run


class Scores:
    """Scores the frames of a run of its own, which no other thread reads; begins when first asked."""

    def __init__(self, run: Run, scorer: FrameScorer, known: KnownScores | None = None) -> None:
        self._run, self._scorer = run, scorer
        self._known = nothing_known(len(run)) if known is None else known
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self.screened = self.complete  # whether all were known at the start
        self.problem = ""  # why it ended early

    def start(self) -> None:
        """Begin, once, where a frame is left to score."""
        with self._lock:
            if self._thread is None and not self.complete:
                self._thread = threading.Thread(target=self._work, name="fedbragg-scores", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End the work and wait for the current frame."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def restart(self, scorer: FrameScorer) -> None:
        """Score all frames again, with another model, if they were asked for."""
        asked = self.started
        self.stop()
        with self._lock:
            self._scorer, self._known, self._thread = scorer, nothing_known(len(self._run)), None
            self._stop.clear()
            self.problem = ""
        if asked:
            self.start()

    @property
    def started(self) -> bool:
        """Return whether scores were asked for, or known at the start."""
        return self._thread is not None or self.complete

    @property
    def done(self) -> int:
        """Return how many frames were looked at; some have no score."""
        return int(self._known.looked.sum())

    @property
    def complete(self) -> bool:
        """Return whether every frame was looked at."""
        return bool(self._known.looked.all())

    def found(self) -> NDArray[np.float64]:
        """Return the scores so far (frames,), NaN where there is none."""
        return self._known.scores.copy()

    def levels(self) -> NDArray[np.float32]:
        """Return the background so far (frames,) in counts a pixel, NaN where it is not known."""
        return self._known.levels.copy()

    def _work(self) -> None:
        try:
            for start, stop in stretches(~self._known.looked):
                for offset, scored in enumerate(self._run.map(self._scorer, 1, start, stop)):
                    if self._stop.is_set():
                        return
                    self._known.scores[start + offset] = np.nan if scored.score is None else scored.score
                    level = scored.background
                    self._known.levels[start + offset] = np.nan if level is None else level
                    self._known.looked[start + offset] = True
        except (FedbraggError, OSError) as error:  # the page shows it; labelling continues
            self.problem = f"Scoring stopped: {error}"
