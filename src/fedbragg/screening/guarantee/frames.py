"""Score the labelled frames of a run: what a calibration is worked out from."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import LabelError
from fedbragg.screening.guarantee.labels import GroupedLabels, check_frames
from fedbragg.types import Label, Verdict

Maybe = Literal["hit", "miss", "aside"]
Counted = Literal["frame", "file", "folder", "group"]


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """The scored frames, in the run's order."""

    score: NDArray[np.float64]  # (frames,) the network's own, before any map
    hit: NDArray[np.bool_]  # (frames,)
    level: NDArray[np.float64]  # (frames,) background, counts a pixel; NaN where unknown
    group: NDArray[np.intp]  # (frames,) numbered from 0; of its own for each frame where frames count singly
    unreadable_hits: int = 0  # labelled hits that cannot be read: kept whatever the threshold, so never lost
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


def labelled_frames(
    verdicts: Iterable[Verdict], labels: GroupedLabels, maybe: Maybe = "hit", counted: Counted = "frame"
) -> Labelled:
    """Put verdicts and labels together; raise LabelError where a frame comes twice, or a labelled one not at all.

    The verdicts' scores are the network's own.
    """
    name = group_namer(labels, counted)
    rows: list[tuple[float, bool, float, str]] = []
    unread, unlabelled = {True: 0, False: 0}, 0
    for verdict in _once(verdicts, labels):
        label = labels.table.label(verdict.path, verdict.index)
        if label is None:
            unlabelled += 1
        elif (hit := counts_as_hit(label, maybe)) is not None:
            if verdict.score is None:
                unread[hit] += 1
                continue
            level = np.nan if verdict.background is None else verdict.background
            rows.append((verdict.score, hit, level, name(verdict)))
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    return Labelled(
        score=np.array(columns[0], np.float64),
        hit=np.array(columns[1], np.bool_),
        level=np.array(columns[2], np.float64),
        group=_numbered(columns[3]),
        unreadable_hits=unread[True],
        unreadable_misses=unread[False],
        unlabelled=unlabelled,
    )


def counts_as_hit(label: Label, maybe: Maybe) -> bool | None:
    """Say whether a label counts as a hit; None where it does not count at all."""
    if label is Label.MAYBE:
        return None if maybe == "aside" else maybe == "hit"
    return label is Label.HIT


def doubles(labelled: Labelled) -> int:
    """Return how many hits have exactly the score and level of another: copies do, and hardly anything else does."""
    pairs = np.stack([labelled.score, np.nan_to_num(labelled.level)], axis=1)
    pairs = pairs[labelled.hit & (labelled.score < 1)]
    return len(pairs) - len(np.unique(pairs, axis=0))


def group_namer(labels: GroupedLabels, counted: Counted) -> Callable[[Verdict], str]:
    """Return what names the group of a frame; raise LabelError where the table must name them and does not."""
    if counted == "group":
        rows = {*labels.table.frames, *((path, None) for path in labels.table.files)}
        without = rows - set(labels.groups)
        if without:
            raise LabelError(
                f"{labels.path}: {len(without)} of {len(rows)} rows name no group. Fill the column group with each "
                "frame's scan, crystal or run, or take --group-by file or folder."
            )
        return lambda verdict: labels.group(verdict.path, verdict.index)
    if counted == "file":
        return lambda verdict: verdict.path
    if counted == "folder":
        return lambda verdict: str(Path(verdict.path).parent)
    return lambda verdict: f"{verdict.path}\n{verdict.index}"


def _once(verdicts: Iterable[Verdict], labels: GroupedLabels) -> Iterator[Verdict]:
    """Pass the verdicts on, each frame once, and look at the end that no labelled one was missing."""
    seen: dict[tuple[str, int], str] = {}
    given: set[tuple[str, int]] = set()
    for verdict in verdicts:
        frame = (os.path.realpath(verdict.path), verdict.index)
        if frame in seen:
            raise LabelError(
                f"{verdict.path} frame {verdict.index} is the same frame as in {seen[frame]}. Give each file once."
            )
        seen[frame] = verdict.path
        given.add((verdict.path, verdict.index))
        yield verdict
    check_frames(labels, given)


def _numbered(names: Iterable[str]) -> NDArray[np.intp]:
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], np.intp)
