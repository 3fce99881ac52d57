"""tagnet: two readings of one view, joined.

A convolutional trunk reads the picture and helps to find the direct beam. A polar reading about that beam sees, from
measured cells only, features that rotation and gaps leave unchanged.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from fedbragg.tasks.tags.beam import VOTES, gradient_lines, meeting_point, normals
from fedbragg.tasks.tags.polar import POLAR_WIDTH, PolarReader
from fedbragg.tasks.tags.prepare import CHANNELS
from fedbragg.tasks.tags.refine import refined

WIDTHS, DEPTHS = (24, 48, 96), (1, 2, 1)
"""Channels and blocks of the trunk at 32, 16 and 8 parts along an edge."""
LEVELS = 2
"""Numbers for the strength of the whole image, besides one for each channel."""


class Block(nn.Module):
    """A residual block that begins close to the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.near = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.near_norm = nn.BatchNorm2d(width)
        self.mix = nn.Conv2d(width, width, 1, bias=False)
        self.mix_norm = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, width, rows, cols) to the same shape."""
        change = self.mix(functional.relu(self.near_norm(self.near(x))))
        return functional.relu(x + self.mix_norm(change))


class Trunk(nn.Module):
    """The picture's features, and its parts' votes for the direct beam."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.stem = _coarser(channels, WIDTHS[0], kernel=6, stride=4)
        self.stages = nn.ModuleList(
            nn.Sequential(*(Block(w) for _ in range(depth))) for w, depth in zip(WIDTHS, DEPTHS, strict=True)
        )
        self.downs = nn.ModuleList(_coarser(a, b, kernel=2, stride=2) for a, b in itertools.pairwise(WIDTHS))
        self.votes = nn.Conv2d(WIDTHS[1] + WIDTHS[2], VOTES, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return features (batch, 2 * 96) and votes (batch, VOTES, 16, 16) of pictures (batch, channels, 128, 128)."""
        x = self.stages[0](self.stem(x))
        middle = self.stages[1](self.downs[0](x))
        last = self.stages[2](self.downs[1](middle))
        wide = functional.interpolate(last, scale_factor=2.0, mode="nearest")
        votes: Tensor = self.votes(torch.cat([middle, wide], dim=1))
        return torch.cat([last.mean(dim=(2, 3)), last.amax(dim=(2, 3))], dim=1), votes


class Reading(NamedTuple):
    """The network's answer for images."""

    logits: Tensor  # (batch, tags)
    found: Tensor  # (batch, 2) the beam by the trunk's votes, which training moves; halves of the view from its middle
    beam: Tensor  # (batch, 2) the same made precise


class TagNet(nn.Module):
    """Logits of the tags, and the direct beam's place; it reads the first ``channels`` of a view."""

    def __init__(self, tags: int, polar: bool = True, channels: int = len(CHANNELS)) -> None:
        super().__init__()
        self.channels = channels
        self.trunk = Trunk(channels)
        self.polar = PolarReader(channels) if polar else None
        width = 2 * WIDTHS[-1] + LEVELS + channels + (POLAR_WIDTH if polar else 0)
        self.head = nn.Sequential(nn.Linear(width, 128), nn.ReLU(), nn.Linear(128, tags))

    def forward(self, views: Tensor, beams: Tensor | None = None) -> Reading:
        """Read images.

        ``views`` are (batch, channels or more, 128, 128). Where ``beams`` (batch, 2) is finite, the polar reading is
        about that beam.
        """
        views = views[:, : self.channels]
        picture, levels = standardised(views)
        features, votes = self.trunk(picture)
        across = normals(views)
        found = meeting_point(votes, gradient_lines(across))
        beam = refined(across, found.detach())
        read = [features, levels]
        if self.polar is not None:
            about = beam if beams is None else torch.where(torch.isfinite(beams), beams, beam)
            read.append(self.polar(views, about))
        return Reading(self.head(torch.cat(read, dim=1)), found, beam)


def standardised(views: Tensor) -> tuple[Tensor, Tensor]:
    """Return views with light of mean 0 and deviation 1 where measured, and (batch, LEVELS + channels) the rest."""
    light, measured, inside = views[:, :1], views[:, 1:2], views[:, 2:]
    total = measured.sum(dim=(2, 3), keepdim=True).clamp(min=1)
    mean = (light * measured).sum(dim=(2, 3), keepdim=True) / total
    variance = ((light - mean) ** 2 * measured).sum(dim=(2, 3), keepdim=True) / total
    deviation = torch.sqrt(variance + 1e-4)
    highest = light.amax(dim=(2, 3), keepdim=True)
    rough = (inside * measured).sum(dim=(2, 3), keepdim=True) / total
    share = total / (views.shape[2] * views.shape[3])
    levels = torch.cat([mean, deviation, highest, share, rough], dim=1).flatten(1)
    return torch.cat([(light - mean) / deviation * measured, measured, 4 * inside], dim=1), levels


def _coarser(channels: int, width: int, *, kernel: int, stride: int) -> nn.Sequential:
    layer = nn.Conv2d(channels, width, kernel, stride=stride, padding=(kernel - stride) // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(width), nn.ReLU())
