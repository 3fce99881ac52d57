"""Labelled powder patterns, prepared for training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class PhaseData:
    """Labelled patterns, prepared for training."""

    views: Tensor  # (patterns, 3, points)
    labels: Tensor  # (patterns, phases) 1, 0, or -1 for unknown
    measured: Tensor  # (patterns,) True if measured, False if simulated

    def __len__(self) -> int:
        """Return the number of patterns."""
        return len(self.views)

    def __getitem__(self, part: slice | Tensor, /) -> PhaseData:
        """Return some of the patterns, by a slice, a tensor of indices or a mask."""
        return PhaseData(self.views[part], self.labels[part], self.measured[part])

    @property
    def label_counts(self) -> tuple[tuple[int, ...], ...]:
        """Return for each phase how many patterns lack it and how many show it."""
        absent, present = (self.labels == 0).sum(dim=0), (self.labels == 1).sum(dim=0)
        return tuple((int(a), int(p)) for a, p in zip(absent, present, strict=True))


def concatenate(parts: Sequence[PhaseData]) -> PhaseData:
    """Pool several sites' patterns."""
    return PhaseData(
        torch.cat([part.views for part in parts]),
        torch.cat([part.labels for part in parts]),
        torch.cat([part.measured for part in parts]),
    )
