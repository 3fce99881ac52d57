"""tagnet: two readings of one view, joined.

A convolutional trunk reads the picture and points at the direct beam. A polar reading about that beam measures, radius
by radius and from measured cells only, what rotation and gaps leave unchanged: the mean along the azimuth, the
strength of its harmonics, and how grainy it is.
"""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTHS = (16, 32, 64, 112)
"""Channels of the trunk at 64, 32, 16 and 8 cells along an edge."""
DEPTHS = (1, 1, 2, 1)
RADII, ANGLES, HARMONICS = 96, 64, 6
POLAR_FEATURES = HARMONICS + 7


class Block(nn.Module):
    """A residual block of two layers, without norms.

    A learnt factor scales the change (SkipInit, De and Smith 2020); norms over the map would cost a third of the time.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.near = nn.Conv2d(width, width, 3, padding=1)
        self.mix = nn.Conv2d(width, width, 1)
        self.scale = nn.Parameter(torch.tensor(0.2))

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, width, rows, cols) to the same shape."""
        change: Tensor = self.mix(functional.relu(self.near(x)))
        return x + self.scale * change


class Trunk(nn.Module):
    """The picture's features, and where its parts say that the direct beam is."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, WIDTHS[0], 4, stride=4)
        self.stages = nn.ModuleList(
            nn.Sequential(*(Block(w) for _ in range(depth))) for w, depth in zip(WIDTHS, DEPTHS, strict=True)
        )
        self.downs = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in itertools.pairwise(WIDTHS))
        self.votes = nn.Conv2d(WIDTHS[2] + WIDTHS[3], 3, 1)

    def forward(self, views: Tensor) -> tuple[Tensor, Tensor]:
        """Return features (batch, 2 * 112) and the beam (batch, 2) of views (batch, 3, cells, cells)."""
        x = self.stem(views)
        kept = x
        for i, stage in enumerate(self.stages):
            x = stage(x)
            kept = x if i == 2 else kept
            x = self.downs[i](x) if i < 3 else x
        wide = functional.interpolate(x, scale_factor=2.0, mode="nearest")
        beam = self._beam(self.votes(torch.cat([kept, wide], dim=1)))
        return torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], dim=1), beam

    def _beam(self, votes: Tensor) -> Tensor:
        """Return the mean of the beam's places that the parts (batch, 3, n, n) see: 0 in the middle, 1 at an edge."""
        n = votes.shape[-1]
        at = (torch.arange(n, dtype=votes.dtype) + 0.5) * (2 / n) - 1
        trust = torch.softmax(votes[:, 2].flatten(1), dim=1)
        column = (votes[:, 0] + at[None, None, :]).flatten(1)
        row = (votes[:, 1] + at[None, :, None]).flatten(1)
        return torch.stack([(trust * column).sum(dim=1), (trust * row).sum(dim=1)], dim=1)


