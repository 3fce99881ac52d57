"""Labelled frames of hit finding, reduced to their peaks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fedbragg.tasks.hits.prepare import PrepareSettings, prepare_with_peaks
from fedbragg.tasks.hits.surroundings import measures_of
from fedbragg.types import Frame, Label, Spot

NEAR = 2.5
"""Pixels: a peak this close to a simulated spot belongs to it."""
VISIBLE, FAINT = 6.0, 3.0
"""Standard deviations: a spot above the first must be found, one below the second must not.

Peaks in between do not train: on an empty frame noise looks the same.
"""
UNKNOWN = -1.0


@dataclass(frozen=True, slots=True, eq=False)
class HitExample:
    """One labelled frame, reduced to its peaks; the image itself is not kept."""

    measures: Tensor  # (peaks, 64), each peak and its surroundings
    label: Label
    spots: Tensor  # (peaks,) 1 spot, 0 none, -1 unknown


@dataclass(frozen=True, slots=True, eq=False)
class HitData:
    """The labelled frames of a site."""

    measures: Tensor  # (all peaks, 64)
    first: Tensor  # (frames + 1,) index of each frame's first peak
    hit: Tensor  # (frames,) 1 for hit or maybe
    spots: Tensor  # (all peaks,) 1 spot, 0 none, -1 unknown
    units: Tensor | None = (
        None  # (frames,) number of the run or crystal that each shows; None where it is unknown
    )

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.hit)

    def __getitem__(self, part: slice, /) -> HitData:
        """Return neighbouring frames; raise ValueError for a slice with steps."""
        start, stop, step = part.indices(len(self))
        if step != 1:
            raise ValueError("a slice of frames must have step 1: neighbours in time stay together")
        first = self.first[start : stop + 1]
        peaks = slice(int(first[0]), int(first[-1]))
        hit, units = self.hit[start:stop], None if self.units is None else self.units[start:stop]
        return HitData(self.measures[peaks], first - first[0], hit, self.spots[peaks], units)

    @property
    def label_counts(self) -> tuple[tuple[int, ...], ...]:
        """Return how many frames are misses and how many hits or maybes."""
        hits = int(self.hit.sum())
        return ((len(self) - hits, hits),)

    @property
    def truth(self) -> NDArray[np.bool_]:
        """Return which frames are hits or maybes (frames,)."""
        hits: NDArray[np.bool_] = self.hit.numpy() > 0
        return hits


def hit_example(
    frame: Frame, label: Label, settings: PrepareSettings, true_spots: Sequence[Spot] | None = None
) -> HitExample:
    """Prepare one labelled frame; ``true_spots`` are known for simulated ones."""
    view, peaks = prepare_with_peaks(frame, settings)
    known = torch.full((len(view.cells),), UNKNOWN)
    if true_spots is not None:
        known = _is_spot(torch.from_numpy(peaks.places).float(), true_spots)
    return HitExample(torch.from_numpy(measures_of(view)), label, known)


def _is_spot(places: Tensor, true_spots: Sequence[Spot]) -> Tensor:
    """Return for each peak at row and column (peaks, 2) whether it is a true spot: 1, 0, or -1 for unknown."""
    if not true_spots or not len(places):
        return torch.zeros(len(places))
    spots = torch.tensor([[spot.row, spot.column, spot.significance] for spot in true_spots])
    near = torch.cdist(places, spots[:, :2]) <= NEAR  # (peaks, spots)
    strongest = torch.where(near, spots[:, 2], 0.0).amax(dim=1)
    unclear = torch.where(strongest >= FAINT, UNKNOWN, 0.0)
    return torch.where(strongest >= VISIBLE, 1.0, unclear)


def from_examples(examples: Iterable[HitExample]) -> HitData:
    """Join examples."""
    listed = list(examples)
    lengths = torch.tensor([0] + [len(example.measures) for example in listed])
    return HitData(
        measures=torch.cat([example.measures for example in listed]),
        first=torch.cumsum(lengths, dim=0),
        hit=torch.tensor([float(example.label.positive) for example in listed]),
        spots=torch.cat([example.spots for example in listed]),
    )


def concatenate(parts: Sequence[HitData]) -> HitData:
    """Pool several sites' frames."""
    ends = np.cumsum([0] + [len(part.measures) for part in parts])
    firsts = [part.first[:-1] + int(end) for part, end in zip(parts, ends, strict=False)]
    return HitData(
        measures=torch.cat([part.measures for part in parts]),
        first=torch.cat([*firsts, torch.tensor([int(ends[-1])])]),
        hit=torch.cat([part.hit for part in parts]),
        spots=torch.cat([part.spots for part in parts]),
        units=_joined_units(parts),
    )


def _joined_units(parts: Sequence[HitData]) -> Tensor | None:
    """Return the units of pooled frames; no unit of one site is that of another."""
    joined, first = [], 0
    for part in parts:
        if part.units is None:
            return None
        joined.append(part.units + first)
        first += int(part.units.max()) + 1 if len(part.units) else 0
    return torch.cat(joined)
