"""A beam made precise: the place where most gradient lines meet that pass near a first guess.

A ring a few cells wide is lost to the polar reading when the beam is as far off. Gradient lines that miss the
guess come from spots, gaps and streaks; each pass trusts them less (least squares with Cauchy's weights, squared), and
the tolerance narrows.
"""

from __future__ import annotations

import torch
from torch import Tensor

from fedbragg.tasks.tags.beam import places

TOLERANCES = (0.1, 0.05, 0.03, 0.03, 0.03)
"""Distance of a line from the beam, in halves of the view, at which it counts a quarter; one for each pass."""
FAINT = 1e-3
"""Squared gradient, in units of the first channel, at which a cell's line counts half."""
INERTIA = 1e-3
"""Trust in the last guess, against all lines together: decides along a direction that no line fixes."""


def refined(normals: Tensor, guess: Tensor) -> Tensor:
    """Return beams (batch, 2) near guesses (batch, 2), both in halves of the view; ``normals`` as ``beam.normals``."""
    column, row, trust, offset = _lines(normals)
    beam = guess
    for tolerance in TOLERANCES:
        miss = column * beam[:, :1] + row * beam[:, 1:] - offset
        weight = trust / (1 + (miss / tolerance) ** 2) ** 2
        xx, xy, yy = ((weight * product).sum(dim=1) for product in (column * column, column * row, row * row))
        x, y = (weight * column * offset).sum(dim=1), (weight * row * offset).sum(dim=1)
        stay = (xx + yy) * INERTIA + 1e-6
        xx, yy, x, y = xx + stay, yy + stay, x + stay * beam[:, 0], y + stay * beam[:, 1]
        determinant = xx * yy - xy * xy
        beam = torch.stack([yy * x - xy * y, xx * y - xy * x], dim=1) / determinant[:, None]
    return beam


def _lines(normals: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return each cell's unit normal (column, row), its trust and its line's offset along it, (batch, cells) each."""
    x, y = normals[:, 0], normals[:, 1]
    squared = x * x + y * y
    length = torch.sqrt(squared) + 1e-6
    x, y = x / length, y / length
    at = places(normals.shape[-1], normals)
    offset = x * at[None, None, :] + y * at[None, :, None]
    trust = squared / (squared + FAINT)
    return x.flatten(1), y.flatten(1), trust.flatten(1), offset.flatten(1)
