"""The networks of hit finding, which turn a frame's peaks into a score.

spotnet finds the spots, and decides from their number whether the frame is a hit. A small network gives the peak of a
cell the probability that it is a Bragg spot, from the cell and its surroundings. It runs only in cells with a peak, a
few in a hundred. A head counts the spots and turns the count into the score, so that five spots among 60,000 cells are
not averaged away.

kindnet sorts the peaks into several kinds, of which spots are the first, and decides from the numbers of all. So many
peaks of a powder ring can speak against a hit.

There is no batch normalisation, so the result does not depend on which frames share a batch or a site.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

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

    def whole(self, measures: Tensor) -> tuple[Tensor, Tensor]:
        """Map the measures (peaks, 64) of one frame to its hit logit () and to spot logits (peaks,)."""
        logits = self.spots(measures)
        return self.hit(self.votes(logits).sum()), logits

    def batch(self, measures: Tensor, owner: Tensor, frames: int) -> tuple[Tensor, Tensor]:
        """Map the peaks of some frames to hit logits (frames,) and spot logits (peaks,).

        ``owner`` (peaks,) is the position of each peak's frame.
        """
        logits = self.spots(measures)
        return self.hit(measures.new_zeros(frames).index_add(0, owner, self.votes(logits))), logits


KINDS = 8
"""Kinds of peaks that kindnet counts."""


class KindNet(nn.Module):
    """Map measures of peaks to logits of kinds, and the numbers of each kind to the logit of the hit score."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.kind = nn.Sequential(nn.Linear(MEASURES, width), nn.ReLU(), nn.Linear(width, KINDS))
        self.certainty = nn.Parameter(torch.ones(KINDS))
        self.decide = nn.Sequential(nn.Linear(KINDS, 16), nn.ReLU(), nn.Linear(16, 1))

    def hit(self, counts: Tensor) -> Tensor:
        """Map the counts of each kind (..., 8) to hit logits (...)."""
        logits: Tensor = self.decide(torch.log1p(counts))[..., 0]
        return logits

    def whole(self, measures: Tensor) -> tuple[Tensor, Tensor]:
        """See SpotNet.whole."""
        kinds = self.kind(measures)
        return self.hit(votes(kinds, self.certainty).sum(dim=0)), kinds[:, 0]

    def batch(self, measures: Tensor, owner: Tensor, frames: int) -> tuple[Tensor, Tensor]:
        """See SpotNet.batch."""
        kinds = self.kind(measures)
        counts = measures.new_zeros(frames, KINDS).index_add(0, owner, votes(kinds, self.certainty))
        return self.hit(counts), kinds[:, 0]


HitNetwork = SpotNet | KindNet
NETWORKS: Mapping[str, Callable[[], HitNetwork]] = {
    "spotnet": SpotNet,
    "spotnet-small": lambda: SpotNet(16),
    "kindnet": KindNet,
}
"""Every network by the name that ``[hits] network`` gives; the second has a sixth of the first's weights."""


def votes(logits: Tensor, certainty: Tensor) -> Tensor:
    """Return the share of each peak in the count; see SpotNet.votes."""
    return torch.exp((1 + nn.functional.softplus(certainty)) * nn.functional.logsigmoid(logits))


def hit_logits(count: Tensor, weight: Tensor, offset: Tensor) -> Tensor:
    """Return the logits of the hit score from counts of spots; see SpotNet.hit."""
    return nn.functional.softplus(weight) * torch.log1p(count) + offset


class WholeFrame(nn.Module):
    """A network in the model file: measures of a frame's peaks in, hit score and spot probabilities out."""

    def __init__(self, network: HitNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, measures: Tensor) -> tuple[Tensor, Tensor]:
        """Map measures (peaks, 64) to the score () and to each peak's probability of being a spot (peaks,)."""
        hit, spots = self.network.whole(measures)
        return torch.sigmoid(hit), torch.sigmoid(spots)
