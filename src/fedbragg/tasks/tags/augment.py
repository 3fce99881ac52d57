"""What an image might as well have been: turned, mirrored, partly unmeasured, noisy. Tags stay what they are.

Rotation, gaps, noise and defects are learnt, not repaired. Counts keep their scale, for two tags are about strength.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from fedbragg.tasks.tags.halve import READ

TURNED, GAPPED, NOISY, SPECKED = 0.25, 0.35, 0.25, 0.15
"""Shares of the images that are turned by any angle, lose parts, gain noise, gain salt and pepper."""


def augmented(views: Tensor, beams: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return changed copies of views (batch, 3, READ, READ) with their beams (batch, 2)."""
    views, beams = _mirrored(views, beams, generator)
    views, beams = _turned(views, beams, generator)
    views = views.clone()
    for i in range(len(views)):
        _with_gaps(views[i], generator)
        _with_noise(views[i], generator)
    return views, beams


def _mirrored(views: Tensor, beams: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Mirror and turn by right angles, the whole batch alike."""
    turns, mirror = (int(torch.randint(n, (), generator=generator)) for n in (4, 2))
    for _ in range(turns):
        views, beams = views.transpose(2, 3).flip(2), torch.stack([beams[:, 1], -beams[:, 0]], dim=1)
    return (views.flip(3), beams * torch.tensor([-1.0, 1.0])) if mirror else (views, beams)


def _turned(views: Tensor, beams: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Turn some images by any angle about the middle; what comes into the picture was not measured."""
    chosen = torch.rand(len(views), generator=generator) < TURNED
    if not chosen.any():
        return views, beams
    angle = (torch.rand(int(chosen.sum()), generator=generator) * 2 - 1) * math.pi
    cosine, sine = torch.cos(angle), torch.sin(angle)
    zero = torch.zeros_like(angle)
    matrix = torch.stack([torch.stack([cosine, -sine, zero], 1), torch.stack([sine, cosine, zero], 1)], 1)
    grid = functional.affine_grid(matrix, [len(angle), 3, READ, READ], align_corners=False)
    views, beams = views.clone(), beams.clone()
    views[chosen] = functional.grid_sample(views[chosen], grid, mode="nearest", align_corners=False)
    column, row = beams[chosen].unbind(1)
    beams[chosen] = torch.stack([cosine * column + sine * row, cosine * row - sine * column], dim=1)
    return views, beams


def _with_gaps(view: Tensor, generator: torch.Generator) -> None:
    """Take measured cells away, in place: bars across the picture, rectangles, or half of it."""
    if float(torch.rand((), generator=generator)) >= GAPPED:
        return
    kind = int(torch.randint(4, (), generator=generator))
    if kind == 0:
        first = READ // 2 * int(torch.randint(2, (), generator=generator))
        _erase(view, (first, first + READ // 2), (0, READ))
        return
    for _ in range(int(torch.randint(1, 7, (), generator=generator))):
        at = torch.randint(0, READ, (2,), generator=generator)
        size = (2 ** (torch.rand(2, generator=generator) * (2 if kind < 3 else 5))).int()
        rows, cols = ((int(a), int(a + s)) for a, s in zip(at, size, strict=True))
        if kind < 3:  # bars, as between modules
            rows, cols = (rows, (0, READ)) if kind == 1 else ((0, READ), cols)
        _erase(view, rows, cols)


def _erase(view: Tensor, rows: tuple[int, int], cols: tuple[int, int]) -> None:
    view[:, rows[0] : rows[1], cols[0] : cols[1]] = 0


def _with_noise(view: Tensor, generator: torch.Generator) -> None:
    """Add noise to the logarithm, or salt and pepper, in place and on measured cells alone."""
    light, measured = view[0], view[1] > 0
    if float(torch.rand((), generator=generator)) < NOISY:
        strength = 0.1 * float(torch.rand((), generator=generator)) * float(light.max() - light.min())
        light += strength * torch.randn(light.shape, generator=generator) * measured
        light.clamp_(min=0)
    if float(torch.rand((), generator=generator)) < SPECKED:
        chance = torch.rand(light.shape, generator=generator)
        share = 0.04 * float(torch.rand((), generator=generator))
        light[(chance < share / 2) & measured] = 0
        light[(chance > 1 - share / 2) & measured] = float(light.max())
