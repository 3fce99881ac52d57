"""Labelled micrographs, ready to train on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

UNKNOWN = 255
"""The class index of a pixel that nobody has labelled."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelledPicture:
    """One micrograph and the class of every pixel."""

    picture: NDArray[Any]  # (rows, cols) or (rows, cols, 3), uint8 or uint16
    labels: NDArray[np.uint8]  # (rows, cols) class index, or UNKNOWN


@dataclass(frozen=True, slots=True, eq=False)
class SegmentData:
    """A site's labelled micrographs, in the order of their names."""

    pictures: tuple[LabelledPicture, ...]
    classes: int

    def __len__(self) -> int:
        """Return the number of micrographs."""
        return len(self.pictures)

    def __getitem__(self, part: slice, /) -> SegmentData:
        """Return neighbouring micrographs."""
        return SegmentData(self.pictures[part], self.classes)

    @property
    def label_counts(self) -> tuple[tuple[int, ...], ...]:
        """Return the number of pixels of each class; unlabelled ones are not counted."""
        return (tuple(int(n) for n in self.truth.sum(axis=0)),)

    @property
    def truth(self) -> NDArray[np.int64]:
        """Return the number of pixels of each class in each micrograph (micrographs, classes)."""
        counts = [np.bincount(one.labels.ravel(), minlength=256)[: self.classes] for one in self.pictures]
        return np.array(counts, np.int64).reshape(len(self), self.classes)


def concatenate(parts: Sequence[SegmentData]) -> SegmentData:
    """Pool several sites' micrographs."""
    return SegmentData(tuple(one for part in parts for one in part.pictures), parts[0].classes)
