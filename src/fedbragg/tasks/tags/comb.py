"""Rings that belong together: combs of a lattice's lines, laid over the light along the logarithm of the radius.

The ratios of a lattice's radii are a fixed pattern on that axis, at every camera length and cell, so one long kernel
matches all of its lines wherever the first one lies. Training starts from the combs of known lattices and may move
them; the others start at random.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from fedbragg.simulation.scattering.lattices import LATTICES, Peaks
from fedbragg.tasks.tags.unroll import CLOSEST, COVERAGE, MEAN, RADII

STEP, PLACES = 1 / 32, 160
"""Natural logarithm of the ratio of neighbouring radii, and their number: from CLOSEST to beyond any corner."""
TEETH, BEFORE = 57, 6
"""Places under a comb, and how many of them lie below its first line: it reaches to 4.8 times the first radius."""
COMBS, WIDTH = 24, 48
LINES = 7
"""Lines of a known lattice that a comb starts with."""
WIDTHS = (0.03125, 0.045)
"""Standard deviations of their logarithm; each lattice starts one comb of each."""
NEAR, AROUND = 11, 45
"""Places whose mean is the background of a ring, and whose deviation is its unit."""
COMB_WIDTH = 2 * WIDTH
"""Features that ``CombReader`` gives."""


class CombReader(nn.Module):
    """Features that show which rings occur together."""

    def __init__(self) -> None:
        super().__init__()
        self.kernels = nn.Parameter(torch.zeros(COMBS, 2, TEETH))
        self.norm = nn.BatchNorm1d(COMBS)
        self.mix = nn.Sequential(nn.Conv1d(COMBS, WIDTH, 1, bias=False), nn.BatchNorm1d(WIDTH), nn.ReLU())

    def begin(self, generator: torch.Generator) -> None:
        """Set the first combs to the known lattices' lines, the others to noise."""
        known = [comb_of(peaks, width) for peaks in LATTICES.values() for width in WIDTHS]
        with torch.no_grad():
            self.kernels.normal_(0, 0.5 / (2 * TEETH) ** 0.5, generator=generator)
            self.kernels[: len(known)] *= 0.1
            self.kernels[: len(known), 0] = torch.stack(known)

    def forward(self, rings: Tensor, nearest: Tensor, farthest: Tensor) -> Tensor:
        """Return features (batch, COMB_WIDTH) of the polar reader's rings (batch, features, RADII).

        ``nearest`` and ``farthest`` (batch,) are the first and the last radius of the rings.
        """
        profile = on_fixed_ratios(rings[:, [MEAN, COVERAGE]], nearest, farthest)
        padded = functional.pad(standing_out(profile), (BEFORE, TEETH - 1 - BEFORE))
        matched = self.mix(functional.relu(self.norm(functional.conv1d(padded, self.kernels))))
        return torch.cat([matched.amax(dim=2), matched.mean(dim=2)], dim=1)


def comb_of(peaks: Peaks, width: float) -> Tensor:
    """Return a comb (TEETH,) of mean 0 with lines at a lattice's ratios, as strong as a random one."""
    place = (torch.arange(TEETH) - BEFORE) * STEP
    lines = [torch.exp(-0.5 * ((place - math.log(ratio)) / width) ** 2) for ratio, _ in peaks[:LINES]]
    comb = torch.stack(lines).sum(dim=0)
    scaled: Tensor = (comb - comb.mean()) / (comb.std() * TEETH**0.5)
    return scaled


def on_fixed_ratios(rings: Tensor, nearest: Tensor, farthest: Tensor) -> Tensor:
    """Interpolate rings (batch, features, RADII) to radii of one ratio (batch, features, PLACES), 0 outside them."""
    first = nearest.clamp(min=CLOSEST)
    wanted = math.log(CLOSEST) + torch.arange(PLACES, dtype=rings.dtype, device=rings.device) * STEP
    at = (wanted - torch.log(first)[:, None]) * (RADII / torch.log(farthest / first))[:, None] - 0.5
    inside = ((at >= 0) & (at <= RADII - 1)).to(rings.dtype)
    low = at.clamp(0.0, RADII - 1.001).floor()
    share = (at.clamp(0.0, RADII - 1.001) - low)[:, None]
    before, after = (_taken(rings, low.long() + k) for k in (0, 1))
    return (before * (1 - share) + after * share) * inside[:, None]


def standing_out(profile: Tensor) -> Tensor:
    """Return the light's excess over its neighbours (batch, 2, places), in deviations: plain, and clipped.

    ``profile`` (batch, 2, places) holds the light and its coverage.
    """
    light, measured = profile[:, :1], (profile[:, 1:] > 0.05).to(profile.dtype)
    above = (light - _mean(light, measured, NEAR)) * measured
    unit = torch.sqrt(_mean(above**2, measured, AROUND) + 1e-5)
    return torch.cat([above / unit, functional.relu(above / unit).clamp(max=3)], dim=1)


def _mean(values: Tensor, measured: Tensor, places: int) -> Tensor:
    """Return the mean over the measured places around each place."""
    sums: Sequence[Tensor] = [
        functional.avg_pool1d(part, places, 1, places // 2) for part in (values * measured, measured)
    ]
    return sums[0] / sums[1].clamp(min=1e-3)


def _taken(rings: Tensor, places: Tensor) -> Tensor:
    return torch.gather(rings, 2, places[:, None, :].expand(-1, rings.shape[1], -1))
