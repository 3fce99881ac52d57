"""spotnet: find the spots, and decide from their number whether the frame is a hit.

A small network gives the peak of a cell the probability that it is a Bragg spot, from the cell and its surroundings. It
runs only in cells with a peak, a few in a hundred. A head counts the spots and turns the count into the score, so that
five spots among 60,000 cells are not averaged away.

There is no batch normalisation, so the result does not depend on which frames share a batch or a site.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fedbragg.tasks.hits.surroundings import MEASURES


class SpotNet(nn.Module):
    """Map measures of peaks to spot logits, and these to the logit of the hit score."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.spot = nn.Sequential(
            nn.Linear(MEASURES, width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Linear(width, 1),
        )
        self.certainty = nn.Parameter(torch.tensor(1.0))
        self.count_weight = nn.Parameter(torch.tensor(1.5))
        self.count_offset = nn.Parameter(torch.tensor(-2.0))

    def spots(self, measures: Tensor) -> Tensor:
        """Map measures (peaks, 64) to logits (peaks,)."""
        logits: Tensor = self.spot(measures)[:, 0]
        return logits

    def votes(self, logits: Tensor) -> Tensor:
        """Map spot logits to each peak's share in the count: its probability to a learnt power above 1.

        A large empty detector shows a thousand peaks of probability 1/100, which must not add up to ten spots.
        """
        return votes(logits, self.certainty)

    def hit(self, count: Tensor) -> Tensor:
        """Map counts of spots to hit logits of the same shape; more spots never lower the score."""
        return hit_logits(count, self.count_weight, self.count_offset)


def votes(logits: Tensor, certainty: Tensor) -> Tensor:
    """Return the share of each peak in the count; see SpotNet.votes."""
    return torch.exp((1 + nn.functional.softplus(certainty)) * nn.functional.logsigmoid(logits))


def hit_logits(count: Tensor, weight: Tensor, offset: Tensor) -> Tensor:
    """Return the logits of the hit score from counts of spots; see SpotNet.hit."""
    return nn.functional.softplus(weight) * torch.log1p(count) + offset


class WholeFrame(nn.Module):
    """The network in the model file: measures of a frame's peaks in, hit score and spot probabilities out."""

    def __init__(self, network: SpotNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, measures: Tensor) -> tuple[Tensor, Tensor]:
        """Map measures (peaks, 64) to the score () and to each peak's probability of being a spot (peaks,)."""
        logits = self.network.spots(measures)
        score = torch.sigmoid(self.network.hit(self.network.votes(logits).sum()))
        return score, torch.sigmoid(logits)
