"""The published phase networks, in their favour: our prepared patterns, no softmax before the loss.

The test set is not used between epochs.
Li et al. 2024 give a trunk of convolutions 1-8-32 and heads 1024-256-64-2 with class weights 1:1.6; kernel and pooling
are not given and taken here as 9 and the mean over 32 stretches. With one head it is the one-phase binary network.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from fedbragg.tasks.phases.data import PhaseData

CLASS_WEIGHTS = (1.0, 1.6)


class PublishedNet(nn.Module):
    """Patterns (batch, 1, points) in; logits (batch, phases, 2) out."""

    def __init__(self, phases: int) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv1d(1, 8, 9, padding=4), nn.ReLU(), nn.MaxPool1d(4),
            nn.Conv1d(8, 32, 9, padding=4), nn.ReLU(), nn.AdaptiveAvgPool1d(32), nn.Flatten(),
        )  # fmt: skip
        self.heads = nn.ModuleList(
            nn.Sequential(
                nn.Linear(1024, 256), nn.ReLU(), nn.Linear(256, 64), nn.ReLU(), nn.Linear(64, 2)
            )
            for _ in range(phases)
        )  # fmt: skip

    def forward(self, views: Tensor) -> Tensor:
        """Return both classes' logits of each phase."""
        shared = self.trunk(views)
        return torch.stack([head(shared) for head in self.heads], dim=1)


def train_published(data: PhaseData, phases: list[int], epochs: int, seed: int) -> PublishedNet:
    """Train one network on the phases of the columns given."""
    torch.manual_seed(seed)
    network = PublishedNet(len(phases))
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    for _ in range(epochs):
        for chosen in torch.randperm(len(data)).split(64):
            logits = network(data.views[chosen, :1])
            labels = data.labels[chosen][:, phases]
            known = labels >= 0
            loss = nn.functional.cross_entropy(
                logits[known], labels[known].long(), weight=torch.tensor(CLASS_WEIGHTS)
            )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return network


def probabilities(network: PublishedNet, data: PhaseData) -> np.ndarray:
    """Return the probability of each of the network's phases, (patterns, phases)."""
    with torch.no_grad():
        logits = torch.cat([network(views[:, :1]) for views in data.views.split(256)])
    return torch.softmax(logits, dim=2)[:, :, 1].double().numpy()
