"""phasenet: shared 1-D convolutions, and for each phase a comb that samples them at the phase's lines.

The convolutions turn a pattern into features along q. For every phase the features are sampled at its lines, at several
strains at once: the lines of one phase move together, so a strain fits only if it fits several lines. A small network
weighs the samples, a softmax selects among the strains, and the evidence of all phases goes to each phase's head. So a
line that two phases share counts for the phase whose other lines are present.

There is no batch normalisation, so the result does not depend on which patterns share a batch or a site.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

FEATURES = 12
"""Features along q after the convolutions."""
EVIDENCE = 12
"""Numbers that a comb gives for its phase."""
STRIDE = 2
"""Points of the grid for one point of the features."""
STRAINS = np.linspace(-0.012, 0.012, 17)
"""Relative growths of the cell that are tried."""


@dataclass(frozen=True, slots=True, eq=False)
class Comb:
    """Positions of a phase's lines on the axis of the features, and their strengths in an ideal powder."""

    places: NDArray[np.float64]  # (strains, lines), positions along the features, from 0
    strength: NDArray[np.float64]  # (lines,), the strongest 1


class CombReader(nn.Module):
    """Sample the features at the places of a comb, and return the evidence for its phase."""

    left: Tensor  # (strains * lines,) point before each place
    share: Tensor  # (strains, lines) distance of each place past that point
    inside: Tensor  # (strains, lines) 1 if the place is on the grid
    prior: Tensor  # (lines,) square root of the strength

    def __init__(self, comb: Comb, points: int) -> None:
        super().__init__()
        inside = (comb.places >= 0) & (comb.places <= points - 1)
        places = np.clip(comb.places, 0, points - 1.001)
        left = np.floor(places).astype(np.int64)
        self.register_buffer("left", torch.from_numpy(left.reshape(-1)), persistent=False)
        self.register_buffer("share", torch.from_numpy((places - left).astype(np.float32)), persistent=False)
        self.register_buffer("inside", torch.from_numpy(inside.astype(np.float32)), persistent=False)
        self.register_buffer(
            "prior", torch.from_numpy(np.sqrt(comb.strength).astype(np.float32)), persistent=False
        )
        lines = comb.places.shape[1]
        self.weigh = nn.Sequential(
            nn.Linear(FEATURES * lines, 32), nn.ReLU(), nn.Linear(32, EVIDENCE), nn.ReLU()
        )
        self.fit = nn.Linear(EVIDENCE, 1, bias=False)  # a bias would cancel in the softmax

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return evidence (batch, 12) and the strains' weights (batch, strains) from features (batch, 12, points)."""
        batch = features.shape[0]
        left = torch.index_select(features, 2, self.left)
        right = torch.index_select(features, 2, self.left + 1)
        share = self.share.reshape(-1)
        read = (left * (1 - share) + right * share) * self.inside.reshape(-1)
        strains, lines = self.share.shape
        read = read.reshape(batch, FEATURES, strains, lines) * (0.25 + self.prior)
        evidence = self.weigh(read.permute(0, 2, 1, 3).reshape(batch, strains, FEATURES * lines))
        weights = torch.softmax(self.fit(evidence).squeeze(2), dim=1)  # (batch, strains)
        return (evidence * weights.unsqueeze(2)).sum(dim=1), weights


class PhaseNet(nn.Module):
    """Map prepared patterns (batch, 3, points) to logits (batch, phases)."""

    def __init__(self, combs: Sequence[Comb], points: int, channels: int = 3) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv1d(channels, 16, 7, stride=STRIDE, padding=3),
            nn.ReLU(),
            nn.Conv1d(16, 16, 5, padding=2),
            nn.ReLU(),
            nn.Conv1d(16, FEATURES, 9, padding=8, dilation=2),
            nn.ReLU(),
        )
        self.readers = nn.ModuleList(CombReader(comb, points // STRIDE) for comb in combs)
        shared = EVIDENCE * len(combs) + 2 * FEATURES
        self.heads = nn.ModuleList(
            nn.Sequential(nn.Linear(shared, 24), nn.ReLU(), nn.Linear(24, 1)) for _ in combs
        )

    def forward(self, views: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (batch, phases) and each strain's weight (batch, phases, strains)."""
        features = self.trunk(views)
        phases = [reader(features) for reader in self.readers]
        combined = torch.cat(
            [*(evidence for evidence, _ in phases), features.mean(dim=2), features.amax(dim=2)], dim=1
        )
        logits = torch.cat([head(combined) for head in self.heads], dim=1)
        return logits, torch.stack([weights for _, weights in phases], dim=1)


def comb_of(q: NDArray[np.float64], strength: NDArray[np.float64], q_low: float, step: float) -> Comb:
    """Return the comb of lines at ``q`` (lines,) on the grid that starts at ``q_low``; a growing cell lowers q."""
    moved = q / (1 + STRAINS[:, None])
    return Comb((moved - q_low) / step / STRIDE, strength / strength.max())


class ExportedNetwork(nn.Module):
    """The network in the model file: probabilities, and each phase's strain, the mean weighted by the fit."""

    def __init__(self, network: PhaseNet) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("tried", torch.from_numpy(STRAINS.astype(np.float32)), persistent=False)

    def forward(self, views: Tensor) -> tuple[Tensor, Tensor]:
        """Return probabilities (batch, phases) and strains (batch, phases)."""
        logits, weights = self.network(views)
        return torch.sigmoid(logits), (weights * self.tried).sum(dim=2)
