"""healnet: a small U-Net that chooses how to cross a gap, pixel by pixel.

Each level of its encoder gets the measured data at its own scale: the logarithm of the mean over measured
pixels, averaged as counts and so right for Poisson counts of any size, and the share of pixels that was measured. Its
output weighs fills along lines through the gap, which ``directions`` makes, and corrects their mean.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from fedbragg.tasks.tags.healing.network.directions import FILLS

WIDTHS = (8, 20, 32, 48, 64)
"""Channels at each level; each level halves the rows and columns."""
COARSEST = len(WIDTHS) + 1
"""Halvings of the mean that fills wide gaps; sizes must be multiples of 2 ** COARSEST."""
LEAK = 0.1
"""Slope of the activation below 0, so that none of the few channels dies."""
FAR = 30.0
"""Subtracted from the logit of a line without two ends."""
SCALE = 4.0
"""Natural logarithms to one unit of the network's channels."""


class Pair(nn.Module):
    """Two convolutions of 3 x 3, each normalised."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(width), nn.BatchNorm2d(width)])

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, rows, cols) to (batch, width, rows, cols)."""
        for layer, norm in zip((self.first, self.second), self.norms, strict=True):
            x = functional.leaky_relu(norm(layer(x)), LEAK)
        return x


class HealNet(nn.Module):
    """From counts with gaps to the logarithm of the expected counts."""

    def __init__(self) -> None:
        super().__init__()
        before = (0, *WIDTHS[:-1])
        given = (3 + FILLS, *[3] * (len(WIDTHS) - 1))
        self.down = nn.ModuleList(Pair(t + b, w) for t, b, w in zip(given, before, WIDTHS, strict=True))
        self.up = nn.ModuleList(Pair(a + b, b) for a, b in zip(WIDTHS[1:], WIDTHS[:-1], strict=True))
        self.last = nn.Conv2d(WIDTHS[0], FILLS + 2, 1)

    def initialise(self, seed: int) -> None:
        """Give the weights random values that only the seed decides (He et al. 2015); the output begins as the fill."""
        generator = torch.Generator().manual_seed(seed)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, 0, (2 / module.weight[0].numel()) ** 0.5, generator=generator)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    def forward(self, counts: Tensor, measured: Tensor, fills: Tensor, there: Tensor) -> Tensor:
        """Return ln(1 + expected counts) (batch, 1, rows, cols).

        ``counts`` and ``measured`` are (batch, 1, rows, cols), measured 1 where a pixel counts, else 0; ``fills`` and
        ``there`` are (batch, FILLS, rows, cols) as ``directional_fills`` returns them.
        """
        means, shares = _pyramid(counts * measured, measured)
        filled = _filled(means, shares)
        lines = there * (fills - filled[0])
        kept: list[Tensor] = []
        for level, pair in enumerate(self.down):
            given = [torch.log1p(means[level]) / SCALE, shares[level], filled[level] / SCALE]
            finer = [functional.max_pool2d(kept[-1], 2)] if kept else [lines]
            kept.append(pair(torch.cat([*finer, *given], dim=1)))
        x = kept[-1]
        for level in range(len(self.up) - 1, -1, -1):
            wide = functional.interpolate(x, scale_factor=2.0, mode="nearest")
            x = self.up[level](torch.cat([wide, kept[level]], dim=1))
        choice = self.last(x)
        logits = torch.cat([choice[:, 1:-1] - FAR * (1 - there), choice[:, -1:]], dim=1)
        weights = torch.softmax(logits, dim=1)
        expected: Tensor = filled[0] + (weights[:, :-1] * lines).sum(dim=1, keepdim=True) + choice[:, :1]
        return expected


def _pyramid(light: Tensor, measured: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """Return the means over measured pixels, 0 where there are none, and the shares measured, halving at each level."""
    means, shares = [], []
    for _ in range(COARSEST + 1):
        means.append(light / torch.clamp(measured, min=1e-6))
        shares.append(measured)
        light, measured = functional.avg_pool2d(light, 2), functional.avg_pool2d(measured, 2)
    return means, shares


def _filled(means: list[Tensor], shares: list[Tensor]) -> list[Tensor]:
    """Return ln(1 + mean) at each level, where little was measured mixed with the next coarser level's."""
    coarse = torch.log1p(means[-1])
    filled = [coarse]
    for mean, share in zip(means[-2::-1], shares[-2::-1], strict=True):
        wide = functional.interpolate(coarse, scale_factor=2.0, mode="bilinear", align_corners=False)
        trust = torch.clamp(4 * share, max=1.0)
        coarse = trust * torch.log1p(mean) + (1 - trust) * wide
        filled.insert(0, coarse)
    return filled
