import numpy as np
import pytest
import torch
from lit_rings import lit

from fedbragg.tasks.tags.halve import READ
from fedbragg.tasks.tags.learner import new_network
from fedbragg.tasks.tags.network import TagNet, standardised


def test_what_was_not_measured_at_all_stays_finite() -> None:
    network = new_network(5, 1)
    reading = network(torch.zeros(2, 4, READ, READ))
    assert all(torch.isfinite(part).all() for part in reading)
    reading.logits.sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in network.parameters() if p.grad is not None)


def test_the_beam_starts_in_the_middle_and_lines_draw_it_away() -> None:
    network = new_network(5, 1).eval()
    assert network(lit((0.0, 0.0))).found.abs().max() < 0.1
    torch.nn.init.constant_(network.trunk.votes.bias[3], 10.0)  # trust the lines
    assert network(lit((0.5, 0.2))).found[0].tolist() == pytest.approx([0.5, 0.2], abs=0.05)


def test_a_given_beam_is_read_about_and_an_unknown_one_is_found() -> None:
    network, views = new_network(5, 1).eval(), lit((0.3, 0.0))
    found = network(views)
    unknown = network(views, torch.full((1, 2), torch.nan))
    given = network(views, torch.tensor([[0.31, 0.0]]))
    assert torch.equal(found.logits, unknown.logits) and torch.equal(found.beam, unknown.beam)
    assert not torch.equal(found.logits, given.logits)


def test_the_trunk_sees_contrast_and_the_head_is_told_the_strength() -> None:
    views = lit((0.0, 0.0))
    stronger = views.clone()
    stronger[:, 0] = 0.2 + 3 * views[:, 0]
    (picture, levels), (same, more) = standardised(views), standardised(stronger)
    torch.testing.assert_close(picture[:, 0], same[:, 0], atol=0.02, rtol=0.01)
    assert more[0, 0] > levels[0, 0] + 0.2  # the mean


def test_the_network_is_small() -> None:
    assert sum(p.numel() for p in TagNet(19).parameters()) <= 1_000_000


def test_the_seed_alone_decides_the_weights() -> None:
    first, again, other = (new_network(19, seed).trunk.stem[0].weight for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    np.testing.assert_allclose(float(first.detach().std()), (2 / 144) ** 0.5, rtol=0.1)
