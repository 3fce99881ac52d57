from __future__ import annotations

import numpy as np
import pytest
import torch

from fedbragg.tasks.tags.healing.network.healnet import HealNet
from fedbragg.tasks.tags.healing.network.training import (
    SIDE,
    TILE,
    HealingProblem,
    Tiles,
    drawn_gaps,
    stacked_fills,
)


def striped(counts: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Return counts (1, TILE, TILE) and where they were measured: all but a bar."""
    measured = torch.ones(1, TILE, TILE, dtype=torch.bool)
    measured[:, 60:70] = False
    return torch.full((1, TILE, TILE), counts), measured


def healed(network: HealNet, counts: torch.Tensor, measured: torch.Tensor) -> torch.Tensor:
    fills = stacked_fills(counts, measured)
    with torch.no_grad():
        return network.eval()(counts[:, None], measured.float()[:, None], *fills)[0, 0]


def test_the_network_is_small() -> None:
    assert sum(parameter.numel() for parameter in HealNet().parameters()) <= 300_000


@pytest.mark.parametrize("counts", [0.0, 5.0, 20_000.0])
def test_an_untrained_network_fills_a_constant_with_itself(counts: float) -> None:
    network = HealNet()
    network.initialise(1)
    assert healed(network, *striped(counts)).numpy() == pytest.approx(np.log1p(counts), abs=1e-4)


def test_pixels_that_are_not_measured_do_not_matter() -> None:
    network = HealNet()
    network.initialise(1)
    torch.nn.init.normal_(network.last.weight, generator=torch.Generator().manual_seed(2))
    counts, measured = striped(30.0)
    other = torch.where(measured, counts, 1e6)
    assert torch.equal(healed(network, counts, measured), healed(network, other, measured))


def test_drawn_gaps_leave_measured_pixels_on_both_sides() -> None:
    generator = torch.Generator().manual_seed(1)
    shares = []
    for _ in range(40):
        gap = drawn_gaps(generator)
        shares.append(gap.float().mean().item())
        assert not gap[:SIDE, :SIDE].all()
    assert 0.03 < np.mean(shares) < 0.5
    assert max(shares) < 0.9


def test_training_lowers_the_error_in_gaps() -> None:
    """Stripes across the gaps: only the lines along them go on."""
    place = torch.arange(TILE)
    light = (50 + 45 * torch.sin(place / 3.0)).expand(8, TILE, TILE).contiguous()
    tiles = Tiles(light, torch.log1p(light), torch.ones(8, TILE, TILE, dtype=torch.bool))
    network = HealNet()
    network.initialise(1)
    examples = torch.arange(4)

    def error() -> float:
        with torch.no_grad():
            return float(HealingProblem(network, tiles, torch.Generator().manual_seed(9)).loss(examples))

    before = error()
    problem = HealingProblem(network, tiles, torch.Generator().manual_seed(1))
    optimiser = torch.optim.Adam(network.parameters(), 5e-3)
    for _ in range(8):
        optimiser.zero_grad()
        problem.loss(examples).backward()
        optimiser.step()
    assert error() < 0.8 * before
