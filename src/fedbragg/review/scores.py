"""The scores of all frames of a run, computed in the background while people label."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import FedbraggError
from fedbragg.screening.judge import FrameScorer
from fedbragg.types import Run


class Scores:
    """Scores the frames of a run of its own, which no other thread reads; begins when first asked."""

    def __init__(self, run: Run, scorer: FrameScorer) -> None:
        self._run, self._scorer = run, scorer
        self._found = np.full(len(run), np.nan)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self.done = 0  # frames looked at; some have no score
        self.problem = ""  # why it ended early

    def start(self) -> None:
        """Begin, once."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="fedbragg-scores", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End the work and wait for the frame at hand."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    @property
    def started(self) -> bool:
        """Return whether scores were asked for."""
        return self._thread is not None

    def found(self) -> NDArray[np.float64]:
        """Return the scores so far (frames,), NaN where there is none."""
        return self._found.copy()

    def _work(self) -> None:
        try:
            for position, scored in enumerate(self._run.map(self._scorer, 1)):
                if self._stop.is_set():
                    return
                self._found[position] = np.nan if scored.score is None else scored.score
                self.done = position + 1
        except (FedbraggError, OSError) as error:  # the page says so; labelling goes on
            self.problem = f"Scoring stopped: {error}"
