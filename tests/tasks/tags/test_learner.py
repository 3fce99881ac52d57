from dataclasses import replace

import numpy as np
import pytest
import torch

from fedbragg.learn.settings import Calibration, FitSettings
from fedbragg.learn.state import state_of
from fedbragg.tasks.tags.data import TagData, concatenate
from fedbragg.tasks.tags.learner import beam_loss, gradient, new_network, probabilities, tag_loss, train


def test_an_unknown_tag_costs_and_teaches_nothing() -> None:
    logits = torch.tensor([[2.0, -3.0]], requires_grad=True)
    loss = tag_loss(logits, torch.tensor([[1.0, -1.0]]))
    assert loss.item() == pytest.approx(np.log1p(np.exp(-2.0)))  # cross-entropy of the known tag alone
    loss.backward()
    assert logits.grad is not None and logits.grad[0, 1] == 0 and logits.grad[0, 0] != 0


def test_a_batch_without_any_known_tag_costs_nothing() -> None:
    assert tag_loss(torch.zeros(3, 2), torch.full((3, 2), -1.0)).item() == 0


def test_an_unknown_beam_costs_nothing() -> None:
    found = torch.tensor([[0.5, 0.5], [0.2, 0.0]], requires_grad=True)
    loss = beam_loss(found, torch.tensor([[torch.nan, torch.nan], [0.2, 1.0]]))
    # smooth L1 with beta 0.1 of an error of 1: 1 - 0.05; over 1 + distance from the middle, and two known coordinates
    assert loss.item() == pytest.approx(0.95 / (1 + 1.04**0.5) / 2)
    loss.backward()
    assert found.grad is not None and (found.grad[0] == 0).all()


def test_training_learns_and_repeats_itself(images: TagData) -> None:
    fitting = FitSettings(epochs=4, batch=16, learning_rate=2e-3)
    first, again = new_network(19, 1), new_network(19, 1)
    start = tag_loss(
        torch.from_numpy(np.log(odds(probabilities(first, images)))), images.labels.double()
    ).item()
    losses = [train(network, images, fitting, seed=7, augment=False) for network in (first, again)]
    assert losses[0] == losses[1] < start
    one, two = state_of(first), state_of(again)
    assert all((one[name] == two[name]).all() for name in one)


def test_a_gradient_and_shifted_logits_for_rules_that_ask(images: TagData) -> None:
    network = new_network(19, 1)
    found = gradient(network, images, FitSettings(epochs=1, batch=64), seed=2)
    assert found.keys() == dict(network.named_parameters()).keys()
    assert any(tensor.any() for tensor in found.values())
    fitting = FitSettings(epochs=1, batch=64, learning_rate=1e-9)
    plain = train(new_network(19, 1), images, fitting, seed=2)
    shifted = train(new_network(19, 1), images, replace(fitting, calibration=Calibration("prior")), seed=2)
    assert shifted < plain  # at random weights, the shift alone knows how frequent each tag is


def odds(probability: np.ndarray) -> np.ndarray:
    return probability / (1 - probability)


def test_data_are_cut_counted_and_pooled(images: TagData) -> None:
    parts = [images[:20], images[20:]]
    whole = concatenate(parts)
    assert torch.equal(whole.views, images.views) and len(parts[0]) == 20
    for tag, (absent, present) in enumerate(images.label_counts):
        assert absent == int((images.labels[:, tag] == 0).sum())
        assert absent + present + int((images.labels[:, tag] == -1).sum()) == len(images)
