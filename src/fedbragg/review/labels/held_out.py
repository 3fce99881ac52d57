"""Split labels into those that train a model and those that judge it: by run or by stretch, never frame by frame.

Neighbours in time are near-copies, so a frame must not judge a model that its neighbour taught. The rule depends only
on the files, so a frame keeps its part when more labels come.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedbragg.types import Label

THIRD = 3
"""One in this many runs or stretches judges."""
STRETCHES, SHORTEST = 30, 5
"""Number of stretches of a run, and fewest frames of one."""
BALANCED = (0.15, 0.6)
"""Allowed share of frames in the judging runs; outside these limits, stretches of frames judge instead."""
FEWEST = 5
"""Fewest labels of each kind, hit or miss, for training and for judging."""


@dataclass(frozen=True, slots=True)
class LabelParts:
    """Labels by position in the run; a maybe counts as hit."""

    teaching: Mapping[int, Label]
    judging: Mapping[int, Label]

    @property
    def lacking(self) -> str:
        """Describe which labels are missing; empty where they suffice."""
        parts = ((self.teaching, "teach"), (self.judging, "judge"))
        lines = [line for labels, verb in parts if (line := _lacking(labels, verb))]
        return " ".join(lines)


def label_parts(labels: Mapping[int, Label], judges: NDArray[np.bool_]) -> LabelParts:
    """Split labels; ``judges`` (frames,) says which frames judge."""
    return LabelParts(
        {position: label for position, label in sorted(labels.items()) if not judges[position]},
        {position: label for position, label in sorted(labels.items()) if judges[position]},
    )


def judging_frames(files: Sequence[tuple[str, int]]) -> NDArray[np.bool_]:
    """Return which frames (frames,) of files, each a path and its number of frames, judge and never teach.

    Every third run: a file of several frames, or a folder of files with one. Where there is one run, or these hold too
    few or too many of the frames, every third stretch of neighbours.
    """
    runs = _run_of_each_frame(files)
    found: NDArray[np.bool_] = runs % THIRD == 1
    if found.size and BALANCED[0] <= found.mean() <= BALANCED[1]:
        return found
    length = max(SHORTEST, -(-len(runs) // STRETCHES))
    stretches: NDArray[np.bool_] = np.arange(len(runs)) // length % THIRD == 1
    return stretches


def _run_of_each_frame(files: Sequence[tuple[str, int]]) -> NDArray[np.int64]:
    names = [path if frames > 1 else str(Path(path).parent) for path, frames in files]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.repeat([numbers[name] for name in names], [frames for _, frames in files])


def stretches(chosen: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return first and last + 1 of the stretches of positions that are chosen (frames,)."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], chosen, [False])).astype(np.int8)))
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]


def _lacking(labels: Mapping[int, Label], verb: str) -> str:
    counts = Counter(label.positive for label in labels.values())
    hits, misses = counts[True], counts[False]
    if min(hits, misses) >= FEWEST:
        return ""
    return (
        f"To {verb} there must be {FEWEST} hits or maybes and {FEWEST} misses; there are {hits} and {misses}."
    )
