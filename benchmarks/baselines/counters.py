"""Spot finders whose count is the score: a dispersion finder, and peakfinder8 in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fedbragg.metrics.classification import summary
from fedbragg.types import Frame
from simcounter import Counter

INTERPRETER = "FEDBRAGG_PEAKFINDER8"
"""Environment variable: path of a Python that has ondamonitor (GPL-3, so never this one)."""
Centre = tuple[float, float]
CountSpots = Callable[[Frame, Centre, float], tuple[int, float]]
"""A frame, its beam centre (column, row) and its gain in counts a photon: number of spots, CPU milliseconds."""


def dispersion(frame: Frame, centre: Centre, gain: float) -> tuple[int, float]:
    """Count by DIALS' rule with its own defaults."""
    start = time.thread_time()
    number = Counter(gain=gain, threshold=0)(frame.counts, frame.mask)
    return number, 1e3 * (time.thread_time() - start)


class Peakfinder8:
    """A peakfinder8 process, fast mode: asked by files, answers by lines."""

    def __init__(self, interpreter: str) -> None:
        self._folder = tempfile.TemporaryDirectory()
        script = Path(__file__).with_name("peakfinder8_process.py")
        self._process = subprocess.Popen(
            [interpreter, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __call__(self, frame: Frame, centre: Centre, gain: float) -> tuple[int, float]:
        """Return the number of spots and the finder's own milliseconds."""
        path = Path(self._folder.name, "frame.npz")
        np.savez(path, counts=frame.counts.astype(np.float32), mask=frame.mask, centre=centre)
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("peakfinder8 has no pipes")
        self._process.stdin.write(f"{path}\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return answer["spots"], answer["milliseconds"]

    def close(self) -> None:
        """End the process."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()
        self._folder.cleanup()


def peakfinder8() -> Peakfinder8 | str:
    """Return peakfinder8, or the reason why it is missing."""
    interpreter = os.environ.get(INTERPRETER)
    if not interpreter:
        return f"peakfinder8 left out: {INTERPRETER} names no Python that has ondamonitor."
    probe = [interpreter, "-c", "import om.algorithms.crystallography"]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        return f"peakfinder8 left out: {interpreter} cannot import ondamonitor."
    return Peakfinder8(interpreter)


def best_threshold(counts: np.ndarray, positive: np.ndarray) -> int:
    """Return the number of spots that makes the balanced accuracy of simulated frames best."""
    candidates = np.unique(counts)
    figures = [summary(positive, counts, value)["balanced accuracy"].value for value in candidates]
    return int(candidates[int(np.argmax(figures))])