class PolarReader(nn.Module):
    """Features of the rings about a beam."""

    turn: Tensor  # (angles,) from -1 to 1
    cosine: Tensor  # (harmonics, angles)
    sine: Tensor  # (harmonics, angles)
    step: Tensor  # (radii,) from 0 to 1

    def __init__(self) -> None:
        super().__init__()
        turn = (torch.arange(ANGLES) + 0.5) * (2 / ANGLES) - 1
        harmonics = torch.arange(1, HARMONICS + 1)[:, None] * turn * math.pi
        self.register_buffer("turn", turn, persistent=False)
        self.register_buffer("cosine", torch.cos(harmonics), persistent=False)
        self.register_buffer("sine", torch.sin(harmonics), persistent=False)
        self.register_buffer("step", (torch.arange(RADII) + 0.5) / RADII, persistent=False)
        self.layers = nn.Sequential(
            nn.Conv1d(POLAR_FEATURES, 48, 5, padding=2),
            nn.ReLU(),
            nn.Conv1d(48, 64, 5, padding=2, stride=2),
            nn.ReLU(),
            nn.Conv1d(64, 96, 5, padding=2, stride=2),
            nn.ReLU(),
            nn.Conv1d(96, 96, 5, padding=2),
            nn.ReLU(),
        )

    def forward(self, views: Tensor, beam: Tensor) -> Tensor:
        """Return features (batch, 2 * 96) of views (batch, 3, cells, cells) about beams (batch, 2)."""
        read: Tensor = self.layers(self.rings(views, beam))
        return torch.cat([read.mean(dim=2), read.amax(dim=2)], dim=1)

    def rings(self, views: Tensor, beam: Tensor) -> Tensor:
        """Return (batch, POLAR_FEATURES, radii): what is measured at each radius, from measured cells alone."""
        nearest, farthest, half = _extent(beam)
        radius = nearest[:, None] + self.step * (farthest - nearest)[:, None]
        grid = self._grid(beam, radius, half)
        weighed = torch.cat([views[:, :1] * views[:, 1:2], views[:, 1:2]], dim=1)
        halved = functional.avg_pool2d(weighed, 2)
        sampled = functional.grid_sample(halved, grid, align_corners=False)  # (batch, 2, radii, angles)
        light, measured = sampled[:, 0], sampled[:, 1]
        about = torch.stack([nearest, farthest, half / math.pi], dim=1)[:, :, None].expand(-1, -1, RADII)
        return torch.cat([self._along(light, measured), about], dim=1)

    def _grid(self, beam: Tensor, radius: Tensor, half: Tensor) -> Tensor:
        """Return sample places (batch, radii, angles, 2): all around a beam inside, else towards the image."""
        towards = torch.atan2(-beam[:, 1], -beam[:, 0])
        angle = towards[:, None] + half[:, None] * self.turn
        along = torch.stack([torch.cos(angle), torch.sin(angle)], dim=-1)
        return beam[:, None, None, :] + radius[:, :, None, None] * along[:, None, :, :]

    def _along(self, light: Tensor, measured: Tensor) -> Tensor:
        """Return (batch, HARMONICS + 4, radii): mean, deviation, graininess, coverage and harmonics by azimuth."""
        total = measured.sum(dim=2) + 1e-3
        mean = light.sum(dim=2) / total
        value = light - mean[:, :, None] * measured  # 0 where nothing was measured, so gaps add no harmonics
        change = value[:, :, 1:] - value[:, :, :-1]
        both = measured[:, :, 1:] * measured[:, :, :-1]
        fine = torch.sqrt((change**2 * both).sum(dim=2) / (both.sum(dim=2) + 1e-3) + 1e-6)
        spread = torch.sqrt((value**2).sum(dim=2) / total + 1e-6)
        real, imaginary = value @ self.cosine.T, value @ self.sine.T  # (batch, radii, harmonics)
        strength = torch.sqrt(real**2 + imaginary**2 + 1e-6) / total[:, :, None]
        coverage = total / ANGLES
        return torch.cat(
            [torch.stack([mean, spread, fine, coverage], dim=1), strength.transpose(1, 2)], dim=1
        )


def _extent(beam: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the nearest and the farthest radius of the view, and half the angle that it fills, seen from a beam."""
    away = beam.abs()
    nearest = torch.linalg.vector_norm(torch.clamp(away - 1, min=0), dim=1)
    farthest = torch.linalg.vector_norm(away + 1, dim=1)
    distance = torch.linalg.vector_norm(beam, dim=1)
    opening = torch.asin(torch.clamp(math.sqrt(2) / torch.clamp(distance, min=math.sqrt(2)), max=1.0))
    return (
        nearest,
        farthest,
        torch.where(nearest > 0, torch.clamp(opening, max=math.pi / 2), torch.full_like(opening, math.pi)),
    )


class TagNet(nn.Module):
    """Logits of the tags, and the direct beam's place."""

    def __init__(self, tags: int, polar: bool = True) -> None:
        super().__init__()
        self.trunk = Trunk()
        self.polar = PolarReader() if polar else None
        width = 2 * WIDTHS[3] + (2 * 96 if polar else 0)
        self.head = nn.Sequential(nn.Linear(width, 128), nn.ReLU(), nn.Linear(128, tags))

    def forward(self, views: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (batch, tags) and the beam (batch, 2) in halves of the view from its middle."""
        features, beam = self.trunk(views)
        if self.polar is not None:
            features = torch.cat([features, self.polar(views, beam.detach())], dim=1)
        return self.head(features), beam
