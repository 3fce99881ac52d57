"""Join the scores of a run with its labels: the data of a calibration."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import LabelError
from fedbragg.screening.guarantee.demand import Counted, Maybe
from fedbragg.screening.guarantee.labels import GroupedLabels, check_frames
from fedbragg.screening.judge import ScoredFrame
from fedbragg.types import Label


@dataclass(frozen=True, slots=True, eq=False)
class LabelledFrames:
    """The scored frames that have a label, in the run's order."""

    score: NDArray[np.float64]  # (frames,) the network's own, before any calibration
    hit: NDArray[np.bool_]  # (frames,)
    level: NDArray[np.float64]  # (frames,) background, counts a pixel; NaN where unknown
    group: NDArray[np.intp]  # (frames,) number of the independent unit, from 0
    unreadable_hits: int = 0  # labelled hits that cannot be read: kept at any threshold, so never lost
    unreadable_misses: int = 0
    unlabelled: int = 0  # frames of the files that have no label

    @property
    def hits(self) -> int:
        """Return the number of scored hits."""
        return int(self.hit.sum())

    @property
    def misses(self) -> int:
        """Return the number of scored misses."""
        return len(self.hit) - self.hits


def join_labels(
    scored: Iterable[ScoredFrame],
    labels: GroupedLabels,
    maybe: Maybe = Maybe.HIT,
    counted: Counted = Counted.FRAME,
) -> LabelledFrames:
    """Join scores and labels; raise LabelError where a frame comes twice or a labelled frame does not come."""
    name = group_namer(labels, counted)
    rows: list[tuple[float, bool, float, str]] = []
    unreadable, unlabelled = {True: 0, False: 0}, 0
    for frame in _each_once(scored, labels):
        label = labels.table.label(frame.path, frame.index)
        if label is None:
            unlabelled += 1
        elif (hit := counts_as_hit(label, maybe)) is not None:
            if frame.score is None:
                unreadable[hit] += 1
                continue
            level = np.nan if frame.background is None else frame.background
            rows.append((frame.score, hit, level, name(frame)))
    score, hits, levels, names = list(zip(*rows, strict=True)) or [(), (), (), ()]
    return LabelledFrames(
        score=np.array(score, np.float64),
        hit=np.array(hits, np.bool_),
        level=np.array(levels, np.float64),
        group=_numbered(names),
        unreadable_hits=unreadable[True],
        unreadable_misses=unreadable[False],
        unlabelled=unlabelled,
    )


def counts_as_hit(label: Label, maybe: Maybe) -> bool | None:
    """Return whether a label counts as a hit; None where it is left out."""
    if label is Label.MAYBE:
        return None if maybe == Maybe.ASIDE else maybe == Maybe.HIT
    return label is Label.HIT


def count_copies(frames: LabelledFrames) -> int:
    """Return how many hits have exactly the score and level of another hit, which only copies have.

    Scores of 1 are left out, because many hits saturate.
    """
    pairs = np.stack([frames.score, np.nan_to_num(frames.level)], axis=1)
    pairs = pairs[frames.hit & (frames.score < 1)]
    return len(pairs) - len(np.unique(pairs, axis=0))


def group_namer(labels: GroupedLabels, counted: Counted) -> Callable[[ScoredFrame], str]:
    """Return the function that names a frame's group; raise LabelError where a row of the table lacks its group."""
    if counted == Counted.GROUP:
        rows = {*labels.table.frames, *((path, None) for path in labels.table.files)}
        without = rows - set(labels.groups)
        if without:
            raise LabelError(
                f"{labels.path}: {len(without)} of {len(rows)} rows name no group. Fill the column group with each "
                "frame's scan, crystal or run, or use --group-by file or folder."
            )
        return lambda frame: labels.group(frame.path, frame.index)
    if counted == Counted.FILE:
        return lambda frame: frame.path
    if counted == Counted.FOLDER:
        return lambda frame: str(Path(frame.path).parent)
    return lambda frame: f"{frame.path}\n{frame.index}"


def _each_once(scored: Iterable[ScoredFrame], labels: GroupedLabels) -> Iterator[ScoredFrame]:
    """Yield the frames, refuse one that comes twice, and at the end refuse labels of frames that did not come."""
    seen: dict[tuple[str, int], str] = {}
    found: set[tuple[str, int]] = set()
    for frame in scored:
        key = (os.path.realpath(frame.path), frame.index)
        if key in seen:
            raise LabelError(
                f"{frame.path} frame {frame.index} is the same frame as in {seen[key]}. Give each file once."
            )
        seen[key] = frame.path
        found.add((frame.path, frame.index))
        yield frame
    check_frames(labels, found)


def _numbered(names: Iterable[str]) -> NDArray[np.intp]:
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], np.intp)
