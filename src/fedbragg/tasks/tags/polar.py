"""Read a view about a beam: along the radius, by combs of rings, and as a whole picture in polar coordinates."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from fedbragg.tasks.tags.comb import COMB_WIDTH, CombReader
from fedbragg.tasks.tags.unroll import PolarView, extent, ring_features

RING_WIDTH, SHEET_WIDTH = 96, 64
SHEET_LAYERS = (
    ((20, 5), (4, 2)),
    ((40, 3), (2, 2)),
    ((SHEET_WIDTH, 3), (1, 1)),
    ((SHEET_WIDTH, 3), (2, 1)),
)
"""Channels, and kernel; stride along radius and azimuth."""
POLAR_WIDTH = 2 * RING_WIDTH + 3 * SHEET_WIDTH + COMB_WIDTH
"""Features that ``PolarReader`` gives."""


class PolarReader(nn.Module):
    """Features of a view about a beam, from measured cells alone."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.unrolled = PolarView()
        self.rings = _ring_layers(ring_features(channels))
        self.sheet = SheetReader(channels + 1)
        self.combs = CombReader()

    def forward(self, views: Tensor, beam: Tensor) -> Tensor:
        """Return features (batch, POLAR_WIDTH) of views (batch, channels, cells, cells) about beams (batch, 2)."""
        rings, sheet = self.unrolled(views, beam)
        along: Tensor = self.rings(rings)
        together = self.combs(rings, *extent(beam)[:2])
        return torch.cat([along.mean(dim=2), along.amax(dim=2), self.sheet(sheet), together], dim=1)


class SheetReader(nn.Module):
    """A convolutional network over radius and azimuth that closes around the azimuth."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        widths = [channels, *(width for (width, _), _ in SHEET_LAYERS)]
        layers = [
            nn.Conv2d(before, width, kernel, stride=stride, bias=False)
            for before, ((width, kernel), stride) in zip(widths, SHEET_LAYERS, strict=False)
        ]
        self.layers = nn.ModuleList(layers)
        self.norms = nn.ModuleList(nn.BatchNorm2d(layer.out_channels) for layer in layers)

    def forward(self, x: Tensor) -> Tensor:
        """Return features (batch, 3 * SHEET_WIDTH) of sheets (batch, channels, radii, angles)."""
        for ((_, kernel), _), layer, norm in zip(SHEET_LAYERS, self.layers, self.norms, strict=True):
            edge = kernel // 2
            x = torch.cat([x[..., -edge:], x, x[..., :edge]], dim=3)
            x = functional.relu(norm(layer(functional.pad(x, (0, 0, edge, edge)))))
        return torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3)), x.mean(dim=3).amax(dim=2)], dim=1)


def _ring_layers(features: int) -> nn.Sequential:
    return nn.Sequential(
        nn.BatchNorm1d(features),
        nn.Conv1d(features, 48, 5, padding=2),
        nn.ReLU(),
        nn.Conv1d(48, 64, 5, padding=2, stride=2),
        nn.BatchNorm1d(64),
        nn.ReLU(),
        nn.Conv1d(64, RING_WIDTH, 5, padding=2, stride=2),
        nn.BatchNorm1d(RING_WIDTH),
        nn.ReLU(),
        nn.Conv1d(RING_WIDTH, RING_WIDTH, 5, padding=2),
        nn.ReLU(),
    )
