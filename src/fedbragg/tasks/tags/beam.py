"""Find the direct beam: lines along the gradients meet there, and parts of the picture point at it.

Scattering falls and rises along radii, so the gradient of the light at any place lies on a line through the beam (the
radial symmetry of Parthasarathy, Nature Methods 2012). The least-squares meeting point of lines is exact, also outside
the picture. The network learns which lines to trust, and which places look like a beam themselves.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

PARTS = 16
"""Parts of the picture along an edge; each has a trusted share of lines and points at one place."""
PRIOR = 1e-3
"""Trust in the middle of the picture, relative to all parts together: decides only where no part does."""
FLAT = 1e-4
"""Squared gradient, in units of the first channel, below which a part has no direction."""
VOTES = 4
"""Numbers that the network gives for each part: column, row, trust in the place, trust in the lines."""


def normals(views: Tensor) -> Tensor:
    """Return (batch, 2, cells / 2, cells / 2) the normal (column, row) of each place's gradient line.

    ``views`` are (batch, channels, cells, cells). A normal is as long as the gradient, 0 where a neighbour was not
    measured.
    """
    light, inside = _smoothed(views)
    right, down = light[:, :, :, 2:] - light[:, :, :, :-2], light[:, :, 2:] - light[:, :, :-2]
    x = -functional.pad(down, (0, 0, 1, 1)) * inside
    y = functional.pad(right, (1, 1, 0, 0)) * inside
    return torch.cat([x, y], dim=1)


def gradient_lines(normals: Tensor) -> Tensor:
    """Return (batch, 5, PARTS, PARTS): each part's normal equations of its gradient lines.

    With t the normals of a part's lines and p their places, these are the sums of t t' (xx, xy, yy) and of t t' p
    (x, y), scaled so that the trace of t t' is at most 1.
    """
    x, y = normals[:, :1], normals[:, 1:]
    at = places(normals.shape[-1], normals)
    xx, xy, yy = x * x, x * y, y * y
    column, row = at[None, None, None, :], at[None, None, :, None]
    lines = torch.cat([xx, xy, yy, xx * column + xy * row, xy * column + yy * row], dim=1)
    summed = functional.avg_pool2d(lines, normals.shape[-1] // PARTS)
    return summed / (summed[:, :1] + summed[:, 2:3] + FLAT)


def _smoothed(views: Tensor) -> tuple[Tensor, Tensor]:
    """Return the light at half the cells and smoothed, and 1 where all eight neighbours were measured."""
    coverage = functional.avg_pool2d(views[:, 1:2], 2)
    mean = functional.avg_pool2d(views[:, :1] * views[:, 1:2], 2) / (coverage + 1e-3)
    measured = (coverage > 0.1).to(views.dtype)
    share = functional.avg_pool2d(measured, 3, 1, 1)
    light = functional.avg_pool2d(mean * measured, 3, 1, 1) / (share + 1e-3)
    whole = (share > 0.99).to(views.dtype)  # no gap among the neighbours
    beside = whole[:, :, 1:-1, :-2] * whole[:, :, 1:-1, 2:] * whole[:, :, :-2, 1:-1] * whole[:, :, 2:, 1:-1]
    return light, whole * functional.pad(beside, (1, 1, 1, 1))


def meeting_point(votes: Tensor, lines: Tensor) -> Tensor:
    """Return the beam (batch, 2) in halves of the view from its middle (column, row): 1 is at an edge.

    ``votes`` (batch, VOTES, PARTS, PARTS) are the network's, ``lines`` those of ``gradient_lines``. The point minimises
    the squared distances from lines and places, weighed by a softmax of the trusts over all parts.
    """
    at = places(votes.shape[-1], votes)
    trust = torch.softmax(votes[:, 2:].flatten(1), dim=1).unflatten(1, (2, -1))
    place, line = trust[:, 0], trust[:, 1]
    column = (place * (votes[:, 0] + at[None, None, :]).flatten(1)).sum(dim=1)
    row = (place * (votes[:, 1] + at[None, :, None]).flatten(1)).sum(dim=1)
    xx, xy, yy, x, y = (lines.flatten(2) * line[:, None]).sum(dim=2).unbind(1)
    weight = place.sum(dim=1) + PRIOR
    xx, yy, x, y = xx + weight, yy + weight, x + column, y + row
    determinant = xx * yy - xy * xy
    point: Tensor = torch.stack([yy * x - xy * y, xx * y - xy * x], dim=1) / determinant[:, None]
    return point


def places(number: int, like: Tensor) -> Tensor:
    """Return the middles of ``number`` parts along an edge (number,), from -1 to 1."""
    return (torch.arange(number, dtype=like.dtype, device=like.device) + 0.5) * (2 / number) - 1
