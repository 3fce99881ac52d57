"""Augment images: turn, mirror, hide parts, add noise. Tags stay the same.

Rotation, gaps, noise and defects are learnt, not repaired. Counts keep their scale, because two tags are about
strength.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from fedbragg.tasks.tags.halve import READ

TURNED, GAPPED, NOISY, SPECKED = 0.25, 0.35, 0.25, 0.15
"""Shares of the images that are turned by any angle, lose parts, gain noise, gain salt and pepper."""
MOST_GAPS = 6
"""Bars or rectangles that one image loses."""


def augmented(views: Tensor, beams: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return changed copies of views (batch, channels, READ, READ) with their beams (batch, 2).

    Views, beams and generator are on one device.
    """
    views, beams = _mirrored(views, beams, generator)
    views, beams = _turned(views, beams, generator)
    views = _with_gaps(views, generator)
    light, measured = views[:, 0], views[:, 1] > 0
    light = _specked(_noisy(light, measured, generator), measured, generator)
    return torch.cat([light[:, None], views[:, 1:]], dim=1), beams


def _mirrored(views: Tensor, beams: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Mirror and turn by right angles, the whole batch alike."""
    turns, mirror = (int(torch.randint(n, (), generator=generator, device=generator.device)) for n in (4, 2))
    for _ in range(turns):
        views, beams = views.transpose(2, 3).flip(2), torch.stack([beams[:, 1], -beams[:, 0]], dim=1)
    return (views.flip(3), torch.stack([-beams[:, 0], beams[:, 1]], dim=1)) if mirror else (views, beams)


def _turned(views: Tensor, beams: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Turn some images by any angle about the middle; cells from outside the picture count as unmeasured."""
    chosen = _chosen(TURNED, len(views), generator)
    if not len(chosen):
        return views, beams
    angle = (_uniform((len(chosen),), generator) * 2 - 1) * math.pi
    cosine, sine = torch.cos(angle), torch.sin(angle)
    zero = torch.zeros_like(angle)
    matrix = torch.stack([torch.stack([cosine, -sine, zero], 1), torch.stack([sine, cosine, zero], 1)], 1)
    grid = functional.affine_grid(matrix, [len(chosen), 1, READ, READ], align_corners=False)
    turned = functional.grid_sample(views[chosen], grid, mode="nearest", align_corners=False)
    column, row = beams[chosen].unbind(1)
    moved = torch.stack([cosine * column + sine * row, cosine * row - sine * column], dim=1)
    return views.index_copy(0, chosen, turned), beams.index_copy(0, chosen, moved)


def _with_gaps(views: Tensor, generator: torch.Generator) -> Tensor:
    """Take measured cells away from some images: bars across the picture, rectangles, or half of it."""
    chosen = _chosen(GAPPED, len(views), generator)
    first, size = _gaps(len(chosen), generator)
    at = torch.arange(READ, device=views.device)
    within = (at >= first[..., None]) & (at < (first + size)[..., None])  # (images, gaps, axes, READ)
    erased = (within[:, :, 0, :, None] & within[:, :, 1, None, :]).any(dim=1)
    return views.index_copy(0, chosen, views[chosen].masked_fill(erased[:, None], 0))


def _gaps(images: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw the first cell and the size (images, MOST_GAPS, 2) of gaps along rows and columns; size 0 is no gap."""
    shape = (images, MOST_GAPS, 2)
    kind = (_uniform((images, 1), generator) * 4).long()  # half, bars across, bars down, rectangles
    first = (_uniform(shape, generator) * READ).long()
    size = (2 ** (_uniform(shape, generator) * torch.where(kind < 3, 2, 5)[..., None])).long()
    across = torch.stack([kind == 2, kind == 1], dim=-1)  # bars, as between modules
    first, size = first.masked_fill(across, 0), size.masked_fill(across, READ)
    half = (kind == 0)[..., None]
    middle = torch.stack(
        [first[..., 0] // (READ // 2) * (READ // 2), torch.zeros_like(first[..., 0])], dim=-1
    )
    whole = torch.tensor([READ // 2, READ], device=first.device)
    first, size = torch.where(half, middle, first), torch.where(half, whole, size)
    number = torch.where(kind == 0, 1, 1 + (_uniform((images, 1), generator) * MOST_GAPS).long())
    used = torch.arange(MOST_GAPS, device=first.device) < number
    return first, size * used[..., None]


def _noisy(light: Tensor, measured: Tensor, generator: torch.Generator) -> Tensor:
    """Add noise to the logarithm (batch, READ, READ) of some images, on measured cells alone."""
    chosen = _chosen(NOISY, len(light), generator)
    part = light[chosen]
    most, least = part.amax(dim=(1, 2), keepdim=True), part.amin(dim=(1, 2), keepdim=True)
    strength = 0.1 * _uniform((len(chosen), 1, 1), generator) * (most - least)
    noise = torch.randn(part.shape, generator=generator, device=generator.device)
    return light.index_copy(0, chosen, (part + strength * noise * measured[chosen]).clamp(min=0))


def _specked(light: Tensor, measured: Tensor, generator: torch.Generator) -> Tensor:
    """Add salt and pepper to some images (batch, READ, READ), on measured cells alone."""
    chosen = _chosen(SPECKED, len(light), generator)
    part, inside = light[chosen], measured[chosen]
    chance = _uniform(tuple(part.shape), generator)
    share = 0.04 * _uniform((len(chosen), 1, 1), generator)
    most = part.amax(dim=(1, 2), keepdim=True)
    part = torch.where((chance < share / 2) & inside, 0.0, part)
    return light.index_copy(0, chosen, torch.where((chance > 1 - share / 2) & inside, most, part))


def _uniform(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.rand(shape, generator=generator, device=generator.device)


def _chosen(share: float, images: int, generator: torch.Generator) -> Tensor:
    """Return the places of a share of the images, drawn one by one."""
    return torch.nonzero(_uniform((images,), generator) < share)[:, 0]
