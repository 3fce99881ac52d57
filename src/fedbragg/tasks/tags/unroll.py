"""A picture in polar coordinates about a beam, from measured cells alone.

Radii are equidistant in their logarithm, so that a lattice's ratios of radii look the same at every camera length.
About the beam, a rotation of the sample is a shift along the azimuth.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

RADII, ANGLES, HARMONICS = 128, 64, 6
CLOSEST = 3 / 128
"""The first radius, in halves of the view."""
MEAN, COVERAGE = 0, 3
"""Two of the features along the radius."""


def ring_features(channels: int) -> int:
    """Return the features along the radius, of views with this many channels: two of each beyond the third."""
    return HARMONICS + 7 + 2 * (channels - 3)


class PolarView(nn.Module):
    """Unroll pictures about beams."""

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

    def forward(self, views: Tensor, beam: Tensor) -> tuple[Tensor, Tensor]:
        """Return (batch, ring features, radii) for each radius, and (batch, channels + 1, radii, angles)."""
        nearest, farthest, half = extent(beam)
        first = nearest.clamp(min=CLOSEST)
        radius = first[:, None] * (farthest / first)[:, None] ** self.step
        weighed = torch.cat([views[:, :1] * views[:, 1:2], views[:, 1:2], views[:, 2:]], dim=1)
        grid = self._grid(beam, radius, half)
        sampled = functional.grid_sample(weighed, grid, align_corners=False)
        light, measured, inside = sampled[:, 0], sampled[:, 1], sampled[:, 2:]
        total = measured.sum(dim=2) + 1e-3
        mean = light.sum(dim=2) / total
        about = light - mean[:, :, None] * measured  # 0 where nothing was measured: gaps add no harmonics
        ends = torch.stack([nearest, farthest, half / math.pi], dim=1)[:, :, None].expand(-1, -1, RADII)
        grains = inside[:, 1:]
        more = [grains.sum(dim=3) / total[:, None], grains.amax(dim=3)]
        rings = torch.cat([self._along(about, measured, mean, total), ends, *more], dim=1)
        return rings, _sheet(light, measured, about, inside)

    def _grid(self, beam: Tensor, radius: Tensor, half: Tensor) -> Tensor:
        """Return sample places (batch, radii, angles, 2): all around a beam inside, else towards the image."""
        towards = torch.atan2(-beam[:, 1], -beam[:, 0])
        angle = towards[:, None] + half[:, None] * self.turn
        along = torch.stack([torch.cos(angle), torch.sin(angle)], dim=-1)
        return beam[:, None, None, :] + radius[:, :, None, None] * along[:, None, :, :]

    def _along(self, about: Tensor, measured: Tensor, mean: Tensor, total: Tensor) -> Tensor:
        """Return (batch, HARMONICS + 4, radii): mean, deviation, graininess, coverage and harmonics by azimuth."""
        change = about[:, :, 1:] - about[:, :, :-1]
        both = measured[:, :, 1:] * measured[:, :, :-1]
        fine = torch.sqrt((change**2 * both).sum(dim=2) / (both.sum(dim=2) + 1e-3) + 1e-6)
        deviation = torch.sqrt((about**2).sum(dim=2) / total + 1e-6)
        real, imaginary = about @ self.cosine.T, about @ self.sine.T  # (batch, radii, harmonics)
        strength = torch.sqrt(real**2 + imaginary**2 + 1e-6) / total[:, :, None]
        each = torch.stack([mean, deviation, fine, total / ANGLES], dim=1)
        return torch.cat([each, strength.transpose(1, 2)], dim=1)


def extent(beam: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the nearest and the farthest radius of the view, and half the angle that it fills, seen from a beam."""
    away = beam.abs()
    nearest = torch.linalg.vector_norm(torch.clamp(away - 1, min=0), dim=1)
    farthest = torch.linalg.vector_norm(away + 1, dim=1)
    distance = torch.linalg.vector_norm(beam, dim=1)
    opening = torch.asin(torch.clamp(math.sqrt(2) / torch.clamp(distance, min=math.sqrt(2)), max=1.0))
    full = torch.full_like(opening, math.pi)
    return nearest, farthest, torch.where(nearest > 0, torch.clamp(opening, max=math.pi / 2), full)


def _sheet(light: Tensor, measured: Tensor, about: Tensor, inside: Tensor) -> Tensor:
    """Return (batch, channels + 1, radii, angles): light about its mean, coverage, light about its ring's, others."""
    total = measured.sum(dim=(1, 2), keepdim=True) + 1e-3
    contrast = light - light.sum(dim=(1, 2), keepdim=True) / total * measured
    deviation = torch.sqrt((contrast**2).sum(dim=(1, 2), keepdim=True) / total + 1e-3)
    return torch.cat(
        [torch.stack([contrast / deviation, measured, about / deviation], dim=1), 4 * inside], dim=1
    )
