import math

import numpy as np
import pytest
import torch

from fedbragg.tasks.tags.learner import new_network
from fedbragg.tasks.tags.network import HARMONICS, RADII, PolarReader, TagNet
from fedbragg.tasks.tags.prepare import CELLS

MEAN, SPREAD, FINE, COVERAGE = range(4)


def rings(beam: tuple[float, float], lobes: int = 0, turned: float = 0.0) -> torch.Tensor:
    """A view (1, 3, CELLS, CELLS) with a ring of radius 0.5 about the beam, with lobes along it."""
    at = (torch.arange(CELLS) + 0.5) * 2 / CELLS - 1
    x, y = at[None, :] - beam[0], at[:, None] - beam[1]
    light = torch.exp(-0.5 * ((torch.hypot(x, y) - 0.5) / 0.03) ** 2)
    if lobes:
        light = light * (1 + 0.8 * torch.cos(lobes * (torch.atan2(y, x) - turned)))
    return torch.stack([light, torch.ones_like(light), torch.zeros_like(light)])[None]


def read(views: torch.Tensor, beam: tuple[float, float]) -> torch.Tensor:
    return PolarReader().rings(views, torch.tensor([beam]))[0]


@pytest.mark.parametrize("beam", [(0.0, 0.0), (0.3, -0.2), (-1.2, 0.0)])
def test_a_ring_is_one_peak_along_the_radius(beam: tuple[float, float]) -> None:
    mean = read(rings(beam), beam)[MEAN]
    nearest = max(abs(beam[0]) - 1, 0)
    farthest = math.hypot(abs(beam[0]) + 1, abs(beam[1]) + 1)
    radius = nearest + (int(mean.argmax()) + 0.5) / RADII * (farthest - nearest)
    assert radius == pytest.approx(0.5, abs=0.03)


def test_a_smooth_ring_has_no_harmonics_and_lobes_have_theirs() -> None:
    at = int(read(rings((0.0, 0.0)), (0.0, 0.0))[MEAN].argmax())
    smooth = read(rings((0.0, 0.0)), (0.0, 0.0))[4 : 4 + HARMONICS, at]
    lobed = read(rings((0.0, 0.0), lobes=4), (0.0, 0.0))[4 : 4 + HARMONICS, at]
    assert smooth.max() < 0.02
    assert int(lobed.argmax()) == 3  # the fourth harmonic
    assert lobed[3] == pytest.approx(0.4 * float(read(rings((0.0, 0.0)), (0.0, 0.0))[MEAN, at]), rel=0.1)


def test_rotation_changes_nothing_that_is_read() -> None:
    one = read(rings((0.0, 0.0), lobes=2), (0.0, 0.0))
    other = read(rings((0.0, 0.0), lobes=2, turned=0.7), (0.0, 0.0))
    torch.testing.assert_close(one[:, : RADII // 2], other[:, : RADII // 2], atol=0.02, rtol=0.05)


def test_gaps_change_the_coverage_and_little_else() -> None:
    whole = rings((0.0, 0.0))
    gapped = whole.clone()
    gapped[:, :, :, 110:146] = 0
    before, after = read(whole, (0.0, 0.0)), read(gapped, (0.0, 0.0))
    inside = slice(20, RADII // 2)
    torch.testing.assert_close(before[MEAN, inside], after[MEAN, inside], atol=0.02, rtol=0.05)
    assert after[4 : 4 + HARMONICS, inside].max() < 0.03
    assert (after[COVERAGE, inside] < before[COVERAGE, inside] - 0.05).all()


def test_what_was_not_measured_at_all_stays_finite() -> None:
    network = new_network(5, 1)
    logits, beam = network(torch.zeros(2, 3, CELLS, CELLS))
    assert torch.isfinite(logits).all() and torch.isfinite(beam).all()
    logits.sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in network.parameters() if p.grad is not None)


def test_the_beam_starts_in_the_middle_and_may_lie_outside() -> None:
    network = new_network(5, 1)
    _, beam = network(torch.rand(1, 3, CELLS, CELLS))
    assert beam.abs().max() < 0.1
    torch.nn.init.constant_(network.trunk.votes.bias, 3.0)
    _, beam = network(torch.rand(1, 3, CELLS, CELLS))
    assert beam.min() > 1


def test_the_network_is_small() -> None:
    assert sum(p.numel() for p in TagNet(19).parameters()) <= 1_000_000


def test_the_seed_alone_decides_the_weights() -> None:
    first, again, other = new_network(19, 3), new_network(19, 3), new_network(19, 4)
    assert torch.equal(first.trunk.stem.weight, again.trunk.stem.weight)
    assert not torch.equal(first.trunk.stem.weight, other.trunk.stem.weight)
    np.testing.assert_allclose(float(first.trunk.stem.weight.detach().std()), (2 / 48) ** 0.5, rtol=0.1)
