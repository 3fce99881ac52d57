"""The training loop, on a problem whose answer is known; states as arrays and back."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from fedbragg.errors import ModelFileError
from fedbragg.learn.loop import fit, mean_gradient
from fedbragg.learn.precision import layers_in
from fedbragg.learn.settings import FitSettings
from fedbragg.learn.state import load_state, state_of
from fedbragg.precision import Precision
from fedbragg.state_arithmetic import difference


@dataclass(frozen=True, eq=False)
class Line:
    """Points on both sides of a line: linearly separable, with a margin."""

    network: nn.Module
    points: Tensor
    side: Tensor

    def __len__(self) -> int:
        return len(self.side)

    def loss(self, examples: Tensor) -> Tensor:
        logits = self.network(self.points[examples])[:, 0]
        return nn.functional.binary_cross_entropy_with_logits(logits, self.side[examples])


def problem(seed: int = 0) -> Line:
    generator = torch.Generator().manual_seed(seed)
    points = torch.randn(200, 2, generator=generator)
    side = (points[:, 0] - 2 * points[:, 1] > 0).float()
    points += 0.3 * (2 * side[:, None] - 1) * torch.tensor([1.0, -2.0])
    network = nn.Linear(2, 1)
    nn.init.zeros_(network.weight)
    nn.init.zeros_(network.bias)
    return Line(network, points, side)


def fitted(seed: int, settings: FitSettings) -> tuple[Line, float]:
    line = problem()
    return line, fit(line.network, line, settings, torch.Generator().manual_seed(seed))


def test_a_separable_problem_is_learnt() -> None:
    line, loss = fitted(1, FitSettings(epochs=60, learning_rate=0.05))
    right = ((line.network(line.points)[:, 0] > 0) == (line.side > 0)).float().mean()
    assert right == 1.0
    assert loss < 0.1 < np.log(2)
    first, second = line.network.weight[0].tolist()
    assert second / first == pytest.approx(-2.0, rel=0.25)  # across the line


def test_the_seed_decides_everything() -> None:
    settings = FitSettings(epochs=3, annealed=True)
    one, one_loss = fitted(5, settings)
    same, same_loss = fitted(5, settings)
    other, _ = fitted(6, settings)
    assert one_loss == same_loss
    assert torch.equal(one.network.weight, same.network.weight)
    assert not torch.equal(one.network.weight, other.network.weight)


def test_layers_may_multiply_in_bfloat16_while_the_weights_stay_in_float32() -> None:
    settings = FitSettings(epochs=60, learning_rate=0.05)
    coarse, loss = fitted(1, replace(settings, precision="bfloat16"))
    exact, exact_loss = fitted(1, settings)
    assert coarse.network.weight.dtype == torch.float32
    assert loss == pytest.approx(exact_loss, rel=0.02)
    assert 0 < (coarse.network.weight - exact.network.weight).abs().max() < 0.1


@pytest.mark.parametrize(("precision", "unit"), [("float32", 2.0**-23), ("bfloat16", 2.0**-7)])
def test_a_product_in_bfloat16_is_rounded_to_eight_bits(precision: Precision, unit: float) -> None:
    """1 + one unit in the last place is the smallest number above 1; half a unit is rounded away."""
    with layers_in(precision, torch.device("cpu")):
        found = nn.functional.linear(torch.tensor([[1.0 + unit], [1.0 + unit / 4]]), torch.ones(1, 1))
    assert found[:, 0].tolist() == [1.0 + unit, 1.0]


def test_torchs_global_random_state_does_not_change() -> None:
    line = problem()
    before = torch.get_rng_state()
    fit(line.network, line, FitSettings(epochs=2), torch.Generator().manual_seed(1))
    assert torch.equal(torch.get_rng_state(), before)


def test_the_proximal_term_keeps_the_model_near_the_start() -> None:
    """A pull of mu / 2 |y - x|^2 leaves the network nearer to where it started, the more so the stronger."""
    ways = []
    for mu in (0.0, 1.0, 100.0):
        line, _ = fitted(1, FitSettings(epochs=40, learning_rate=0.05, proximal_mu=mu))
        ways.append(line.network.weight.detach().norm().item())
    assert ways[0] > 2 * ways[1] > 4 * ways[2] > 0


def test_the_reported_loss_excludes_the_proximal_term() -> None:
    """One step from the start: every batch of the first epoch but the first differs, the first is ln 2."""
    _, loss = fitted(1, FitSettings(epochs=1, batch=200, proximal_mu=50.0))
    assert loss == pytest.approx(np.log(2), abs=1e-6)


@pytest.mark.parametrize("batch", [200, 64])
def test_the_mean_gradient_is_that_of_all_examples_whatever_the_batch(batch: int) -> None:
    line = problem()
    found = mean_gradient(line.network, line, FitSettings(1, batch), torch.Generator().manual_seed(3))
    # Logistic regression at zero weights: the mean of (1/2 - side) x.
    by_hand = ((0.5 - line.side)[:, None] * line.points).mean(dim=0)
    assert found.keys() == {"weight", "bias"}
    np.testing.assert_allclose(found["weight"][0], by_hand.numpy(), atol=1e-6)


def test_a_correction_is_added_to_the_gradient() -> None:
    """Against twice the gradient, one step goes the other way; a name that the network lacks is ignored."""
    line = problem()
    gradient = mean_gradient(line.network, line, FitSettings(1, 200), torch.Generator())["weight"]
    against = {"weight": -2 * gradient, "another": np.ones(1, np.float32)}
    settings = FitSettings(epochs=1, batch=200, learning_rate=0.1, correction=against)
    fit(line.network, line, settings, torch.Generator())
    corrected = line.network.weight.detach().numpy()
    np.testing.assert_allclose(
        corrected, 0.1 * np.sign(gradient), rtol=1e-3
    )  # Adam's first step: rate times sign
    assert line.network.bias.abs().item() == pytest.approx(0.1, rel=1e-3)


def test_the_mean_loss_weighs_a_short_last_batch_by_its_size() -> None:
    """200 examples in batches of 150: 150 and 50, at a learning rate too small to move."""
    line, loss = fitted(1, FitSettings(epochs=1, batch=150, learning_rate=1e-12))
    assert loss == pytest.approx(line.loss(torch.arange(200)).item(), abs=1e-6)


@pytest.mark.parametrize("fixed", [False, True])
def test_fixed_statistics_normalise_as_the_model_does(fixed: bool) -> None:
    """A norm of mean 1 and variance 4 halves a difference of 1, whatever the batch; it keeps its statistics then."""
    line = problem()
    norm = nn.BatchNorm1d(2, eps=1e-12)
    norm.running_mean, norm.running_var = torch.tensor([1.0, 1.0]), torch.tensor([4.0, 4.0])
    network = nn.Sequential(norm, line.network)
    settings = FitSettings(3, batch=200, learning_rate=0.1, fixed_statistics=fixed)
    with_norm = Line(network, line.points, line.side)
    found = mean_gradient(network, with_norm, settings, torch.Generator())["1.weight"][0]
    by_hand = ((0.5 - line.side)[:, None] * (line.points - 1) / 2).mean(dim=0)
    assert np.allclose(found, by_hand.numpy(), atol=1e-6) == fixed
    norm.running_mean, norm.running_var = torch.tensor([1.0, 1.0]), torch.tensor([4.0, 4.0])
    fit(network, with_norm, settings, torch.Generator())
    assert (norm.running_mean.tolist() == [1.0, 1.0]) == fixed
    assert (norm.weight != 1).all() and (norm.bias != 0).all()


def test_every_epoch_is_counted_and_the_loss_falls() -> None:
    counted: list[str | None] = []

    def step(text: str | None = None) -> None:
        counted.append(text)

    losses = {}
    for epochs in (1, 4):
        line = problem()
        settings = FitSettings(epochs, learning_rate=0.02)
        losses[epochs] = fit(line.network, line, settings, torch.Generator().manual_seed(1), step)
    assert counted == [None] * 5
    assert losses[4] < losses[1]


def test_a_loaded_state_is_equal_and_a_copy() -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    state = state_of(network)
    assert sorted(state) == sorted(network.state_dict())
    with torch.no_grad():
        network[0].weight.add_(1.0)
    assert not np.array_equal(state["0.weight"], network[0].weight.detach().numpy())
    load_state(network, state)
    for name, tensor in network.state_dict().items():
        np.testing.assert_array_equal(tensor.numpy(), state[name])
    state["0.weight"][:] = 9  # what was loaded is a copy as well
    assert not (network[0].weight == 9).any()


def test_start_plus_difference_is_the_trained_model() -> None:
    before = {"a": np.array([1.0, 2.0], np.float32), "b": np.array(3, np.int64)}
    after = {"a": np.array([1.5, 1.0], np.float32), "b": np.array(7, np.int64)}
    changed = difference(after, before)
    np.testing.assert_array_equal(changed["a"], [0.5, -1.0])
    assert changed["b"] == 4
    assert changed["a"].dtype == np.float32
    assert all(isinstance(array, np.ndarray) for array in changed.values())


@pytest.mark.parametrize("other", [nn.Linear(3, 1), nn.Linear(2, 1, bias=False)])
def test_weights_of_another_network_are_refused(other: nn.Module) -> None:
    with pytest.raises(ModelFileError, match="the weights are of another network"):
        load_state(nn.Linear(2, 1), state_of(other))
