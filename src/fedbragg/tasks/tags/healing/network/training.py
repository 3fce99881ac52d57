"""Train healnet on simulated images, whose light without gaps and noise is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from fedbragg.progress import Step
from fedbragg.simulation.scattering.experiment import ANY_INSTRUMENT, draw_experiment
from fedbragg.tasks.tags.healing.network.healnet import HealNet
from fedbragg.tasks.tags.healing.simulated import known_image

TILE = 128
"""Pixels along an edge of a training example."""
LONGEST = (256, 384, 512, 768, 1024)
"""Pixels along the longer side of the simulated images, in turn."""
ELSEWHERE = 0.1
"""What an error on a measured pixel costs, against one in a gap: denoising teaches features."""


Tile = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]
"""Counts, target and usable pixels, each (TILE, TILE), as Tiles has them."""


@dataclass(frozen=True, slots=True, eq=False)
class Tiles:
    """Examples to learn from."""

    counts: Tensor  # (tiles, TILE, TILE) float32, as the file has them
    target: Tensor  # (tiles, TILE, TILE) float32, ln(1 + expected counts)
    usable: Tensor  # (tiles, TILE, TILE) bool, False where the file has no count or the target is not the scattering

    def __len__(self) -> int:
        """Return the number of tiles."""
        return len(self.counts)


def simulated_tiles(images: int, of_each: int, seed: int, step: Step) -> Tiles:
    """Simulate images, every one of another experiment, and cut tiles out of them."""
    made: list[Tile] = []
    for i, child in enumerate(np.random.SeedSequence([seed, 92]).spawn(images)):
        made.extend(_tiles(LONGEST[i % len(LONGEST)], of_each, child))
        step()
    return Tiles(*(torch.from_numpy(np.stack(parts)) for parts in zip(*made, strict=True)))


def _tiles(longest: int, number: int, seed: np.random.SeedSequence) -> Iterator[Tile]:
    image_seed, place_seed = seed.spawn(2)
    image = known_image(draw_experiment(ANY_INSTRUMENT, longest, seed), image_seed)
    generator = np.random.default_rng(place_seed)
    target = np.log1p(np.maximum(image.expected, 0))
    counts = np.where(image.measured, np.maximum(image.counts, 0), 0)
    for _ in range(number):
        row, col = (int(generator.integers(max(size - TILE, 0) + 1)) for size in counts.shape)
        part = np.s_[row : row + TILE, col : col + TILE]
        pads = [(0, TILE - size) for size in counts[part].shape]
        yield np.pad(counts[part], pads), np.pad(target[part], pads), np.pad(image.measured[part], pads)


@dataclass(frozen=True, slots=True, eq=False)
class HealingProblem:
    """What the training loop asks."""

    network: HealNet
    tiles: Tiles
    generator: torch.Generator  # of the gaps

    def __len__(self) -> int:
        """Return the number of tiles."""
        return len(self.tiles)

    def loss(self, examples: Tensor) -> Tensor:
        """Return the mean error of the logarithm in drawn gaps, over tiles given by index."""
        counts, target, usable = (
            a[examples] for a in (self.tiles.counts, self.tiles.target, self.tiles.usable)
        )
        counts, target, usable = self._turned(counts, target, usable)
        gaps = torch.stack([drawn_gaps(self.generator) for _ in examples])
        measured = (usable & ~gaps).float()[:, None]
        found = self.network(counts[:, None], measured)[:, 0]
        cost = functional.smooth_l1_loss(found, target.float(), beta=0.1, reduction="none")
        weight = usable.float() * torch.where(gaps, 1.0, ELSEWHERE)
        return (cost * weight).sum() / weight.sum().clamp(min=1)

    def _turned(self, *parts: Tensor) -> list[Tensor]:
        turns, mirror = (int(torch.randint(n, (), generator=self.generator)) for n in (4, 2))
        turned = [torch.rot90(part, turns, (1, 2)) for part in parts]
        return [part.flip(2) for part in turned] if mirror else turned


def drawn_gaps(generator: torch.Generator) -> Tensor:
    """Draw gaps (TILE, TILE): bars between modules, and now and then a rectangle, a disc or a rod."""
    gap = torch.zeros(TILE, TILE, dtype=torch.bool)

    def uniform() -> float:
        return float(torch.rand((), generator=generator))

    for axis in (0, 1):
        if uniform() < 0.75:
            width = int(2 * 20 ** uniform())
            period = width + int(30 + 150 * uniform())
            start = int(uniform() * period) - width
            for first in range(start, TILE, period):
                part = slice(max(first, 0), max(first + width, 0))
                gap[(part, slice(None)) if axis == 0 else (slice(None), part)] = True
    y, x = torch.meshgrid(
        torch.arange(TILE) - TILE * uniform(), torch.arange(TILE) - TILE * uniform(), indexing="ij"
    )
    kind, size = uniform(), 2 * 15 ** uniform()
    if kind < 0.15:
        gap |= torch.hypot(x, y) < size
    elif kind < 0.3:
        gap |= (x.abs() < size) & (y.abs() < size * 3 * uniform())
    elif kind < 0.4:
        turn = torch.tensor(6.283 * uniform())
        gap |= (x * torch.cos(turn) + y * torch.sin(turn)).abs() < size / 3
    return gap
