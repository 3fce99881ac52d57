"""Labelled scattering images, prepared and ready to train on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class TagData:
    """Labelled images, ready to train on."""

    views: Tensor  # (images, channels, READ, READ) half precision
    labels: Tensor  # (images, tags) 1, 0, or -1 for unknown
    beams: (
        Tensor  # (images, 2) the beam in halves of the view from its middle (column, row); NaN where unknown
    )

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.views)

    def __getitem__(self, part: slice | Tensor, /) -> TagData:
        """Return some of the images: neighbours by slice, any others by a tensor of indices or a mask."""
        return TagData(self.views[part], self.labels[part], self.beams[part])

    def to(self, device: torch.device) -> TagData:
        """Return the same images on a device."""
        return TagData(self.views.to(device), self.labels.to(device), self.beams.to(device))

    @property
    def label_counts(self) -> tuple[tuple[int, ...], ...]:
        """Return for each tag how many images lack it and how many show it; unannotated ones are not counted."""
        absent, present = (self.labels == 0).sum(dim=0), (self.labels == 1).sum(dim=0)
        return tuple((int(a), int(p)) for a, p in zip(absent, present, strict=True))

    @property
    def truth(self) -> NDArray[np.float32]:
        """Return the labels (images, tags): 1, 0, or -1 for unknown."""
        labels: NDArray[np.float32] = self.labels.numpy()
        return labels


def concatenate(parts: Sequence[TagData]) -> TagData:
    """Pool several sites' images."""
    return TagData(
        torch.cat([part.views for part in parts]),
        torch.cat([part.labels for part in parts]),
        torch.cat([part.beams for part in parts]),
    )
