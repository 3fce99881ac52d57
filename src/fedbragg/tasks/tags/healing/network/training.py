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
from fedbragg.tasks.tags.healing.network.directions import directional_fills
from fedbragg.tasks.tags.healing.network.healnet import HealNet
from fedbragg.tasks.tags.healing.simulated import known_image

TILE = 128
"""Pixels along an edge of a training example."""
LONGEST = (256, 384, 512, 768, 1024)
"""Pixels along the longer side of the simulated images, in turn."""
SIDE = 10
"""Pixels that stay measured on each side of a bar."""
ELSEWHERE = 0.03
"""Cost of an error on a measured pixel, relative to one in a gap: denoising teaches features."""


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
    """Gaps, fills and loss for the training loop."""

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
        found = self.network(counts[:, None], measured, *stacked_fills(counts, measured[:, 0] > 0))[:, 0]
        cost = functional.smooth_l1_loss(found, target.float(), beta=0.1, reduction="none")
        weight = usable.float() * torch.where(gaps, 1.0, ELSEWHERE)
        return (cost * weight).sum() / weight.sum().clamp(min=1)

    def _turned(self, *parts: Tensor) -> list[Tensor]:
        turns, mirror = (int(torch.randint(n, (), generator=self.generator)) for n in (4, 2))
        turned = [torch.rot90(part, turns, (1, 2)) for part in parts]
        return [part.flip(2) for part in turned] if mirror else turned


def stacked_fills(counts: Tensor, measured: Tensor) -> tuple[Tensor, Tensor]:
    """Return the directional fills (tiles, FILLS, TILE, TILE) of tiles, and where there are any, as numbers."""
    light = torch.where(measured, counts, 0.0).numpy()
    fills, there = zip(*map(directional_fills, light, measured.numpy()), strict=True)
    return torch.from_numpy(np.stack(fills)), torch.from_numpy(np.stack(there)).float()


def drawn_gaps(generator: torch.Generator) -> Tensor:
    """Draw gaps (TILE, TILE) with measured pixels on both sides: bars as between modules, at times a disc or a rod."""

    def uniform(low: float, high: float) -> float:
        return low + (high - low) * float(torch.rand((), generator=generator))

    gap = torch.zeros(TILE, TILE, dtype=torch.bool)
    for axis in (0, 1):
        width = int(2 * 12 ** uniform(0, 1))
        first = int(uniform(-60, 60))
        for start in range(first, TILE - width - SIDE, width + int(uniform(30, 150))):
            if start >= SIDE:
                gap[
                    (slice(start, start + width),)
                    if axis == 0
                    else (slice(None), slice(start, start + width))
                ] = True
    place = torch.arange(TILE)
    y, x = torch.meshgrid(place - uniform(30, 98), place - uniform(30, 98), indexing="ij")
    size, turn = 2 * 8 ** uniform(0, 1), torch.tensor(uniform(0, 3.1416))
    shape = uniform(0, 1)
    if shape < 0.2:
        gap |= torch.hypot(x, y) < size
    elif shape < 0.35:
        gap |= (x * torch.cos(turn) + y * torch.sin(turn)).abs() < size / 2
    return gap
