"""Made runs of tagged images, for the tests of the page."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fedbragg.report.tag_selection import TagSelection
from fedbragg.report.tag_tally import TagTally, limits
from fedbragg.tasks.tags.prepare import TagView, prepare
from fedbragg.types import Frame


def view_of(counts: NDArray[np.int32], mask: NDArray[np.bool_] | None = None) -> TagView:
    return prepare(Frame(counts, np.zeros(counts.shape, bool) if mask is None else mask, "made", 0))


def flat_view(level: int = 5) -> TagView:
    return view_of(np.full((32, 48), level, np.int32))


def tallied(
    names: tuple[str, ...], probabilities: NDArray[np.float64], most: int = 800
) -> tuple[TagTally, TagSelection]:
    """Count and select images with these probabilities (images, tags); the paths are run.h5."""
    tally = TagTally(names, limits(0.5))
    selection = TagSelection(len(names), len(probabilities), 0.5, most)
    view = flat_view()
    for position, known in enumerate(probabilities):
        selection.add(position, "run.h5", position, known, view)
        tally.add(known)
    return tally, selection
