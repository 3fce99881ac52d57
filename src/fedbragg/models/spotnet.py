"""spotnet: where the spots are, and from their number whether the frame is a hit.

A fully convolutional network gives every cell of a View the probability that its peak is a Bragg spot: one 9 x 9
convolution, so that a spot on a powder ring or along a panel's edge is seen with its surroundings, then 1 x 1 ones. It
is worked out only in cells that hold a peak, a few in a hundred; elsewhere there is no spot. A head counts the spots
and turns the count into the score, so that five spots among 60,000 cells are not averaged away.

There is no batch normalisation: nothing depends on which frames happen to share a batch or a site.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from fedbragg.prepare import CHANNELS

SEEN = tuple(CHANNELS.index(name) for name in ("core", "wings", "rim", "masked"))
"""The channels used. The background is left out on purpose: it tells detectors apart better than hits."""
REACH = 4
"""Cells seen to each side of a peak: 9 x 9 cells, 72 pixels at the default block."""
LEAST = 4.0
"""Standard deviations from which a peak is looked at; empty frames have dozens of 4-sigma peaks and no 6-sigma one."""
WINDOW = 2 * REACH + 1


class SpotNet(nn.Module):
    """Surroundings of peaks in; logits of being a spot out, and from these the logit of the hit score."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.spot = nn.Sequential(
            nn.Linear(len(SEEN) * WINDOW**2, width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Linear(width, 1),
        )
        self.count_weight = nn.Parameter(torch.tensor(1.5))
        self.count_offset = nn.Parameter(torch.tensor(-2.0))

    def spots(self, windows: Tensor) -> Tensor:
        """Map windows (peaks, 4 * 81) to logits (peaks,)."""
        logits: Tensor = self.spot(windows)[:, 0]
        return logits

    def hit(self, count: Tensor) -> Tensor:
        """Map expected numbers of spots to hit logits of the same shape; more spots never lower the score."""
        return nn.functional.softplus(self.count_weight) * torch.log1p(count) + self.count_offset


class WholeFrame(nn.Module):
    """What the model file holds: one frame's View in, hit score and spot map out."""

    def __init__(self, network: SpotNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, view: Tensor) -> tuple[Tensor, Tensor]:
        """Map a View (5, rows, cols) to the score () and the spot map (rows, cols), both probabilities."""
        cells = peak_cells(view)
        probability = torch.sigmoid(self.network.spots(windows(view, cells)))
        score = torch.sigmoid(self.network.hit(probability.sum()))
        spot_map = torch.zeros_like(view[0]).index_put((cells[:, 0], cells[:, 1]), probability)
        return score, spot_map


def peak_cells(view: Tensor) -> Tensor:
    """Return row and column (peaks, 2) of the cells of a View (5, rows, cols) whose peak is worth a look."""
    return torch.nonzero(view[SEEN[0]] > math.log1p(LEAST))


def windows(view: Tensor, cells: Tensor) -> Tensor:
    """Cut the surroundings (peaks, 4 * 81) of cells (peaks, 2) out of a View (5, rows, cols).

    Beyond the frame's edge everything is masked.
    """
    seen = view[list(SEEN)]  # (4, rows, cols)
    beyond = torch.zeros(len(SEEN), 1, 1)
    beyond[-1] = 1.0
    padded = nn.functional.pad(seen - beyond, (REACH, REACH, REACH, REACH)) + beyond
    width = padded.shape[2]
    steps = torch.arange(WINDOW)
    offsets = (steps[:, None] * width + steps[None, :]).reshape(-1)  # (81,) within the flattened padded frame
    places = (cells[:, 0] * width + cells[:, 1])[:, None] + offsets[None, :]  # (peaks, 81)
    cut = padded.reshape(len(SEEN), -1)[:, places]  # (4, peaks, 81)
    return cut.permute(1, 0, 2).reshape(-1, len(SEEN) * WINDOW**2)
